/**
 * Reads a whole database without LMDB, which believes what it finds and ends the process where a page is damaged. What passes
 * here LMDB can open: every page is where it says, in one tree or free, and every node lies within its page. Pure but for the
 * one read; see docs/adr/0014-damaged-store.md.
 */
import { existsSync, readFileSync } from "node:fs";

/** LMDB 1.0 (data version 2), little-endian. Offsets of a meta page; the two databases follow each other. */
const META = { magic: 24, version: 28, mapSize: 40, pageSize: 48, free: 48, main: 96, lastPage: 144, txnId: 152 } as const;
/** Of a database within a meta page. */
const TREE = { flags: 4, depth: 6, branches: 8, leaves: 16, overflows: 24, entries: 32, root: 40, size: 48 } as const;
/** Of any other page; offsets of nodes count from the end of the header. */
const PAGE = { number: 0, txnId: 8, flags: 18, lower: 20, upper: 22, pages: 20, header: 24 } as const;
const NODE_HEADER = 8;
const [BRANCH, LEAF, OVERFLOW, META_PAGE] = [1, 2, 4, 8];
/** Its value lies on pages of its own. */
const BIG = 1;
const INTEGER_KEYS = 8;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const MIN_PAGE = 512;
const MAX_PAGE = 65_536;
const MAX_DEPTH = 32;
/** Far above what anybody gives a store; LMDB asks the kernel for so much address space. */
const MAX_MAP = 2 ** 46;
const NONE = 2n ** 64n - 1n;

/** A database of another version: no damage, but nothing for this program. */
export class OtherVersion extends Error {}

/**
 * @returns the values by key, as text; undefined if there is no file, or an empty one.
 * @throws OtherVersion; Error that says what is wrong, if this is no whole database.
 */
export function readLmdbFile(file: string): Map<string, string> | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  if (bytes.length === 0) return undefined;
  try {
    return new Pages(bytes).read();
  } catch (error) {
    if (error instanceof OtherVersion) throw new OtherVersion(`${file} ${error.message}`);
    throw new Error(`${file} ${(error as Error).message}`, { cause: error });
  }
}

interface Meta {
  readonly at: number;
  readonly lastPage: number;
  readonly txnId: bigint;
}

interface Node {
  readonly key: Buffer;
  /** Of a branch: the page below. */
  readonly child: number;
  readonly value: Buffer;
}

interface Tree {
  readonly name: string;
  readonly root: number | undefined;
  readonly compare: (a: Buffer, b: Buffer) => number;
  readonly take: (key: Buffer, value: Buffer) => void;
  readonly counted: { branches: number; leaves: number; overflows: number; entries: number };
}

