import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type DaemonPlace, endAfter, readSmall, smallArrivals, writeSmallFlow } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { type Ended, eventually, liveTasks, videoflow, type Workplace, workplace } from "../support/flow-process.js";

const TIMEOUT_MS = 180_000;

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** A small disk of its own at a folder; false without the right to mount one. */
const mountAt = (dir: string, size: string) => spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir]).status === 0;
const unmount = (dir: string) => spawnSync("umount", ["-l", dir]);
const mayMount = (() => {
  const probe = workplace();
  const may = mountAt(probe.dir, "1m");
  if (may) unmount(probe.dir);
  void probe.remove();
  return may;
})();
process.stderr.write(mayMount ? "" : "SKIPPED: a full disk and a full shared memory need the right to mount a tmpfs\n");
const mounted = mayMount ? test : test.skip;

/** Takes all space of a disk. @returns what gives it back. */
function fill(dir: string): () => void {
  const file = join(dir, "filler");
  const fd = openSync(file, "w");
  const block = Buffer.alloc(64 * 1024);
  try {
    while (statfsSync(dir).bavail > 0) writeSync(fd, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
  return () => rmSync(file);
}

async function startSmall(): Promise<void> {
  await daemon.start();
  await daemon.apply(writeSmallFlow(place));
  await daemon.reached("Running");
  await eventually("messages", () => readSmall(place).length > 5);
}

/** Lets the small flow end and checks that nothing was lost or repeated. */
async function finishSmall(): Promise<void> {
  const messages = (readSmall(place).at(-1) ?? 0) + 200;
  endAfter(place, messages);
  expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
  expect(readSmall(place)).toEqual(smallArrivals(messages));
}

/** A second flow like the small one, which writes elsewhere. @returns its file. */
function otherFlow(): string {
  const manifest = readFileSync(place.path("flow.yaml"), "utf8").replace(`name: ${place.flow}`, "name: other");
  return place.write("other.yaml", manifest.replaceAll(place.path("lines"), place.path("other-lines")));
}

/** The status of a flow that does not run, as text. */
async function reasonOf(flow: string): Promise<string> {
  for (let looks = 0; looks < 1_200; looks += 1) {
    const { status } = (await daemon.flow(flow)) ?? {};
    if (status?.state === "Failed" || status?.conditions?.some(({ type, status: is }) => type === "Admitted" && is === "False"))
      return JSON.stringify(status);
    await pause(50);
  }
  throw new Error(`${flow}: ${JSON.stringify((await daemon.flow(flow))?.status)}`);
}

const client = (...args: readonly string[]) => videoflow([...args, "--state-dir", daemon.stateDir]);

mounted(
  "a full disk: what is applied is refused with the reason, what was applied runs on and outlives agent and tasks once there is space",
  async () => {
    mkdirSync(daemon.stateDir);
    mountAt(daemon.stateDir, "24m");
    try {
      await startSmall();
      const giveBack = fill(daemon.stateDir);
      const other = otherFlow();
      const refused = await client("apply", "-f", other);
      expect([refused.code === 0, refused.err]).toEqual([false, expect.stringContaining("STORE_FULL")]);
      const before = readSmall(place).length;
      await eventually("messages with a full disk", () => readSmall(place).length > before + 5);

      const [victim] = liveTasks(place.flow).filter(({ node }) => node === "pick");
      process.kill(victim?.pid ?? 0, "SIGKILL");
      await pause(1_500);
      await daemon.killAgent();
      const starting = await place.start(["agent", "--state-dir", daemon.stateDir, "--shm", place.shm]).ended;
      expect(starting.err).toContain("STORE_FULL");

      giveBack();
      await daemon.start();
      await daemon.reached("Running");
      expect((await client("apply", "-f", other)).code).toBe(0);
      expect((await client("delete", "vf/other")).code).toBe(0);
      await finishSmall();
    } finally {
      await daemon.destroy();
      unmount(daemon.stateDir);
    }
  },
  TIMEOUT_MS,
);

mounted(
  "a task that dies while the disk is full waits for space and goes on: nothing is lost or repeated",
  async () => {
    mkdirSync(daemon.stateDir);
    mountAt(daemon.stateDir, "24m");
    try {
      await startSmall();
      const giveBack = fill(daemon.stateDir);
      const [victim] = liveTasks(place.flow).filter(({ node }) => node === "pick");
      process.kill(victim?.pid ?? 0, "SIGKILL");
      await eventually("the trouble to be told", () => /STORE_FULL|ENOSPC/.test(daemon.agent.output));
      await pause(1_000);
      giveBack();
      const before = readSmall(place).length;
      await eventually("messages again", () => readSmall(place).length > before + 5);
      await finishSmall();
    } finally {
      await daemon.destroy();
      unmount(daemon.stateDir);
    }
  },
  TIMEOUT_MS,
);

mounted(
  "a full shared memory: a flow that no longer fits fails with the reason, the one that runs does not notice, and it runs once there is space",
  async () => {
    mountAt(place.shm, "48m");
    try {
      await startSmall();
      await eventually("messages in every slot: only what was used once is there for good", () => readSmall(place).length > 300);
      const giveBack = fill(place.shm);
      await client("apply", "-f", otherFlow());
      expect(await reasonOf("other")).toMatch(/shared memory|ENOSPC|SHM_/);
      const before = readSmall(place).length;
      await eventually("messages with a full shared memory", () => readSmall(place).length > before + 5);
      giveBack();
      await client("delete", "vf/other");
      await finishSmall();
    } finally {
      await daemon.destroy();
      unmount(place.shm);
    }
  },
  TIMEOUT_MS,
);

/** Starts an agent that must refuse. */
function refusal(): Promise<Ended> {
  return place.start(["agent", "--state-dir", daemon.stateDir, "--shm", place.shm]).ended;
}

/** The version in the two first pages of LMDB stands behind its magic number. */
function raiseLmdbVersion(file: string): void {
  const bytes = readFileSync(file);
  const magic = Buffer.from([0xde, 0xc0, 0xef, 0xbe]);
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 4)) bytes.writeUInt32LE(0x7777, at + 4);
  writeFileSync(file, bytes);
}

