/** Live progress and the final report as text. Pure: snapshots in, lines out. */
import type { EdgeSnapshot, FlowSnapshot, NodeSnapshot } from "../api/snapshot.js";
import { bytesText, type Column, cutLine, renderTable } from "./table.js";

/** What is shown of one node. */
export interface NodeFigures {
  readonly name: string;
  /** Messages a second since the start. */
  readonly actualPerSecond: number;
  /** Messages a second if its tasks never waited: tasks / mean time of a message; undefined before the first message. */
  readonly possiblePerSecond: number | undefined;
  /** Share of the time of its tasks that was spent in user code, 0 to 1. */
  readonly busy: number;
}

/** @returns the figures of a node over the whole run so far. */
export function nodeFigures(node: NodeSnapshot, elapsedMs: number): NodeFigures {
  const taskUs = node.tasks * elapsedMs * 1000;
  return {
    name: node.name,
    actualPerSecond: elapsedMs > 0 ? (node.messages * 1000) / elapsedMs : 0,
    possiblePerSecond: node.messages > 0 && node.processUs > 0 ? (node.tasks * node.messages * 1e6) / node.processUs : undefined,
    busy: taskUs > 0 ? Math.min(1, node.processUs / taskUs) : 0,
  };
}

/** @returns the name of the node whose tasks spent the largest share of their time in user code: more tasks there make the flow faster. */
export function bottleneck(snapshot: FlowSnapshot): string | undefined {
  let busiest: NodeFigures | undefined;
  for (const node of snapshot.nodes) {
    const figures = nodeFigures(node, snapshot.elapsedMs);
    if (figures.busy > (busiest?.busy ?? 0)) busiest = figures;
  }
  return busiest?.name;
}

/** Messages a second between two snapshots; since the start where there is no earlier one. */
export function recentRate(node: NodeSnapshot, snapshot: FlowSnapshot, before: FlowSnapshot | undefined): number {
  const then = before?.nodes.find((other) => other.name === node.name);
  const messages = node.messages - (then?.messages ?? 0);
  const elapsedMs = snapshot.elapsedMs - (before?.elapsedMs ?? 0);
  return elapsedMs > 0 ? (messages * 1000) / elapsedMs : 0;
}

const LIVE_COLUMNS: readonly Column[] = [
  { title: "NODE" },
  { title: "TASKS", align: "right" },
  { title: "FRAMES", align: "right" },
  { title: "FRAMES/S", align: "right" },
  { title: "BUSY", align: "right" },
  { title: "DEVICE" },
  { title: "WAITING" },
];

/**
 * Lines of the display that is redrawn in place.
 *
 * @param before an earlier snapshot, for the present rates.
 * @param width  columns of the terminal.
 */
export function renderLive(snapshot: FlowSnapshot, before: FlowSnapshot | undefined, width: number): string[] {
  const rows = snapshot.nodes.map((node) => [
    node.name,
    node.readyTasks === node.tasks ? String(node.tasks) : `${node.readyTasks}/${node.tasks}`,
    String(node.messages),
    rateText(recentRate(node, snapshot, before)),
    percentText(nodeFigures(node, snapshot.elapsedMs).busy),
    devicesText(node),
    waitingText(node),
  ]);
  return [
    cutLine(`${snapshot.flow}: ${snapshot.state}, ${secondsText(snapshot.elapsedMs)}`, width),
    ...renderTable(LIVE_COLUMNS, rows, width),
    ...snapshot.warnings.map((warning) => cutLine(`warning: ${warning}`, width)),
  ];
}

/** One line for a log: time, state, and of each node its frames and present rate. */
export function renderPlain(snapshot: FlowSnapshot, before: FlowSnapshot | undefined): string {
  const nodes = snapshot.nodes.map((node) => {
    const dropped = node.dropped > 0 ? `, ${node.dropped} dropped` : "";
    const tasks = `${node.readyTasks}/${node.tasks} tasks on ${devicesText(node)}`;
    return `${node.name} ${node.messages} (${rateText(recentRate(node, snapshot, before))}/s, ${tasks}${dropped})`;
  });
  return `${secondsText(snapshot.elapsedMs)} ${snapshot.state}: ${nodes.join("; ")}`;
}

const FINAL_COLUMNS: readonly Column[] = [
  { title: "NODE" },
  { title: "TASKS", align: "right" },
  { title: "FRAMES", align: "right" },
  { title: "ACTUAL/S", align: "right" },
  { title: "POSSIBLE/S", align: "right" },
  { title: "BUSY", align: "right" },
  { title: "DATA", align: "right" },
  { title: "DEVICE" },
];

