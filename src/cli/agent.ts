/** `videoflow agent`: runs flows as a daemon, in the foreground of its terminal or service manager. */
import { resolve } from "node:path";
import { OperatorError } from "../base/errors.js";
import { safeText } from "../base/safe-text.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import type { AgentFlags } from "./program.js";
import { clusterOf, type World } from "./world.js";

/** Returns when the agent was told to end. Logs plain lines to stderr. */
export async function agent(flags: AgentFlags, { cwd, engine, err }: World): Promise<ExitCode> {
  const path = (given: string) => resolve(cwd, given);
  const cluster = clusterOf(flags, cwd);
  await engine.agent({
    ...(cluster === undefined ? {} : { cluster }),
    ...(flags.probes === undefined ? {} : { probes: flags.probes }),
    ...(flags.hostName === undefined ? {} : { hostName: flags.hostName }),
    ...(flags.stateDir === undefined ? {} : { stateDir: path(flags.stateDir) }),
    ...(flags.devices === undefined ? {} : { devicesFile: path(flags.devices) }),
    ...(flags.allowBusy === undefined ? {} : { allowBusy: flags.allowBusy }),
    ...(flags.shm === undefined ? {} : { shmDir: path(flags.shm) }),
    ...(flags.manifests === undefined ? {} : { manifestsDir: path(flags.manifests) }),
    ...(flags.root === undefined ? {} : { root: path(flags.root) }),
    ...(flags.allowComponents === undefined ? {} : { allowComponents: listOf(flags.allowComponents) }),
    ...(flags.allowRoot === undefined ? {} : { allowRoot: flags.allowRoot }),
    ...(flags.taskUser === undefined ? {} : { taskUser: flags.taskUser }),
    ...metricsOf(flags, path),
    log: (text) => err.write(`${new Date().toISOString()} ${safeText(text)}\n`),
  });
  return EXIT.success;
}

/** @throws OperatorError AGENT_OPTION for a list that allows nothing */
function listOf(text: string): string[] {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
  if (words.length === 0) throw new OperatorError("AGENT_OPTION", { option: "--allow-components", problem: "the list is empty" });
  return words;
}

/** @throws OperatorError LISTEN_REFUSED if one of the two is missing */
function metricsOf({ listen, tokenFile }: AgentFlags, path: (given: string) => string) {
  if (listen === undefined && tokenFile === undefined) return {};
  if (listen === undefined || tokenFile === undefined)
    throw new OperatorError("LISTEN_REFUSED", { problem: "--listen and --token-file go together" });
  return { metrics: { listen, tokenFile: path(tokenFile) } };
}
