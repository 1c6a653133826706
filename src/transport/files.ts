/** The files of one flow: created, opened, removed. Who may write what is decided here and kept by the kernel. */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";
import { ENDIAN_MARK, HEADER, type Layout, layoutOf, MAGIC, NODE, type NodeLayout, type TaskLayout, VERSION } from "./layout.js";
import { libc, type Mapping } from "./libc.js";
import type { DataPlan } from "./plan.js";
import { planHash } from "./plan-hash.js";

/** The control file of a flow, mapped. */
export interface ControlMemory {
  readonly dir: string;
  readonly layout: Layout;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** Ends the mapping; the arrays must not be touched afterwards. */
  unmap(): void;
}

export function controlPath(dir: string): string {
  return `${dir}/control`;
}

export function poolPath(dir: string, node: string, taskIndex: number): string {
  return `${dir}/pool-${node}-${taskIndex}`;
}

export function statePath(dir: string, node: string, taskIndex: number): string {
  return `${dir}/state-${node}-${taskIndex}`;
}

export function bellPath(dir: string, node: string, taskIndex: number): string {
  return `${dir}/bell-${node}-${taskIndex}`;
}

/**
 * Makes the folder of a flow with all its files: control, one pool per task with children, one doorbell per task, plan.json.
 * Until the header is written, last of all, the folder counts as half-made; what an interrupted call has left is made anew.
 *
 * @param dir must not hold memory that somebody uses; made with mode 0700.
 * @param fill changes the words of the control file before they count.
 * @throws OperatorError SHM_FULL, DATA_PLAN_INVALID, and what `fill` throws
 */
export function createFlowMemory(dir: string, plan: DataPlan, fill?: (memory: ControlMemory) => void): void {
  const layout = layoutOf(plan);
  makeFolder(dir, 0o700);
  chmodSync(dir, 0o700);
  for (const node of layout.nodes) for (const task of node.tasks.slice(0, node.plan.tasks)) createTaskFiles(dir, node, task);
  writeFileSync(`${dir}/plan.json`, JSON.stringify(plan), { mode: 0o600 });
  createFile(dir, controlPath(dir), layout.controlBytes);
  const memory = mapControl(dir, layout);
  try {
    memory.i32.fill(0); // The header first, so that nobody takes the rest for whole.
    for (const { header, plan: node } of layout.nodes) memory.i32.set([node.tasks, node.tasks], header + NODE.tasks);
    fill?.(memory);
    writeHeader(memory, plan);
  } finally {
    memory.unmap();
  }
}

/** Makes pool and doorbell of one task; may be done again. @throws OperatorError SHM_FULL */
export function createTaskFiles(dir: string, node: NodeLayout, task: TaskLayout): void {
  if (task.poolSmallBytes > 0) createFile(dir, poolPath(dir, node.plan.name, task.index), task.poolSmallBytes);
  libc().makeFifo(bellPath(dir, node.plan.name, task.index), 0o600);
}

function createFile(dir: string, path: string, sizeBytes: number): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    allocateBytes(dir, fd, 0, sizeBytes);
  } finally {
    closeSync(fd);
  }
}

/** What tasks map and ring; whoever owns the memory reads the plan, and takes its word for sizes. */
const OF_TASKS = /^(control$|pool-|state-|bell-)/;

/**
 * Lets the processes of another user work in the memory: its files become theirs, and what they would make is made. The folder
 * stays with its owner, so that nobody else can put something else in the place of a file. May be done again.
 */
export function giveFlowMemory(dir: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const bells = readdirSync(dir).filter((name) => name.startsWith("bell-"));
  for (const bell of bells) closeSync(openSync(`${dir}/${bell.replace("bell-", "state-")}`, constants.O_RDWR | constants.O_CREAT, 0o600));
  for (const name of readdirSync(dir)) if (OF_TASKS.test(name)) lchownSync(`${dir}/${name}`, uid, gid);
  chmodSync(dir, 0o711);
}

/** New files are for those who have the old ones: {@link giveFlowMemory}. */
export function giveAsBefore(dir: string): void {
  const { uid, gid } = statSync(controlPath(dir));
  if (uid !== process.getuid?.()) giveFlowMemory(dir, { uid, gid });
}

