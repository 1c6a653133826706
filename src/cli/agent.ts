/** `videoflow agent`: runs flows as a daemon, in the foreground of its terminal or service manager. */
import { resolve } from "node:path";
import { EXIT, type ExitCode } from "./exit-codes.js";
import type { AgentFlags } from "./program.js";
import { clusterOf, type World } from "./world.js";

/** Returns when the agent was told to end. Logs plain lines to stderr. */
export async function agent(flags: AgentFlags, { cwd, engine, err }: World): Promise<ExitCode> {
  const path = (given: string) => resolve(cwd, given);
  const cluster = clusterOf(flags, cwd);
  await engine.agent({
    ...(cluster === undefined ? {} : { cluster }),
    ...(flags.hostName === undefined ? {} : { hostName: flags.hostName }),
    ...(flags.stateDir === undefined ? {} : { stateDir: path(flags.stateDir) }),
    ...(flags.devices === undefined ? {} : { devicesFile: path(flags.devices) }),
    ...(flags.shm === undefined ? {} : { shmDir: path(flags.shm) }),
    ...(flags.manifests === undefined ? {} : { manifestsDir: path(flags.manifests) }),
    log: (text) => err.write(`${new Date().toISOString()} ${text}\n`),
  });
  return EXIT.success;
}
