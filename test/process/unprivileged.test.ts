import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import { findSetpriv } from "../../src/keeper/gate.js";
import { type DaemonPlace, daemonPlace, endAfter, readSmall, smallArrivals, writeSmallFlow } from "../support/daemon.js";
import { CLI, eventually, liveTasks, type Surroundings, type Workplace, workplace } from "../support/flow-process.js";

/** Nobody on this machine has these numbers, and no home. */
const USER = { uid: 64_109, gid: 64_110 };
const TIMEOUT_MS = 180_000;
const isRoot = process.getuid?.() === 0;

const ways = (path: string): string[] => (path === "/" ? ["/"] : [...ways(dirname(path)), path]);
const closedWay = isRoot ? ways(resolve(".")).find((folder) => (statSync(folder).mode & 0o001) === 0) : undefined;
if (closedWay !== undefined) process.stderr.write(`SKIPPED: an agent without rights: ${closedWay} is closed to other users\n`);
const unprivileged = closedWay === undefined ? test : test.skip;

let place: Workplace;
let daemon: DaemonPlace;
let shut: string[];
/** What an agent without rights is started with: root becomes somebody, anybody else is somebody already. */
let as: Surroundings;
beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
  shut = [];
  as = isRoot ? { user: USER, env: { HOME: "", XDG_STATE_HOME: "", XDG_RUNTIME_DIR: place.path("tmp") } } : {};
  if (isRoot) for (const folder of [place.dir, place.path("tmp"), place.shm]) chownSync(folder, USER.uid, USER.gid);
});
afterEach(async () => {
  for (const path of shut) open(path);
  await daemon.destroy();
  await place.remove();
});

/** Closes a file or folder to whoever runs the agent. */
function close(path: string): void {
  shut.push(path);
  if (isRoot) chownSync(path, 0, 0);
  chmodSync(path, isRoot ? statSync(path).mode & 0o700 : 0);
}

function open(path: string): void {
  if (!existsSync(path)) return;
  chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  if (isRoot) chownSync(path, USER.uid, USER.gid);
}

async function refusalOf(...args: readonly string[]): Promise<string> {
  const { code, err } = await place.start(["agent", ...args], as).ended;
  expect(code).not.toBe(0);
  return err;
}

unprivileged(
  "an agent whose folders are closed to it names the place and the way out, and loses no flow",
  async () => {
    await daemon.start([], as);
    await daemon.apply(writeSmallFlow(place));
    await daemon.reached("Running");
    await eventually("messages", () => readSmall(place).length > 5);
    await daemon.end();
    const { stateDir } = daemon;
    const args = ["--state-dir", stateDir, "--shm", place.shm];

    for (const name of ["store", "records", "keeper.log", "exits", "run", "store/owner.pid"]) {
      close(join(stateDir, name));
      const told = await refusalOf(...args);
      expect(told).toContain(`STATE_DIR_UNUSABLE: the state folder ${stateDir} cannot be used: ${join(stateDir, name)} is closed to user`);
      open(join(stateDir, name));
    }
    close(stateDir);
    expect(await refusalOf(...args)).toContain(`STATE_DIR_UNUSABLE: the state folder ${stateDir} cannot be used: EACCES`);
    const client = await place.start(["get", "vf", "--state-dir", stateDir], as).ended;
    expect(client.err).toContain(`AGENT_UNREACHABLE: no agent answers on ${stateDir}/agent.sock: it is closed to this user`);
    open(stateDir);
    const elsewhere = place.path("elsewhere");
    mkdirSync(elsewhere);
    close(elsewhere);
    expect(await refusalOf("--state-dir", stateDir, "--shm", elsewhere)).toContain(
      `SHM_UNUSABLE: shared memory cannot lie in ${elsewhere}: it cannot be written`,
    );
    const base = join(elsewhere, `videoflow-${isRoot ? USER.uid : process.getuid?.()}`);
    open(elsewhere);
    mkdirSync(base);
    close(base);
    expect(await refusalOf("--state-dir", stateDir, "--shm", elsewhere)).toContain(
      `SHM_UNUSABLE: shared memory cannot lie in ${elsewhere}: ${base}`,
    );

    await daemon.start([], as);
    await daemon.reached("Running");
    const messages = (readSmall(place).at(-1) ?? 0) + 100;
    endAfter(place, messages);
    expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
    expect(readSmall(place)).toEqual(smallArrivals(messages));
  },
  TIMEOUT_MS,
);

