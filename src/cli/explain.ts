/** `videoflow explain`: what would run where and why, computed by the same functions that a run uses. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isDnsLabel } from "../api/dns-label.js";
import type { Share } from "../api/explanation.js";
import { safeText } from "../base/safe-text.js";
import { type ClientFlags, flowNamed, servicesOf, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { loadFlow } from "./flow-file.js";
import type { DeviceFlags } from "./program.js";
import { bytesText, renderTable } from "./table.js";
import { type Explanation, hostOptions, type World } from "./world.js";

export interface ExplainFlags extends DeviceFlags, ClientFlags {}

/** @returns unavailable if the flow would not be admitted on this host. */
export async function explain(word: string, flags: ExplainFlags, world: World): Promise<ExitCode> {
  const explanation = isFlowName(word, world.cwd) ? await explainStored(word, flags, world) : await explainFile(word, flags, world);
  if (flags.json === true) world.out.write(`${JSON.stringify(explanation, null, 2)}\n`);
  else world.out.write(`${safeText(renderExplanation(explanation).join("\n"))}\n`);
  return explanation.refused === undefined ? EXIT.success : EXIT.unavailable;
}

/** A file is named by its path; what is no file and can be a name is a flow of the agent. */
function isFlowName(word: string, cwd: string): boolean {
  return isDnsLabel(word.replace(/^vf\//, "")) && !existsSync(resolve(cwd, word));
}

async function explainFile(file: string, flags: ExplainFlags, world: World): Promise<Explanation> {
  const flow = await loadFlow(file, world, flags.flow);
  return world.engine.explain(flow, hostOptions(flags));
}

/** A flow as its agent sees it now, among all others. */
async function explainStored(word: string, flags: ExplainFlags, world: World): Promise<Explanation> {
  return withConnection(flags, world, async (connection) => {
    const { metadata } = await flowNamed(connection, word.replace(/^vf\//, ""));
    return servicesOf(connection, "an explanation").explain({ namespace: metadata.namespace, name: metadata.name });
  });
}

/** Lines: graph, tasks with their devices, edges with their memory, warnings. */
export function renderExplanation(explanation: Explanation): string[] {
  const { flow, flowType, nodes, decisions, warnings, refused } = explanation;
  const tasks = new Map(nodes.map((node) => [node.taskGroup ?? node.name, node.tasks]));
  const sum = [...tasks.values()].reduce((total, count) => total + count, 0);
  return [
    `${flow} (${flowType}): ${nodes.length} nodes, ${sum} tasks`,
    "",
    ...renderNodes(explanation),
    "",
    ...(decisions.length === 0 ? [] : [...renderDecisions(explanation), ""]),
    ...renderMemory(explanation),
    ...renderHosts(explanation),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(refused === undefined ? [] : [`refused: ${refused}`]),
  ];
}

function renderNodes({ nodes }: Explanation): string[] {
  return renderTable(
    [{ title: "NODE" }, { title: "ROLE" }, { title: "TASKS", align: "right" }, { title: "INPUTS" }, { title: "COMPONENT" }],
    nodes.map(({ name, role, tasks, taskGroup, inputs, component }) => [
      taskGroup === undefined ? name : `${name} (in ${taskGroup})`,
      role,
      String(tasks),
      inputs.join(", ") || "-",
      component,
    ]),
  );
}

function renderDecisions({ decisions }: Explanation): string[] {
  return renderTable(
    [{ title: "TASK" }, { title: "DEVICE" }, { title: "WHY" }],
    decisions.map(({ task, deviceType, devices, message }) => [task, devices.join(", ") || deviceType.toLowerCase(), message]),
  );
}

/** One host says in its refusal, and in the reasons of the tasks, all that there is to say. */
function renderHosts({ hosts = [] }: Explanation): string[] {
  if (hosts.length < 2) return [];
  const titles = ["HOST", "FITS", "GPU TASKS", "CORES", "MEMORY", "SHARED MEMORY", "WHY"].map((title) => ({ title }));
  const rows = hosts.map(({ host, fits, gpuTasks, cores, memoryMiB, shmBytes, why }) => [
    host,
    fits ? "yes" : "no",
    gpuTasks.asked === 0 ? "-" : `${gpuTasks.granted} of ${gpuTasks.asked}`,
    shareText(cores, String),
    shareText(memoryMiB, (mib) => bytesText(mib * 2 ** 20)),
    shareText(shmBytes, bytesText),
    why,
  ]);
  return ["", ...renderTable(titles, rows), ""];
}

/** What is asked of what is free. */
function shareText({ asked, free }: Share, text: (amount: number) => string): string {
  return `${asked === 0 ? "-" : text(asked)} of ${free === undefined ? "?" : text(free)}`;
}

function renderMemory({ edges, sharedMemoryBytes }: Explanation): string[] {
  const table = renderTable(
    [{ title: "EDGE" }, { title: "HOLDS", align: "right" }],
    edges.map(({ from, to, capacity }) => [`${from} -> ${to}`, `${capacity} messages`]),
  );
  return [...table, `shared memory: ${bytesText(sharedMemoryBytes)} at the nominal size of a message`];
}
