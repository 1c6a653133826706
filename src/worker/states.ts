/** The state of a task: snapshots of its nodes into a commit, and back into the nodes of the next incarnation. */
import type { ConsumerNode } from "../flow/node.js";
import type { TaskPort } from "../transport/port.js";
import { crashPoint } from "./crash-points.js";
import type { Member } from "./members.js";

/** Stands for a member without state in the frame of a group. */
const NO_STATE = 0xffff_ffff;

/** A node that learns only when it is open whether a death loses what it keeps. */
export interface MayForget {
  readonly isForgetful: boolean;
}

/** The states of the nodes of one task. */
export class TaskStates {
  readonly #port: TaskPort;
  readonly #members: readonly Member[];
  /** The nodes as they were before the first input. */
  #initial: Uint8Array | undefined;
  readonly isKept: boolean;

  constructor(members: readonly Member[], port: TaskPort) {
    this.#members = members;
    this.#port = port;
    this.isKept = members.some(({ node }) => node.snapshot !== undefined);
  }

  /** Names of the nodes that began empty although the task has worked before. */
  get lost(): readonly string[] {
    if (this.#port.committed === 0) return [];
    return this.#members.filter(isForgetful).map(({ member }) => member.name);
  }

  /** Gives the nodes what they had at the last commit. Call it once, after their open(). */
  async restore(): Promise<void> {
    if (!this.isKept) return;
    this.#initial = (await this.take())?.slice();
    this.#giveBack(this.#port.state);
  }

  /** Whether an earlier incarnation committed a state. */
  get isContinued(): boolean {
    return this.isKept && this.#port.state !== undefined;
  }

  /** What the next commit carries; undefined where no node has state. */
  take(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (!this.isKept) return undefined;
    if (this.#members.length === 1) return this.#members[0]?.node.snapshot?.();
    return this.#takeAll();
  }

  /** Commits the unit in hand with the state of now: at once if the nodes can tell it at once. */
  commit(): void | Promise<void> {
    if (!this.isKept) return this.#port.commit();
    const state = this.take();
    if (!(state instanceof Promise)) return this.#commitWith(state);
    return state.then((settled) => this.#commitWith(settled));
  }

  #commitWith(state: Uint8Array | undefined): void {
    crashPoint("worker.snapshot");
    this.#port.commit({ state });
  }

  /** Before another attempt: the nodes are as they were before the failed one, unless their state is older than their last input. */
  rollBack(): void {
    const isOlder = this.#members.some(({ node }) => (node as Partial<ConsumerNode<unknown[]>>).settled !== undefined);
    if (this.isKept && !isOlder) this.#giveBack(this.#port.state ?? this.#initial);
  }

  async #takeAll(): Promise<Uint8Array> {
    const parts: (Uint8Array | undefined)[] = [];
    for (const { node } of this.#members) parts.push(await node.snapshot?.());
    return packStates(parts);
  }

  #giveBack(state: Uint8Array | undefined): void {
    if (state === undefined) return;
    const parts = this.#members.length === 1 ? [state] : unpackStates(state);
    for (const [index, { node }] of this.#members.entries()) {
      const part = parts[index];
      if (part !== undefined) node.restore?.(part);
    }
  }
}

function isForgetful({ node, descriptor, member }: Member): boolean {
  const keeps = descriptor.oneTask || member.oneTask === true || (node as Partial<MayForget>).isForgetful === true;
  return keeps && node.snapshot === undefined;
}

/** Per member: its length (uint32, little-endian; 2^32 - 1 = no state), then its bytes. */
export function packStates(parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  const packed = new Uint8Array(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part?.length ?? NO_STATE, true);
    if (part !== undefined) packed.set(part, at + 4);
    at += 4 + (part?.length ?? 0);
  }
  return packed;
}

/** The inverse of {@link packStates}; each part is a copy. */
export function unpackStates(packed: Uint8Array): (Uint8Array | undefined)[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const parts: (Uint8Array | undefined)[] = [];
  for (let at = 0; at < packed.length; ) {
    const length = view.getUint32(at, true);
    parts.push(length === NO_STATE ? undefined : packed.slice(at + 4, at + 4 + length));
    at += 4 + (length === NO_STATE ? 0 : length);
  }
  return parts;
}