class Pages {
  readonly #bytes: Buffer;
  readonly #pageSize: number;
  readonly #meta: Meta;
  /** What each page was found to be. */
  readonly #used = new Map<number, string>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length < 2 * MIN_PAGE) throw new Error("is cut off");
    this.#pageSize = bytes.readUInt32LE(META.pageSize);
    const whole = this.#pageSize >= MIN_PAGE && this.#pageSize <= MAX_PAGE && (this.#pageSize & (this.#pageSize - 1)) === 0;
    if (bytes.readUInt32LE(META.magic) !== MAGIC) throw new Error("is no database");
    if (!whole) throw new Error(`has pages of ${this.#pageSize} bytes`);
    if (bytes.length < 2 * this.#pageSize) throw new Error("is cut off");
    const metas = [this.#metaAt(0), this.#metaAt(this.#pageSize)] as const;
    this.#checkVersions();
    this.#meta = metas[1].txnId > metas[0].txnId ? metas[1] : metas[0];
  }

  read(): Map<string, string> {
    const values = new Map<string, string>();
    const free: (readonly [bigint, Buffer])[] = [];
    this.#walk("main", META.main, 0, Buffer.compare, (key, value) => values.set(key.toString(), value.toString()));
    this.#walk("free", META.free, INTEGER_KEYS, compareNumbers, (key, value) => free.push([key.readBigUInt64LE(), value]));
    for (const [txnId, list] of free) this.#takeFree(txnId, list);
    return values;
  }

  #metaAt(at: number): Meta {
    const bytes = this.#bytes;
    const number = at === 0 ? 0 : 1;
    if (bytes.readUInt32LE(at + META.magic) !== MAGIC) throw new Error("is no database");
    if (bytes.readUInt16LE(at + PAGE.flags) !== META_PAGE) throw new Error(`is damaged: page ${number} is no first page`);
    if (bytes.readUInt32LE(at + META.pageSize) !== this.#pageSize) throw new Error("is damaged: its first pages disagree");
    const mapSize = bytes.readBigUInt64LE(at + META.mapSize);
    if (mapSize > MAX_MAP) throw new Error(`is damaged: it wants ${mapSize} bytes of memory`);
    const lastPage = this.#number(at + META.lastPage);
    const size = (lastPage + 1) * this.#pageSize;
    if (size > bytes.length) throw new Error(`is cut off: ${bytes.length} of ${size} bytes are there`);
    return { at, lastPage, txnId: bytes.readBigUInt64LE(at + META.txnId) };
  }

  /** Both first pages say it: one alone is damage. */
  #checkVersions(): void {
    const [first, second] = [0, this.#pageSize].map((at) => this.#bytes.readUInt32LE(at + META.version));
    if (first !== second) throw new Error("is damaged: its first pages disagree");
    if (first !== VERSION) throw new OtherVersion(`is a database of version ${first}, and this program knows version ${VERSION}`);
  }

  #walk(name: string, offset: number, flags: number, compare: Tree["compare"], take: Tree["take"]): void {
    const at = this.#meta.at + offset;
    const bytes = this.#bytes;
    if ((bytes.readUInt16LE(at + TREE.flags) & 0xff) !== flags) throw new Error(`is damaged: the ${name} tree is of another kind`);
    const root = bytes.readBigUInt64LE(at + TREE.root) === NONE ? undefined : this.#number(at + TREE.root);
    const counted = { branches: 0, leaves: 0, overflows: 0, entries: 0 };
    const depth = bytes.readUInt16LE(at + TREE.depth);
    const tree: Tree = { name, root, compare, take, counted };
    if (depth > MAX_DEPTH || (root === undefined) !== (depth === 0)) throw new Error(`is damaged: the ${name} tree has depth ${depth}`);
    if (root !== undefined) this.#walkPage(tree, root, depth, undefined, undefined);
    for (const field of ["branches", "leaves", "overflows", "entries"] as const) {
      const told = this.#number(at + TREE[field]);
      if (told !== counted[field]) throw new Error(`is damaged: the ${name} tree has ${counted[field]} ${field} and tells ${told}`);
    }
  }

  /** @param from and @param to bound its keys. */
  #walkPage(tree: Tree, page: number, depth: number, from: Buffer | undefined, to: Buffer | undefined): void {
    const isLeaf = depth === 1;
    const at = this.#claim(page, 1, tree.name, isLeaf ? LEAF : BRANCH);
    const nodes = this.#nodes(page, at, isLeaf);
    tree.counted[isLeaf ? "leaves" : "branches"] += 1;
    if (nodes.length === 0) throw new Error(`is damaged: page ${page} is empty`);
    const bound = (index: number) => (index === 0 && !isLeaf ? from : nodes[index]?.key); // The first key of a branch says nothing.
    for (const [index, node] of nodes.entries()) {
      const [low, high] = [bound(index), index + 1 < nodes.length ? nodes[index + 1]?.key : to];
      const isOrdered = inOrder(tree, index === 0 ? from : bound(index - 1), low, index > 0) && inOrder(tree, low, high, true);
      if (!isOrdered) throw new Error(`is damaged: the keys of page ${page} are not in order`);
      if (!isLeaf) {
        this.#walkPage(tree, node.child, depth - 1, low, high);
        continue;
      }
      tree.counted.entries += 1;
      tree.take(node.key, this.#valueOf(tree, page, node));
    }
  }

