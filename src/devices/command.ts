/** Runs a program that may hang in the kernel: the caller never waits longer than it said. */
import { spawn } from "node:child_process";

export interface CommandResult {
  readonly outcome: "Exited" | "NotFound" | "TimedOut";
  /** Exit code; -1 when ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never throws. A program that is cut off is killed, and not waited for. */
export function runCommand(command: string, args: readonly string[], timeoutMs: number): Promise<CommandResult> {
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