/** The report at the end of a run: a table of the nodes, the bottleneck, warnings, and where the outputs are. */
export function renderFinal(snapshot: FlowSnapshot, width = Number.POSITIVE_INFINITY): string[] {
  const rows = snapshot.nodes.map((node) => {
    const figures = nodeFigures(node, snapshot.elapsedMs);
    return [
      node.name,
      String(node.tasks),
      node.dropped > 0 ? `${node.messages} (-${node.dropped})` : String(node.messages),
      rateText(figures.actualPerSecond),
      figures.possiblePerSecond === undefined ? "-" : rateText(figures.possiblePerSecond),
      percentText(figures.busy),
      bytesText(node.bytes),
      devicesText(node),
    ];
  });
  return [
    cutLine(`${snapshot.flow}: ${snapshot.state} after ${secondsText(snapshot.elapsedMs)}`, width),
    ...renderTable(FINAL_COLUMNS, rows, width),
    ...renderBottleneck(snapshot),
    ...renderLedger(snapshot),
    ...snapshot.warnings.map((warning) => `warning: ${warning}`),
    ...snapshot.outputs.map((path) => `wrote ${path}`),
  ];
}

/** A node that works for less of its time than this holds nobody up. */
const IDLE_BELOW = 0.1;

function renderBottleneck(snapshot: FlowSnapshot): string[] {
  const name = bottleneck(snapshot);
  const node = snapshot.nodes.find((candidate) => candidate.name === name);
  if (node === undefined || snapshot.state === "Failed") return [];
  const { busy } = nodeFigures(node, snapshot.elapsedMs);
  if (busy < IDLE_BELOW) return [`bottleneck: none; the busiest node, ${node.name}, waits ${percentText(1 - busy)} of the time`];
  return [`bottleneck: ${node.name}, whose code is busy ${percentText(busy)} of the time`];
}

/** All edges together: "ledger: 300 messages on 3 edges: 298 acknowledged, 2 dead letters". */
function renderLedger({ edges = [] }: FlowSnapshot): string[] {
  if (edges.length === 0) return [];
  const sum = (pick: (edge: EdgeSnapshot) => number) => edges.reduce((total, edge) => total + pick(edge), 0);
  const produced = sum((edge) => edge.produced);
  const fates: readonly (readonly [number, string])[] = [
    [sum((edge) => edge.acknowledged), "acknowledged"],
    [sum((edge) => edge.deadLettered), "dead letters"],
    [sum((edge) => edge.dropped), "dropped"],
    [sum((edge) => edge.inFlight), "in flight"],
  ];
  const told = fates.filter(([count], i) => i === 0 || count > 0).map(([count, fate]) => `${count} ${fate}`);
  return [`ledger: ${produced} messages on ${edges.length} ${edges.length === 1 ? "edge" : "edges"}: ${told.join(", ")}`];
}

/** What clears the last drawing and draws anew: nothing else of the terminal is touched. */
export function redraw(linesBefore: number, lines: readonly string[]): string {
  const up = linesBefore > 0 ? `\x1b[${linesBefore}A\x1b[J` : "";
  return `${up}${lines.join("\n")}\n`;
}

/** Makes the first line bold and warnings yellow. */
export function colour(lines: readonly string[]): string[] {
  return lines.map((line, i) => {
    if (i === 0) return `\x1b[1m${line}\x1b[0m`;
    if (line.startsWith("warning: ")) return `\x1b[33m${line}\x1b[0m`;
    return line.startsWith("bottleneck: ") ? `\x1b[36m${line}\x1b[0m` : line;
  });
}

/** "cpu", "2 GPU (GPU-1f2e3d4c…, GPU-5b6a7988…)", "1 GPU (GPU-1f2e3d4c…) + 2 cpu". */
export function devicesText(node: Pick<NodeSnapshot, "tasks" | "devices">): string {
  const { devices, tasks } = node;
  if (devices.length === 0) return "cpu";
  const gpus = `${devices.length} GPU (${devices.map(shortUuid).join(", ")})`;
  return devices.length < tasks ? `${gpus} + ${tasks - devices.length} cpu` : gpus;
}

function shortUuid(uuid: string): string {
  return uuid.length > 16 ? `${uuid.slice(0, 12)}…` : uuid;
}

function waitingText(node: NodeSnapshot): string {
  const parts = [
    node.waitingInput > 0 ? `${node.waitingInput} for input` : "",
    node.waitingSpace > 0 ? `${node.waitingSpace} for space` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

function rateText(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

function percentText(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
