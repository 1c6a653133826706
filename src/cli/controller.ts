/** `videoflow controller`: makes a cluster's objects match its flows, until it is told to end. */
import { resolve } from "node:path";
import { EXIT, type ExitCode } from "./exit-codes.js";
import type { ClusterFlags, World } from "./world.js";

/** What `controller` is told on the command line. */
export interface ControllerFlags extends ClusterFlags {
  readonly leaseNamespace?: string;
  readonly probes?: string;
}

/** Returns when it was told to end. Logs plain lines to stderr. */
export async function controller(flags: ControllerFlags, { cwd, engine, err }: World): Promise<ExitCode> {
  const { kubeconfig, context, inCluster, leaseNamespace, probes } = flags;
  await engine.controller({
    cluster: {
      ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(cwd, kubeconfig) }),
      ...(context === undefined ? {} : { context }),
      ...(inCluster === undefined ? {} : { inCluster }),
    },
    ...(leaseNamespace === undefined ? {} : { leaseNamespace }),
    ...(probes === undefined ? {} : { probes }),
    log: (text) => err.write(`${new Date().toISOString()} ${text}\n`),
  });
  return EXIT.success;
}
