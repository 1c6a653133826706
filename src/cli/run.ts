/** `videoflow run`: runs a flow to its end and shows its progress. */
import { safeText } from "../base/safe-text.js";
import { coloured, Display, displayMode } from "./display.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { loadFlow } from "./flow-file.js";
import type { RunFlags } from "./program.js";
import { hostOptions, type RunOptions, type RunResult, type World } from "./world.js";

/** @returns the exit code of the run. @throws OperatorError for what is found before anything starts. */
export async function run(file: string, flags: RunFlags, world: World): Promise<ExitCode> {
  const { out, err, env, engine } = world;
  const flow = await loadFlow(file, world, flags.flow);
  const display = new Display(displayMode(flags, err, env), err, out, coloured(out, env));
  const options: RunOptions = {
    ...hostOptions(flags),
    ...(flags.stateDir === undefined ? {} : { stateDir: flags.stateDir }),
    ...(flags.deadLetters === undefined ? {} : { deadLettersDir: flags.deadLetters }),
    ...(flags.shm === undefined ? {} : { shmDir: flags.shm }),
    onSnapshot: (snapshot) => display.show(snapshot),
    onNotice: (text) => display.notice(text),
    onPrinted: (task, text) => display.printed(task, text),
  };
  const result = await engine.run(flow, options);
  display.finish(result.snapshot, result);
  const code = exitCode(result);
  const told = result.message.includes(result.reason) ? result.message : `${result.reason}: ${result.message}`;
  if (code === EXIT.failed) err.write(`error: ${safeText(told)}\n`);
  if (flags.quiet && result.reason === "CompletedWithDeadLetters") err.write(`warning: ${safeText(told)}\n`);
  return code;
}

/** What the end of a run means for the shell. */
export function exitCode({ snapshot, interrupted }: RunResult): ExitCode {
  if (interrupted === "killed") return EXIT.killed;
  if (snapshot.state === "Failed") return EXIT.failed;
  return interrupted === "drained" ? EXIT.interrupted : EXIT.success;
}
