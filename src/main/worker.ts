/** The process of one task: `worker.js LAUNCH_FILE`. */
import {
  EXIT_BAD_CONFIGURATION,
  EXIT_BAD_INPUT,
  EXIT_CRASHED,
  EXIT_FINISHED,
  EXIT_RETIRED,
  EXIT_TERMINATED,
  FINAL_CODES,
} from "../api/launch.js";
import { errorText, OperatorError } from "../base/errors.js";
import { armParentDeath } from "../base/process-signal.js";
import { readLaunch } from "../worker/launch.js";
import { Reporter } from "../worker/report.js";
import { runTask, TaskTerminated } from "../worker/task.js";
import { withValues } from "../worker/values.js";

/** Failures that a restart cannot mend, because the flow itself is wrong. */
const CONFIGURATION = /^(COMPONENT_|FLOW_|NODE_|PARAM_|MODEL_)/;

function exitCodeOf(error: unknown): number {
  if (error instanceof OperatorError && error.code === "SHM_FULL") return EXIT_BAD_CONFIGURATION; // It would meet the same buffers again.
  if (!(error instanceof OperatorError) || error.retryable) return EXIT_CRASHED;
  return CONFIGURATION.test(error.code) ? EXIT_BAD_CONFIGURATION : EXIT_BAD_INPUT;
}

/** Says in the log where `process.exit()` was called. @returns the code of a crash. */
function exitOfUser(code: number): number {
  const frames = new Error().stack?.split("\n") ?? [];
  const caller = frames[frames.findIndex((frame) => frame.includes("process.exit ")) + 1]?.trim() ?? "";
  process.stderr.write(`code of the node has ended its process: process.exit(${code}) ${caller}\n`);
  return EXIT_CRASHED;
}

/** What the process ends with; undefined while it works. */
let verdict: number | undefined;

async function main(): Promise<number> {
  armParentDeath();
  const launch = readLaunch(process.argv[2] ?? "");
  process.title = `videoflow: ${launch.flow}.${launch.node}.${launch.index}`;
  const reporter = new Reporter(launch.reportFile, launch.hasReport);
  const fail = (error: unknown): number => {
    process.stderr.write(`${error instanceof OperatorError ? error.message : error instanceof Error ? error.stack : errorText(error)}\n`);
    reporter.failed(error);
    return exitCodeOf(error);
  };
  process.on("uncaughtException", (error) => end(fail(error)));
  process.on("beforeExit", () => end(fail(new Error("the node waits for a promise that nothing is left to settle"))));
  process.on("exit", (code) => {
    // Code of a node that ends its process means something else by them.
    if (verdict === undefined && FINAL_CODES.includes(code)) process.exitCode = exitOfUser(code);
  });
  try {
    const outcome = await runTask(withValues(launch), reporter);
    return outcome === "retired" ? EXIT_RETIRED : EXIT_FINISHED;
  } catch (error) {
    return error instanceof TaskTerminated ? EXIT_TERMINATED : fail(error);
  }
}

function end(code: number): never {
  verdict = code;
  process.exit(code);
}

void main().then(end);