/** Reserves bytes of a file. @throws OperatorError SHM_FULL */
export function allocateBytes(dir: string, fd: number, offset: number, sizeBytes: number): void {
  if (libc().allocate(fd, offset, sizeBytes) === 0) return;
  const space = statfsSync(dir);
  throw new OperatorError("SHM_FULL", { dir, needBytes: sizeBytes, freeBytes: space.bavail * space.bsize });
}

function writeHeader(memory: ControlMemory, plan: DataPlan): void {
  memory.i32.set([MAGIC, VERSION, ENDIAN_MARK, memory.layout.words, ...planHash(plan)], HEADER.magic);
}

/**
 * Maps the control file for reading and writing.
 *
 * @param hash of the plan, where somebody has told it: computing it costs the start of a task 5 ms.
 * @throws OperatorError SHM_INVALID if it is missing, of another version or of another plan.
 */
export function openControl(dir: string, plan: DataPlan, hash: readonly number[] = planHash(plan)): ControlMemory {
  const path = controlPath(dir);
  const memory = mapControl(dir, layoutOf(plan));
  const expected = [MAGIC, VERSION, ENDIAN_MARK, memory.layout.words, ...hash];
  const at = expected.findIndex((value, index) => memory.i32[index] !== value);
  const names = ["magic", "version", "byte order", "size", "plan", "plan", "plan", "plan"];
  if (at >= 0) throw new OperatorError("SHM_INVALID", { path, problem: `another ${names[at]}` });
  return memory;
}

function mapControl(dir: string, layout: Layout): ControlMemory {
  const { buffer, unmap } = mapFile(controlPath(dir), 0, layout.controlBytes, true);
  return { dir, layout, i32: new Int32Array(buffer), f64: new Float64Array(buffer), unmap };
}

/** Where memory lies in a file. */
export interface FilePlace {
  readonly path: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

const places = new WeakMap<ArrayBufferLike, FilePlace>();

/** Remembers which part of which file a mapping shows. */
export function notePlace(buffer: ArrayBufferLike, path: string, offset: number): void {
  places.set(buffer, { path, offset });
}

/** @returns where another process finds the same bytes; undefined for private memory. */
export function placeOf(view: ArrayBufferView): FilePlace | undefined {
  const place = places.get(view.buffer);
  return place && { path: place.path, offset: place.offset + view.byteOffset };
}

/**
 * Maps part of a file and closes its descriptor again. The mapping stays until somebody unmaps it.
 *
 * @throws OperatorError SHM_INVALID also for a file that somebody has cut: whoever touched what is missing would die of a bus error
 */
export function mapFile(path: string, offset: number, length: number, writable: boolean): Mapping {
  const fd = openFile(path, writable);
  try {
    const { size } = fstatSync(fd);
    if (size < offset + length) throw new OperatorError("SHM_INVALID", { path, problem: `${size} of ${offset + length} bytes are there` });
    const mapping = libc().map(fd, offset, length, writable);
    if (mapping === undefined) throw new OperatorError("SHM_INVALID", { path, problem: `cannot map ${length} bytes at ${offset}` });
    notePlace(mapping.buffer, path, offset);
    return mapping;
  } finally {
    closeSync(fd);
  }
}

function openFile(path: string, writable: boolean): number {
  try {
    return openSync(path, writable ? constants.O_RDWR : constants.O_RDONLY);
  } catch (cause) {
    throw new OperatorError("SHM_INVALID", { path, problem: "it cannot be opened" }, { cause });
  }
}

/** Removes all files of a flow. Tasks that still have them mapped are not disturbed. */
export function removeFlowMemory(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** The plan of a folder whose files are all there: its control file has its size and, written last, its header. @throws OperatorError SHM_INVALID */
export function readWholePlan(dir: string): DataPlan {
  const plan = readPlan(dir);
  const path = controlPath(dir);
  const wanted = layoutOf(plan).controlBytes; // A shorter file would be a bus error, not an exception.
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < wanted)
    throw new OperatorError("SHM_INVALID", { path, problem: "it is not whole" });
  openControl(dir, plan).unmap();
  return plan;
}

/** The plan that a folder was made for. @throws OperatorError SHM_INVALID */
export function readPlan(dir: string): DataPlan {
  const path = `${dir}/plan.json`;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DataPlan;
  } catch (cause) {
    throw new OperatorError("SHM_INVALID", { path, problem: "it cannot be read" }, { cause });
  }
}
