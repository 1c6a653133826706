/** The rules of an agent from what it was told on its command line. The one place that knows what is allowed unless something is said. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { deadLettersOf } from "../agent/task-files.js";
import { OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";
import type { TaskUser } from "../base/task-user.js";
import type { DaemonOptions } from "../cli/world.js";
import { describeBuiltIn } from "../components/descriptors.js";
import { AllowedComponents } from "../rules/allowed-components.js";
import { HostRules } from "../rules/host-rules.js";
import { RememberedSecrets, type Secrets } from "../rules/secrets.js";
import type { KubernetesStore } from "../store/kubernetes/kubernetes-store.js";
import { taskReach } from "./task-reach.js";

const ANY = ["any"];
const CLUSTER = ["builtin", "root"];

/** What `videoflow run` asks: that everything is there. */
export function foregroundRules(host: string): HostRules {
  return new HostRules({ host, describe: describeBuiltIn, allowed: new AllowedComponents(ANY) });
}

/**
 * In a cluster flows come from others: built-ins and modules below the root are allowed, tasks do not run as root, and nothing is read or
 * written outside of the root. An agent of this machine runs what its user gives it.
 *
 * @param cluster absent: the agent has a store of its own.
 * @param taskUser whose tasks are, if not the agent's user's.
 * @throws OperatorError AGENT_OPTION
 */
export function daemonRules(options: DaemonOptions, host: string, cluster: KubernetesStore | undefined, taskUser?: TaskUser): HostRules {
  const { stateDir, allowRoot = false, allowComponents } = options;
  const isCluster = cluster !== undefined;
  const root = options.root ?? (isCluster ? ownRoot(stateDir) : undefined);
  if (root !== undefined && statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new OperatorError("AGENT_OPTION", { option: "--root", problem: `there is no folder ${root}` });
  const list = allowComponents ?? (isCluster ? CLUSTER : ANY);
  if (list.includes("root") && root === undefined)
    throw new OperatorError("AGENT_OPTION", { option: "--allow-components", problem: "root is allowed, but no --root is given" });
  return new HostRules({
    host,
    describe: describeBuiltIn,
    allowed: new AllowedComponents(list, root),
    isRootUnasked: isCluster && (taskUser?.uid ?? process.getuid?.()) === 0 && !allowRoot,
    ...(taskUser === undefined ? {} : { reach: taskReach(taskUser) }),
    ...(root === undefined ? {} : { root }),
    deadLettersDir: (flow) => deadLettersOf(resolve(stateDir), flow),
    ...(cluster === undefined ? {} : { secrets: new RememberedSecrets(secretsOf(cluster)) }),
  });
}

/** The folder of an agent that was given none: empty until somebody puts something there. */
function ownRoot(stateDir: string): string {
  const root = join(resolve(stateDir), "root");
  makeFolder(root, 0o755);
  return root;
}

function secretsOf(cluster: KubernetesStore): Secrets {
  return { read: (namespace, name) => cluster.readSecret(namespace, name) };
}
