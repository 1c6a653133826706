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

/** Programs that were cut off and hang in the kernel, by command line: another one would hang as well. */
const stuck = new Set<string>();

/** Never throws. A program that is cut off is killed, and not waited for; as long as it is not dead it is not started again. */
export function runCommand(command: string, args: readonly string[], timeoutMs: number): Promise<CommandResult> {
  const line = [command, ...args].join(" ");
  if (stuck.has(line)) return Promise.resolve({ outcome: "TimedOut", code: -1, stdout: "", stderr: "" });
  if (!isOnPath(command)) return Promise.resolve({ outcome: "NotFound", code: -1, stdout: "", stderr: "" });
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
    const text = { stdout: "", stderr: "" };
    const finish = (outcome: CommandResult["outcome"], code: number) => {
      clearTimeout(timer);
      resolve({ outcome, code, ...text });
    };
    const timer = setTimeout(() => {
      stuck.add(line);
      child.on("exit", () => stuck.delete(line));
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
