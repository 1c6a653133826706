/** Runs `videoflow` as its users do and looks at its processes from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stringify } from "yaml";

export const CLI = resolve("dist/main/cli.js");
/** Components of a user's own; the .ts twin of some of them needs a TypeScript loader in every task. */
export const NODES = resolve("test/fixtures/components/nodes.mjs");

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A task's process as /proc shows it. */
export interface LiveTask {
  readonly pid: number;
  readonly node: string;
  readonly index: number;
  readonly env: ReadonlyMap<string, string>;
}

/** Where a command runs. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** As whom, without further groups. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Arguments of node instead of those of the command line of VideoFlow. */
  readonly program?: readonly string[];
}

/** A running `videoflow` command, leader of a process group of its own as a shell would make it. */
export class FlowProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = "";
  #err = "";

  constructor(args: readonly string[], { env = {}, cwd, user, program = [CLI] }: Surroundings = {}) {
    const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, CUDA_VISIBLE_DEVICES: _devices, ...inherited } = process.env;
    const surroundings = { ...user, env: { ...inherited, ...env }, ...(cwd === undefined ? {} : { cwd }) };
    this.child = spawn(process.execPath, [...program, ...args], { ...surroundings, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#out += chunk.toString();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#err += chunk.toString();
    });
    this.ended = new Promise((done) => {
      this.child.on("close", (code, signal) => done({ code: code ?? signalCode(signal), out: this.#out, err: this.#err }));
    });
  }

  get output(): string {
    return this.#out + this.#err;
  }

  /** What a terminal does at Ctrl-C: the signal goes to the whole foreground process group. */
  signal(signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL"): void {
    const { pid, exitCode, signalCode: ended } = this.child;
    if (pid !== undefined && exitCode === null && ended === null) process.kill(-pid, signal);
  }
}

/** As a shell tells it. */
function signalCode(signal: NodeJS.Signals | null): number | null {
  return signal === null ? null : 128 + constants.signals[signal];
}

/** Runs a command to its end. */
export function videoflow(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  return new FlowProcess(args, surroundings).ended;
}

/**
 * A folder for one test, a name that no other flow has, and a temporary folder and shared memory of its own, so that what a
 * flow leaves behind can be told from what others have there.
 */
export interface Workplace {
  readonly dir: string;
  readonly flow: string;
  /** Shared memory; give it with `--shm`. */
  readonly shm: string;
  path(name: string): string;
  write(name: string, text: string): string;
  /** The content of a file of the folder, as JSON. */
  json<T>(name: string): T;
  /** Lines of a file of the folder; none if it is not there. */
  lines(name: string): string[];
  /** Starts `videoflow`; killed by {@link remove} at the latest. */
  start(args: readonly string[], surroundings?: Surroundings): FlowProcess;
  /** `videoflow run` with this place's shared memory and plain lines. */
  run(file: string, args?: readonly string[], surroundings?: Surroundings): FlowProcess;
  /** Lets modules of the folder `import … from "videoflow"`, as after an installation. */
  install(): void;
  /** Processes, shared memory and temporary files of what was started here. */
  leftovers(): string[];
  remove(): Promise<void>;
}

let count = 0;

export function workplace(): Workplace {
  count += 1;
  const dir = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  const temporary = join(dir, "tmp");
  const shm = mkdtempSync("/dev/shm/videoflow-test-");
  mkdirSync(temporary);
  shareLoaderCache(temporary);
  const running: FlowProcess[] = [];
  const path = (name: string) => join(dir, name);
  const start = (args: readonly string[], surroundings: Surroundings = {}): FlowProcess => {
    const flow = new FlowProcess(args, { cwd: dir, ...surroundings, env: { TMPDIR: temporary, ...surroundings.env } });
    running.push(flow);
    return flow;
  };
  return {
    dir,
    flow: `t${process.pid}-${count}`,
    shm,
    path,
    write: (name, text) => {
      writeFileSync(path(name), text);
      return path(name);
    },
    json: (name) => JSON.parse(readFileSync(path(name), "utf8")),
    lines: (name) => (existsSync(path(name)) ? readFileSync(path(name), "utf8").split("\n").filter(Boolean) : []),
    start,
    run: (file, args = [], surroundings = {}) => start(["run", file, "--plain", "--shm", shm, ...args], surroundings),
    install: () => {
      mkdirSync(path("node_modules"));
      symlinkSync(resolve("."), path("node_modules/videoflow"));
      symlinkSync(resolve("node_modules/tsx"), path("node_modules/tsx"));
    },
    leftovers: () => [...processesWith("TMPDIR", temporary), ...filesBelow(shm), ...leftIn(temporary)],
    remove: async () => {
      for (const flow of running) flow.signal("SIGKILL");
      await Promise.all(running.map(({ ended }) => ended));
      await eventually("no process", () => processesWith("TMPDIR", temporary).length === 0);
      for (const folder of [dir, shm]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The TypeScript loader keeps what it has translated in the temporary folder: let all tests share that. */
function shareLoaderCache(temporary: string): void {
  const name = `tsx-${process.getuid?.()}`;
  mkdirSync(join(tmpdir(), name), { recursive: true });
  symlinkSync(join(tmpdir(), name), join(temporary, name));
}

/** Live processes that have this in their environment, as "pid title". */
function processesWith(name: string, value: string): string[] {
  return livePids().flatMap((pid) => (environOf(pid).get(name) === value ? [`${pid} ${titleOf(pid)}`] : []));
}

export function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** What flows share stays, a lock in it too, but nothing that is theirs. */
function leftIn(temporary: string): string[] {
  const shared = [`tsx-${process.getuid?.()}`, `videoflow-${process.getuid?.()}`];
  return [
    ...readdirSync(temporary).filter((name) => !shared.includes(name)),
    ...filesBelow(join(temporary, shared[1] ?? "")).filter((file) => !file.endsWith("admission.pid")),
  ];
}

/** Files, not folders: the folder of a user's flows stays. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Writes a manifest with these nodes. @returns its path. */
export function writeManifest(place: Workplace, nodes: readonly object[], spec: object = {}): string {
  const manifest = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: place.flow }, spec: { ...spec, nodes } };
  return place.write("flow.yaml", stringify(manifest));
}

/** Writes a device file with this many GPUs. @returns the arguments that name it. */
export function gpus(place: Workplace, number: number): readonly string[] {
  const devices = Array.from({ length: number }, (_, i) => ({ uuid: gpuUuid(i), product: "Test GPU", memory: "8Gi" }));
  return ["--devices", place.write("devices.yaml", stringify(devices))];
}

export function gpuUuid(index: number): string {
  return `GPU-0000000${index}-0000-0000-0000-000000000000`;
}

/** The live task processes of a flow, in order of node and index. */
export function liveTasks(flow: string): LiveTask[] {
  return livePids()
    .flatMap((pid) => {
      const env = environOf(pid);
      const [node, index] = [env.get("VF_NODE_NAME"), env.get("VF_REPLICA_ID")];
      return env.get("VF_FLOW_ID") === flow && node !== undefined && index !== undefined ? [{ pid, node, index: Number(index), env }] : [];
    })
    .toSorted((a, b) => a.node.localeCompare(b.node) || a.index - b.index);
}

/** All pids of this machine. */
export function livePids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function environOf(pid: number): Map<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  } catch {
    return new Map(); // Ended meanwhile, or not ours.
  }
}

/** Waits until `look` gives something. @throws Error naming what was waited for. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${typeof what === "string" ? what : what()}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** The folder of shared memory that a process has mapped; undefined before it has. */
export function memoryOf(pid: number): string | undefined {
  try {
    return /(\/\S*\/videoflow-\d+\/[^/\s]+)\//.exec(readFileSync(`/proc/${pid}/maps`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
