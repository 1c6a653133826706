import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import { daemonPlace } from "../support/daemon.js";
import { eventually, gpus, gpuUuid, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const small = mkdtempSync(join(tmpdir(), "videoflow-small-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", small]).status === 0;
const mounted = isMounted ? test : test.skip;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());
afterAll(() => {
  spawnSync("umount", [small]);
  rmdirSync(small);
});

const ticker = (params: object) => ({ name: "source", role: "Producer", component: `${NODES}#Ticker`, params });
const appender = (path: string) => ({ name: "lines", role: "Consumer", component: "FileAppender", inputs: ["source"], params: { path } });
const linesWritten = (path: string) =>
  eventually(
    () => `lines in ${path}`,
    () => place.lines(path).length > 3,
  );

test("a run does not begin while another one writes its file; it says which, and begins once that has ended", async () => {
  const file = writeManifest(place, [ticker({ everyMs: 10 }), appender("out.jsonl")]);
  const first = place.run(file);
  await linesWritten("out.jsonl");

  const second = await place.run(file).ended;
  const before = place.lines("out.jsonl").length;
  await eventually("the first to go on", () => place.lines("out.jsonl").length > before);
  first.signal("SIGINT");
  await first.ended;
  const payloads = place.lines("out.jsonl").map((line) => (JSON.parse(line) as { payload: number }).payload);
  const short = writeManifest(place, [ticker({ everyMs: 0, count: 3 }), appender("out.jsonl")]);
  const third = await place.run(short).ended;

  expect([second.code, second.err]).toEqual([
    1,
    expect.stringMatching(
      new RegExp(`OUTPUT_IN_USE: the file ${place.path("out.jsonl")} is written by a run of flow "${place.flow}".*stop it, or give`),
    ),
  ]);
  expect(payloads).toEqual(payloads.map((_, i) => i));
  expect([third.code, place.lines("out.jsonl").length]).toEqual([0, 3]);
  expect(place.leftovers()).toEqual([]);
});

test("a run that cannot tell others which devices it has starts nothing, says why, and leaves nothing", async () => {
  const held = join(place.path("runtime"), `videoflow-${userInfo().uid}`, "devices", `${gpuUuid(0)}.json`);
  mkdirSync(`${held}.tmp`, { recursive: true });
  const wisher = { name: "wisher", role: "Processor", component: `${NODES}#Wisher`, inputs: ["source"], deviceType: "GPU" };
  const file = writeManifest(place, [ticker({ everyMs: 10 }), wisher, { ...appender("out.jsonl"), inputs: ["wisher"] }]);
  const run = place.run(file, gpus(place, 1), { env: { XDG_RUNTIME_DIR: place.path("runtime") } });

  const { code, err } = await run.ended;
  expect([code, err]).toEqual([1, expect.stringMatching(/^error: DEVICES_NOT_HELD: other runs cannot be told .*EISDIR/m)]);
  expect(err).not.toContain("    at ");
  expect([place.lines("out.jsonl"), place.leftovers()]).toEqual([[], []]);
});

test("a run and a flow of an agent see each other's files; what is no file may have many writers", async () => {
  const daemon = daemonPlace(place);
  try {
    await daemon.start();
    await daemon.apply(writeManifest(place, [ticker({ everyMs: 10 }), appender("shared.jsonl")]));
    await linesWritten("shared.jsonl");

    const same = await place.run(writeManifest(place, [ticker({ everyMs: 0, count: 2 }), appender("shared.jsonl")])).ended;
    const nowhere = writeManifest(place, [ticker({ everyMs: 10 }), appender("/dev/null")]);
    const one = place.run(nowhere);
    const two = place.run(nowhere);
    await eventually("both", () => [one, two].every(({ output }) => /lines [1-9]/.test(output)));
    for (const run of [one, two]) run.signal("SIGINT");

    expect([same.code, same.err]).toEqual([1, expect.stringContaining("OUTPUT_IN_USE")]);
    expect((await Promise.all([one.ended, two.ended])).map(({ code }) => code)).toEqual([130, 130]);
  } finally {
    await daemon.destroy();
  }
});

mounted("a run is refused when another one has reserved the shared memory, though that does not use it yet", async () => {
  const flow = (everyMs: number) =>
    writeManifest(place, [
      { ...ticker({ everyMs, ...(everyMs > 0 ? {} : { count: 3 }) }), buffer: { messages: 16, bytes: 30 * 2 ** 20 } },
      { name: "end", role: "Consumer", component: "VoidConsumer", inputs: ["source"] },
    ]);
  const first = place.run(flow(10), ["--shm", small]);
  await eventually("the first to work", () => /end [1-9]/.test(first.output));

  const second = await place.run(flow(0), ["--shm", small]).ended;
  first.signal("SIGINT");
  await first.ended;
  const third = await place.run(flow(0), ["--shm", small]).ended;

  expect([second.code, second.err]).toEqual([3, expect.stringMatching(/needs 3\d MiB of shared memory, host \S+ has 1\d MiB free/)]);
  expect([third.code, third.err]).toEqual([0, expect.any(String)]);
});