/** One bit in the header of each page, and one behind it. */
function damagePages(file: string): void {
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at += 4096) for (const byte of [at + 18, at + 900]) bytes[byte] = (bytes[byte] as number) ^ 4;
  writeFileSync(file, bytes);
}

describe("state that cannot be read is told, not touched, and its tasks run on", () => {
  const nonsense = (file: string) => writeFileSync(file, "no database at all".repeat(1000));
  const damages: readonly (readonly [string, string, (dir: string) => void])[] = [
    [
      "a store of which both forms are damaged",
      "STORE_UNREADABLE",
      (dir) => ["mdb", "copy"].map((end) => nonsense(join(dir, `store/objects.${end}`))),
    ],
    ["a store that is missing", "STORE_UNREADABLE", (dir) => ["mdb", "copy"].map((end) => rmSync(join(dir, `store/objects.${end}`)))],
    ["a store of another version", "STORE_UNREADABLE", (dir) => raiseLmdbVersion(join(dir, "store/objects.mdb"))],
    ["a store of another form", "STORE_UNREADABLE", (dir) => writeFileSync(join(dir, "store/format.json"), '{"version":99}')],
    ["records that are no database", "RECORDS_UNREADABLE", (dir) => nonsense(join(dir, "records/table.mdb"))],
  ];
  test(
    `of ${damages.length} kinds`,
    async () => {
      await startSmall();
      await daemon.killAgent();
      for (const [what, code, damage] of damages) {
        const kept = new Map(["store", "records"].flatMap((folder) => filesOf(join(daemon.stateDir, folder))));
        damage(daemon.stateDir);
        const damaged = [...kept.keys()].map((file) => sizeOrNone(file));
        const refused = await refusal();
        expect([what, refused.code === 0, refused.err]).toEqual([what, false, expect.stringContaining(code)]);
        expect([what, [...kept.keys()].map((file) => sizeOrNone(file))]).toEqual([what, damaged]);
        for (const [file, bytes] of kept) writeFileSync(file, bytes);
      }
      expect(liveTasks(place.flow)).toHaveLength(3);
      await daemon.start();
      await daemon.reached("Running");
      await finishSmall();
    },
    TIMEOUT_MS,
  );

  test(
    "a database of which every page is damaged is made anew from its copy, and records that were removed do no harm: the same processes run on",
    async () => {
      await startSmall();
      await daemon.killAgent();
      const pids = liveTasks(place.flow).map(({ pid }) => pid);
      const [objects, records] = ["store/objects.mdb", "records/table.mdb"].map((name) => join(daemon.stateDir, name)) as [string, string];
      damagePages(objects);
      damagePages(records);
      expect((await refusal()).err).toMatch(
        /warning: .*objects\.mdb is damaged.* nothing is lost.*RECORDS_UNREADABLE.* Remove the folder records/s,
      );
      rmSync(join(daemon.stateDir, "records"), { recursive: true });
      const { output } = await daemon.start();
      expect([output, existsSync(`${objects}.damaged`)]).toEqual([expect.stringMatching(/answers on/), true]);
      await daemon.reached("Running");
      expect(liveTasks(place.flow).map(({ pid }) => pid)).toEqual(pids);
      await finishSmall();
    },
    TIMEOUT_MS,
  );

  test(
    "a torn exit record and half-written files of a keeper are passed over: the task starts again",
    async () => {
      await startSmall();
      const { metadata } = await daemon.task("pick", ({ status }) => status?.phase === "Running");
      await daemon.killAgent();
      const exits = join(daemon.stateDir, "exits");
      mkdirSync(exits, { recursive: true });
      writeFileSync(join(exits, `${metadata.uid}.0.json`), `{"id":"${metadata.uid}.0","code":nu`);
      writeFileSync(join(exits, "x.1.json.tmp"), "{");
      const [victim] = liveTasks(place.flow).filter(({ node }) => node === "sink");
      process.kill(victim?.pid ?? 0, "SIGKILL");
      await pause(300);
      await daemon.start();
      await finishSmall();
      expect(readdirSync(exits).filter((name) => name.endsWith(".1.json"))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

function filesOf(folder: string): (readonly [string, Buffer])[] {
  return readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))] as const);
}

function sizeOrNone(file: string): number | undefined {
  try {
    return readFileSync(file).length;
  } catch {
    return undefined;
  }
}