unprivileged(
  "manifests that may not be read are named in the log; what runs of them runs on, and the others are applied",
  async () => {
    const manifests = place.path("manifests");
    mkdirSync(manifests);
    cpSync(writeSmallFlow(place), join(manifests, "a.yaml"));
    if (isRoot) for (const path of [manifests, join(manifests, "a.yaml")]) chownSync(path, USER.uid, USER.gid);
    await daemon.start(["--manifests", manifests], as);
    await daemon.reached("Running");
    const pids = liveTasks(place.flow).map(({ pid }) => pid);

    close(join(manifests, "a.yaml"));
    const other = readFileSync(place.path("flow.yaml"), "utf8").replace(`name: ${place.flow}`, "name: other");
    writeFileSync(join(manifests, "b.yaml"), other.replaceAll(place.path("lines"), place.path("other-lines")));
    await eventually("messages of the other", () => place.lines("other-lines").length > 5);
    await daemon.killAgent();
    await daemon.start(["--manifests", manifests], as);
    await eventually("the complaint", () => /a\.yaml.*EACCES/.test(daemon.agent.output));
    await daemon.killAgent();
    close(manifests);
    await daemon.start(["--manifests", manifests], as);
    await eventually("the complaint", () => daemon.agent.output.includes(`${manifests}: cannot be read`));
    const seen = readSmall(place).length;
    await eventually("further messages", () => readSmall(place).length > seen + 50);
    const { metadata, status } = (await daemon.flow()) as VideoFlow;
    expect([metadata.deletionTimestamp, status?.state]).toEqual([undefined, "Running"]);
    expect(liveTasks(place.flow).map(({ pid }) => pid)).toEqual(pids);
  },
  TIMEOUT_MS,
);

test(
  "a manifest that is too large, or nested too deeply, is named in the log without being read; the others are applied",
  async () => {
    const manifests = place.path("manifests");
    mkdirSync(manifests);
    writeFileSync(join(manifests, "a.yaml"), "");
    truncateSync(join(manifests, "a.yaml"), 100 * 2 ** 20);
    writeFileSync(join(manifests, "b.yaml"), `a: ${"[".repeat(100_000)}`);
    cpSync(writeSmallFlow(place), join(manifests, "c.yaml"));
    await daemon.start(["--manifests", manifests]);
    await eventually("messages", () => readSmall(place).length > 5);
    expect(daemon.agent.output).toContain("a.yaml: not applied: it has 104857600 bytes, a manifest may have 1048576: split it");
    expect(daemon.agent.output).toMatch(/b\.yaml: .*is nested too deeply/);
    cpSync(join(manifests, "a.yaml"), join(manifests, "c.yaml"));
    await eventually("the complaint", () => /c\.yaml: .*it has 104857600 bytes/.test(daemon.agent.output));
    const seen = readSmall(place).length;
    await eventually("further messages", () => readSmall(place).length > seen + 20);
    expect((await daemon.flow())?.metadata.deletionTimestamp).toBeUndefined();
  },
  TIMEOUT_MS,
);

unprivileged("without HOME nobody's folder is guessed: an agent and a client ask for --state-dir", async () => {
  const homeless = { ...as, env: { ...as.env, HOME: "", XDG_STATE_HOME: "" } };
  for (const args of [["agent"], ["get", "vf"]]) {
    const { code, err } = await place.start(args, homeless).ended;
    expect([code === 0, err]).toEqual([false, expect.stringContaining("STATE_DIR_UNUSABLE")]);
    expect(err).toContain("HOME is not set");
  }
});

const setpriv = findSetpriv();
const mayHide = isRoot && setpriv !== undefined && spawnSync("unshare", ["-m", "true"]).status === 0;
if (!mayHide) process.stderr.write("SKIPPED: a machine without setpriv needs the right to hide it\n");

(mayHide && closedWay === undefined ? test : test.skip)(
  "a flow runs to its end as a user without rights, name or home, on a machine without setpriv",
  () => {
    const file = writeSmallFlow(place);
    endAfter(place, 200);
    const drop = place.path("drop");
    copyFileSync(setpriv ?? "", drop);
    const hide =
      'for tool in /usr/bin/setpriv /bin/setpriv; do [ ! -e "$tool" ] || mount --bind /dev/null "$tool" || exit 99; done; exec "$@"';
    const dropped = [drop, "--reuid", `${USER.uid}`, "--regid", `${USER.gid}`, "--clear-groups", "--", process.execPath, CLI];
    const videoflow = (...args: string[]) =>
      spawnSync("unshare", ["-m", "sh", "-c", hide, "hide", ...dropped, ...args], {
        ...{ cwd: place.dir, encoding: "utf8", timeout: 50_000 },
        env: { PATH: process.env["PATH"], TMPDIR: place.path("tmp") },
      });
    expect(JSON.parse(videoflow("doctor", "--json").stdout)).toContainEqual(
      expect.objectContaining({ check: "setpriv", found: "not installed" }),
    );
    const { status, stderr } = videoflow("run", file, "--plain", "--shm", place.shm);
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    expect(readSmall(place)).toEqual(smallArrivals(200));
    expect(place.leftovers()).toEqual([]);
  },
  TIMEOUT_MS,
);
