/** Runs `videoflow` as its users do and looks at its processes from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stringify } from "yaml";

export const CLI = resolve("dist/main/cli.js");
export const NODES = resolve("test/fixtures/components/nodes.ts");

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

/** A running `videoflow` command. */
export class FlowProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = "";
  #err = "";

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, CUDA_VISIBLE_DEVICES: _devices, ...inherited } = process.env;
    this.child = spawn(process.execPath, [CLI, ...args], { env: { ...inherited, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#out += chunk.toString();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#err += chunk.toString();
    });
    this.ended = new Promise((done) => {
      this.child.on("close", (code) => done({ code, out: this.#out, err: this.#err }));
    });
  }

  get output(): string {
    return this.#out + this.#err;
  }
}

/** Runs a command to its end. */
export function videoflow(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new FlowProcess(args, env).ended;
}

/** A folder for one test, and a name that no other flow has. */
export interface Workplace {
  readonly dir: string;
  readonly flow: string;
  write(name: string, text: string): string;
  remove(): void;
}

let count = 0;

export function workplace(): Workplace {
  const dir = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  count += 1;
  return {
    dir,
    flow: `t${process.pid}-${count}`,
    write: (name, text) => {
      const path = join(dir, name);
      writeFileSync(path, text);
      return path;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
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
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
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
export async function eventually<T>(what: string, look: () => T | undefined | false, timeoutMs = 15_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** Shared-memory folders of this user's flows. */
export function memoryFolders(): string[] {
  try {
    return readdirSync(`/dev/shm/videoflow-${process.getuid?.()}`);
  } catch {
    return [];
  }
}
