/** The process of one task: `worker.js LAUNCH_FILE`. */
import { EXIT_BAD_CONFIGURATION, EXIT_BAD_INPUT, EXIT_CRASHED, EXIT_FINISHED, EXIT_RETIRED, EXIT_TERMINATED } from "../api/launch.js";
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

async function main(): Promise<number> {
  armParentDeath();
  const launch = readLaunch(process.argv[2] ?? "");
  process.title = `videoflow: ${launch.flow}.${launch.node}.${launch.index}`;
  const reporter = new Reporter(launch.reportFile, launch.hasReport);
  try {
    const outcome = await runTask(withValues(launch), reporter);
    return outcome === "retired" ? EXIT_RETIRED : EXIT_FINISHED;
  } catch (error) {
    if (error instanceof TaskTerminated) return EXIT_TERMINATED;
    process.stderr.write(`${error instanceof OperatorError ? error.message : error instanceof Error ? error.stack : errorText(error)}\n`);
    reporter.failed(error);
    return exitCodeOf(error);
  }
}

void main().then((code) => process.exit(code));