  #nodes(page: number, at: number, isLeaf: boolean): Node[] {
    const bytes = this.#bytes;
    const [lower, upper] = [bytes.readUInt16LE(at + PAGE.lower), bytes.readUInt16LE(at + PAGE.upper)];
    const room = this.#pageSize - PAGE.header;
    if (lower > upper || upper > room || lower % 2 !== 0) throw new Error(`is damaged: page ${page} has no valid bounds`);
    const spans: (readonly [number, number])[] = [];
    const nodes = Array.from({ length: lower / 2 }, (_, index) => {
      const start = bytes.readUInt16LE(at + PAGE.header + 2 * index);
      if (start < upper || start + NODE_HEADER > room) throw new Error(`is damaged: a node of page ${page} lies outside`);
      const node = this.#nodeAt(at + PAGE.header + start, at + PAGE.header + room, isLeaf);
      if (node === undefined) throw new Error(`is damaged: a node of page ${page} lies outside`);
      spans.push([start, start + node.size]);
      return node;
    });
    spans.sort(([a], [b]) => a - b);
    if (spans.some(([start], index) => index > 0 && start < (spans[index - 1]?.[1] ?? 0)))
      throw new Error(`is damaged: nodes of page ${page} overlap`);
    return nodes;
  }

  #nodeAt(at: number, end: number, isLeaf: boolean): (Node & { readonly size: number }) | undefined {
    const bytes = this.#bytes;
    const [low, flags, keySize] = [bytes.readUInt32LE(at), bytes.readUInt16LE(at + 4), bytes.readUInt16LE(at + 6)];
    const valueAt = at + NODE_HEADER + keySize;
    const valueSize = isLeaf ? (flags === BIG ? 24 : low) : 0;
    if (valueAt + valueSize > end || (isLeaf && flags !== BIG && flags !== 0)) return undefined;
    const value = bytes.subarray(valueAt, valueAt + valueSize);
    const key = bytes.subarray(at + NODE_HEADER, valueAt);
    const size = NODE_HEADER + keySize + valueSize;
    if (!isLeaf) return { key, child: low + flags * 2 ** 32, value, size };
    return flags === BIG ? { key, child: low, value, size } : { key, child: -1, value, size };
  }

  /** A big one lies on pages of its own. */
  #valueOf(tree: Tree, page: number, { child: size, value }: Node): Buffer {
    if (size < 0) return value;
    const [first, count] = [value.readBigUInt64LE(0), value.readBigUInt64LE(16)];
    const fits = count > 0n && first + count <= BigInt(this.#meta.lastPage) + 1n && size <= Number(count) * this.#pageSize - PAGE.header;
    if (!fits) throw new Error(`is damaged: a value of page ${page} lies outside`);
    const at = this.#claim(Number(first), Number(count), tree.name, OVERFLOW);
    if (this.#bytes.readUInt32LE(at + PAGE.pages) !== Number(count)) throw new Error(`is damaged: page ${first} has another length`);
    tree.counted.overflows += Number(count);
    return this.#bytes.subarray(at + PAGE.header, at + PAGE.header + size);
  }

  /** Each page belongs to one thing. @returns where it is. */
  #claim(page: number, count: number, what: string, flags: number | undefined): number {
    for (let number = page; number < page + count; number += 1) {
      if (number < 2 || number > this.#meta.lastPage) throw new Error(`is damaged: there is no page ${number}`);
      const other = this.#used.get(number);
      if (other !== undefined) throw new Error(`is damaged: page ${number} is in use twice`);
      this.#used.set(number, what);
    }
    const at = page * this.#pageSize;
    if (flags === undefined) return at;
    const [number, found] = [this.#bytes.readBigUInt64LE(at + PAGE.number), this.#bytes.readUInt16LE(at + PAGE.flags)];
    if (number !== BigInt(page) || found !== flags) throw new Error(`is damaged: page ${page} is not what it should be`);
    if (this.#bytes.readBigUInt64LE(at + PAGE.txnId) > this.#meta.txnId) throw new Error(`is damaged: page ${page} is of the future`);
    return at;
  }

  /** A list of free pages: a count, then page numbers, among them gaps (0) and blocks (minus their length, then the first page). */
  #takeFree(txnId: bigint, list: Buffer): void {
    const fail = () => new Error(`is damaged: its list of free pages of transaction ${txnId} is broken`);
    const count = list.length < 8 ? -1 : Number(list.readBigInt64LE());
    if (txnId === 0n || txnId > this.#meta.txnId || count < 0 || (count + 1) * 8 > list.length) throw fail();
    const entries = Array.from({ length: count }, (_, index) => Number(list.readBigInt64LE(8 * (index + 1))));
    for (let index = 0; index < count; index += 1) {
      const entry = entries[index] as number;
      if (entry === 0) continue;
      if (!Number.isSafeInteger(entry) || -entry > this.#meta.lastPage) throw fail();
      if (entry < 0) index += 1; // A block: its first page comes next.
      const page = entries[index];
      if (page === undefined) throw fail();
      this.#claim(page, Math.max(1, -entry), "free", undefined);
    }
  }

  #number(at: number): number {
    const value = this.#bytes.readBigUInt64LE(at);
    if (value > Number.MAX_SAFE_INTEGER / MAX_PAGE) throw new Error("is damaged: its first pages have no valid numbers");
    return Number(value);
  }
}

function inOrder({ compare }: Tree, a: Buffer | undefined, b: Buffer | undefined, isStrict: boolean): boolean {
  if (a === undefined || b === undefined) return true;
  const order = compare(a, b);
  return isStrict ? order < 0 : order <= 0;
}

function compareNumbers(a: Buffer, b: Buffer): number {
  if (a.length !== 8 || b.length !== 8) throw new Error("is damaged: a transaction has no number");
  const [x, y] = [a.readBigUInt64LE(), b.readBigUInt64LE()];
  return x < y ? -1 : x > y ? 1 : 0;
}
