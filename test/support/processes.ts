/** Real processes for tests: a keeper built from the present sources, small scripts as tasks, and nothing left behind. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import type { ExitRecord, SpawnRequest } from "../../src/base/keeper-protocol.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A folder for one test file: `dir` for its files, `bundle()` for programs built from src/; `remove()` at the end. */
export interface Workshop {
  readonly dir: string;
  /** Builds an entry point (under the project's root) and returns the path of the program. */
  bundle(entry: string): string;
  remove(): void;
}

export function openWorkshop(): Workshop {
  const dir = mkdtempSync(join(tmpdir(), "vf-test-"));
  const bundles = mkdtempSync(join(ROOT, "node_modules", ".vf-test-")); // Inside, so that the bundles find koffi.
  return {
    dir,
    bundle: (entry) => bundle(entry, bundles),
    remove() {
      for (const folder of [dir, bundles]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function bundle(entry: string, outdir: string): string {
  const esbuild = join(ROOT, "node_modules", ".bin", "esbuild");
  const external = ["koffi", "lmdb", "node-av", "onnxruntime-node", "tsx"].map((name) => `--external:${name}`);
  execFileSync(
    esbuild,
    [
      entry,
      "--bundle",
      "--splitting",
      "--format=esm",
      "--platform=node",
      `--outdir=${outdir}`,
      "--out-extension:.js=.mjs",
      "--log-level=error",
      ...external,
    ],
    {
      cwd: ROOT,
    },
  );
  return join(outdir, (entry.split("/").pop() as string).replace(/\.ts$/, ".mjs"));
}

/** A keeper with what it said. */
export interface TestKeeper {
  readonly client: KeeperClient;
  readonly exits: ExitRecord[];
  /** Starts a shell script as a task behind its gate. */
  spawn(id: string, script: string, more?: Partial<SpawnRequest>): ReturnType<KeeperClient["spawnTask"]>;
  /** @returns the exit record of a task, once it is there. */
  exitOf(id: string): Promise<ExitRecord>;
  logOf(id: string): string;
}

export async function startKeeper(program: string, dir: string): Promise<TestKeeper> {
  const client = KeeperClient.spawn({ command: [process.execPath, program] });
  const exits: ExitRecord[] = [];
  client.onExit((record) => exits.push(record));
  await client.ready;
  const logFile = (id: string) => join(dir, `${id}.log`);
  return {
    client,
    exits,
    spawn: (id, script, more = {}) =>
      client.spawnTask({
        id,
        command: ["/bin/sh", "-c", script],
        env: { PATH: process.env["PATH"] ?? "" },
        cwd: dir,
        logFile: logFile(id),
        ...more,
      }),
    exitOf: async (id) => until(() => exits.find((record) => record.id === id)),
    logOf: (id) => (existsSync(logFile(id)) ? readFileSync(logFile(id), "utf8") : ""),
  };
}

/** Looks every 10 ms until there is something. @throws Error after `limitMs`. */
export async function until<T>(look: () => T | undefined | false, limitMs = 60_000): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`nothing after ${limitMs} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** True while a process of this pid runs (a zombie does not). */
export function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  try {
    return !/\) [ZX] /.test(readFileSync(path, "utf8"));
  } catch {
    return false;
  }
}
