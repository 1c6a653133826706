// Flows of the benchmarks: real ones, written to a manifest and run by the command line.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI, monotonicMs, ROOT, runCommand } from "./measure.mjs";

const COMPONENTS = `${ROOT}bench/components.mjs`;
/** Enough places that a fast producer does not wait for each acknowledgement. */
export const WIDE = { messages: 1024 };

const node = (role, name, component, inputs, params, more) => ({
  name,
  role,
  component: component.startsWith("=") ? component.slice(1) : `${COMPONENTS}#${component}`,
  params,
  ...(inputs === undefined ? {} : { inputs }),
  ...more,
});

/** @param component class of components.mjs, or `=Name` for a built-in. */
export const producer = (name, component, params = {}, more = {}) => node("Producer", name, component, undefined, params, more);
export const processor = (name, component, inputs, params = {}, more = {}) => node("Processor", name, component, inputs, params, more);
export const consumer = (name, component, inputs, params = {}, more = {}) => node("Consumer", name, component, inputs, params, more);

let count = 0;

/** A name that no other flow on this machine has. */
export function flowName() {
  count += 1;
  return `bench-${process.pid}-${count}`;
}

/** Runs a flow to its end. @returns the clock when the command had ended, in milliseconds. @throws Error with its stderr. */
export async function runFlow(folder, nodes, { flowType = "Batch", name = flowName() } = {}) {
  const file = join(folder, "flow.json");
  const manifest = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { flowType, nodes } };
  writeFileSync(file, JSON.stringify(manifest));
  await runCommand(process.execPath, [CLI, "run", file, "--quiet"]);
  return monotonicMs();
}

export function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** A folder where stages say that they are open. */
export function readyFolder(folder) {
  const ready = join(folder, "ready");
  mkdirSync(ready);
  return ready;
}

/** Verified pids of a flow's tasks: {pid, node, index}. */
export function liveTasks(flow) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const env = environmentOf(pid);
      return env.VF_FLOW_ID === flow && env.VF_NODE_NAME !== undefined
        ? [{ pid: Number(pid), node: env.VF_NODE_NAME, index: Number(env.VF_REPLICA_ID) }]
        : [];
    });
}

function environmentOf(pid) {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  } catch {
    return {}; // Ended meanwhile, or another user's.
  }
}

/** @throws Error unless a Counter saw every message, each right and in order. */
export function checkCounted({ count: got, faults }, wanted) {
  if (got !== wanted || faults !== 0) throw new Error(`${got} of ${wanted} messages delivered, ${faults} of them wrong`);
}

/** Messages per second from the first to the last, of what a Counter saw. */
export function rateOf({ count: got, firstNs, lastNs }) {
  return ((got - 1) / (lastNs - firstNs)) * 1e9;
}
