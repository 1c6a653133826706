/** What the process of a task finds in its environment. Pure. */
import type { FlowTaskSpec } from "../api/kinds.js";
import type { SettledTask } from "../api/refusal.js";

/** Variables that decide which devices a process sees; nobody but the agent sets them. */
export const DEVICE_VARIABLES = [
  "CUDA_VISIBLE_DEVICES",
  "CUDA_DEVICE_ORDER",
  "HIP_VISIBLE_DEVICES",
  "ROCR_VISIBLE_DEVICES",
  "GPU_DEVICE_ORDINAL",
] as const;

/** Not inherited from the user: Node parses the certificates at start, which takes three times as long as the rest of it. */
const NOT_INHERITED = ["NODE_EXTRA_CA_CERTS", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID"];

export type Environment = Readonly<Record<string, string>>;

/**
 * The user's environment, then the node's `env`, then what only the agent may set.
 *
 * @param env       the node's variables, with the values that stand elsewhere.
 * @param inherited the agent's own environment.
 * @param devices   variables that show exactly the task's devices.
 */
export function taskEnvironment(
  spec: FlowTaskSpec,
  env: SettledTask["env"],
  inherited: NodeJS.ProcessEnv,
  devices: Environment,
): Environment {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && !isReserved(name) && !NOT_INHERITED.includes(name)) environment[name] = value;
  }
  for (const { name, value } of env) if (!isReserved(name)) environment[name] = value;
  return { ...environment, ...devices, ...identityVariables(spec) };
}

/** The names of Videoflow's workers, so that a component finds what it knows. */
function identityVariables(spec: FlowTaskSpec): Environment {
  return {
    VF_NODE_NAME: spec.node,
    VF_FLOW_ID: spec.flow,
    VF_RUN_ID: spec.run,
    VF_REPLICA_ID: String(spec.index),
    VF_NB_TASKS: String(spec.nbTasks),
    VF_FLOW_TYPE: spec.flowType.toLowerCase(),
  };
}

function isReserved(name: string): boolean {
  return name.startsWith("VF_") || (DEVICE_VARIABLES as readonly string[]).includes(name);
}

/**
 * @param live environment of a live process; absent or empty while it cannot be read, as in the middle of an exec.
 * @returns the device variables that are not what the claim says; empty when all agree.
 */
export function wrongDeviceVariables(live: ReadonlyMap<string, string> | undefined, devices: Environment): string[] {
  if (live === undefined || live.size === 0) return [];
  return DEVICE_VARIABLES.filter((name) => live.get(name) !== devices[name]);
}
