/** Runs a program that may hang in the kernel: the caller never waits longer than it said. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface CommandResult {
  readonly outcome: "Exited" | "NotFound" | "TimedOut";
  /** Exit code; -1 when ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A look at the folders is cheaper than a process that finds nothing to run. */
function isOnPath(command: string): boolean {
  if (command.includes("/")) return existsSync(command);
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Never throws. A program that is cut off is killed, and not waited for. */
export function runCommand(command: string, args: readonly string[], timeoutMs: number): Promise<CommandResult> {
  if (!isOnPath(command)) return Promise.resolve({ outcome: "NotFound", code: -1, stdout: "", stderr: "" });
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
    const text = { stdout: "", stderr: "" };
    const finish = (outcome: CommandResult["outcome"], code: number) => {
      clearTimeout(timer);
      resolve({ outcome, code, ...text });
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      finish("TimedOut", -1);
    }, timeoutMs);
    child.stdout.on("data", (data: Buffer) => {
      text.stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      text.stderr += data.toString();
    });
    child.on("error", () => finish("NotFound", -1));
    child.on("close", (code) => finish("Exited", code ?? -1));
  });
}
