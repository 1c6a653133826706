/** `videoflow controller`: makes a cluster's objects match its flows, until it is told to end. */
import { safeText } from "../base/safe-text.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { type ClusterFlags, clusterOf, type World } from "./world.js";

/** What `controller` is told on the command line. */
export interface ControllerFlags extends ClusterFlags {
  readonly probes?: string;
  readonly metrics?: string;
}

/** Returns when it was told to end. Logs plain lines to stderr. */
export async function controller(flags: ControllerFlags, { cwd, engine, err }: World): Promise<ExitCode> {
  const { probes, metrics } = flags;
  await engine.controller({
    cluster: clusterOf(flags, cwd) ?? {},
    ...(probes === undefined ? {} : { probes }),
    ...(metrics === undefined ? {} : { metrics }),
    log: (text) => err.write(`${new Date().toISOString()} ${safeText(text)}\n`),
  });
  return EXIT.success;
}
