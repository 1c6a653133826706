import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const MIB = 1024 * 1024;
const SIZE_MIB = 24;

/** A small file system of its own, where this user may mount one. */
const small = mkdtempSync(join(tmpdir(), "videoflow-small-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", small]).status === 0;
const mounted = isMounted ? test : test.skip;

let place: Workplace;
beforeAll(() => {
  process.stderr.write(isMounted ? "" : "skipped: a full shared memory needs the right to mount a tmpfs\n");
});
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());
afterAll(() => {
  spawnSync("umount", [small]);
  rmdirSync(small);
});

const flow = (bytes: number, buffer: object) =>
  writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 3, everyMs: 0 }, buffer: { messages: 1 } },
    { name: "bloater", role: "Processor", component: `${NODES}#Bloater`, inputs: ["source"], params: { bytes }, buffer },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["bloater"] },
  ]);

mounted("a message larger than the memory that is left fails the flow at once, with numbers, and no input is blamed", async () => {
  const { code, err } = await place.run(flow(64 * MIB, { messages: 1 }), ["--shm", small]).ended;

  expect([code, err]).toEqual([1, expect.stringMatching(/SHM_FULL: .*6\d{7} more bytes are needed, \d+ are free/)]);
  expect(err).not.toMatch(/dead letters|starts again/);
  expect([...place.leftovers(), ...readdirSync(small, { recursive: true })]).toEqual([`videoflow-${process.getuid?.()}`]);
});

mounted("a flow whose buffers do not fit is refused before anything starts", async () => {
  const { code, err } = await place.run(flow(1, { messages: 64 }), ["--shm", small]).ended;

  expect([code, err]).toEqual([
    3,
    expect.stringMatching(
      /needs \d+ MiB of shared memory, host \S+ has \d+ MiB free: set buffer.messages of node bloater to 2\d; .*--shm DIR/,
    ),
  ]);
  expect(place.leftovers()).toEqual([]);
});

test("a folder that is no tmpfs serves when the user names it, with a warning", async () => {
  const { code, err } = await place.start(["run", flow(1, { messages: 1 }), "--plain", "--shm", place.dir]).ended;

  expect([code, err]).toEqual([0, expect.stringContaining("is no tmpfs: frames are slower there")]);
});

test("a folder that cannot be used is named, with the option that names another", async () => {
  const surroundings = { env: { VIDEOFLOW_SHM: "/nowhere" } };
  const { code, err } = await place.start(["run", flow(1, { messages: 1 }), "--plain"], surroundings).ended;

  expect([code, err]).toEqual([expect.any(Number), expect.stringMatching(/SHM_UNUSABLE: .*\/nowhere: it is not there.*--shm DIR/s)]);
  expect(code).toBeGreaterThan(0);
  expect(place.leftovers()).toEqual([]);
});
