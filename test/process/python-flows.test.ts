import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type DeadLetter, readLetters } from "../../src/base/dead-letters.js";
import { killAtRandom } from "../support/chaos.js";
import { fnv1a } from "../support/chaos-flow.js";
import { eventually, liveTasks, NODES, titleOf, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { describePython } from "../support/python.js";

const FRAMES = resolve("test/fixtures/python/frames.mjs");
const KILLS = 10;
const SIZE = { height: 1080, width: 1920 };
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describePython("a flow with nodes in Python", () => {
  let place: Workplace;
  beforeEach(() => {
    place = workplace();
    place.write("nodes.py", readFileSync("test/fixtures/python/nodes.py", "utf8"));
  });
  afterEach(() => place.remove());

  const node = (role: string, className: string, params: object = {}) => ({ role, component: `python:nodes:${className}`, params });
  const counter = (count: number) => ({ name: "counter", ...node("Producer", "Counter", { count }) });
  const writer = (input: string) => ({ name: "writer", inputs: [input], ...node("Consumer", "Writer", { path: place.path("seen.json") }) });
  const frames = (count: number) => ({ name: "frames", role: "Producer", component: `${FRAMES}#Frames`, params: { count, ...SIZE } });
  const chain = (count: number, work: object) =>
    writeManifest(place, [counter(count), { name: "work", inputs: ["counter"], ...work }, writer("work")]);
  const run = (file: string, ...more: string[]) => place.run(file, more).ended;
  const seen = () => place.json<unknown[]>("seen.json");

  test("runs a class as Videoflow's users write it, from producer to consumer, and leaves nothing", async () => {
    const state = place.path("state");

    const { code, err } = await run(chain(40, node("Processor", "Doubler", { factor: 3 })), "--state-dir", state);

    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(seen()).toEqual(numbers(40).map((value) => value * 3));
    expect(place.leftovers()).toEqual([]);
    const logs = readdirSync(state, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".log"));
    expect(logs.map((file) => readFileSync(join(state, file), "utf8")).join("")).toMatch(/the counter opens/);
  });

  test("passes filters, many outputs and what flush() gives", async () => {
    const file = writeManifest(place, [
      counter(6),
      { name: "odd", inputs: ["counter"], ...node("Processor", "Odd") },
      { name: "twice", inputs: ["odd"], oneTask: true, ...node("Processor", "Twice") },
      writer("twice"),
    ]);

    expect((await run(file)).code).toBe(0);
    expect(seen()).toEqual([1, 1.5, 3, 3.5, 5, 5.5, "flushed"]);
  });

  test("keeps the order behind two tasks of which one is slower", async () => {
    expect((await run(chain(60, { nbTasks: 2, ...node("Processor", "Jitter") }))).code).toBe(0);
    expect(seen()).toEqual(numbers(60));
  });

  test("sends what raises an exception to the dead letters, with the traceback, and goes on", async () => {
    await run(chain(10, { retries: 1, ...node("Processor", "Picky", { refuse: 4 }) }));

    expect(seen()).toEqual(numbers(10).filter((value) => value !== 4));
    const [letter, ...others] = readLetters(place.path(`${place.flow}.dead-letters`));
    expect(others).toEqual([]);
    const { node: name, inputs, attempts, error } = letter as DeadLetter;
    expect([name, inputs[0]?.traceId, attempts]).toEqual(["work", "counter:5", 2]);
    expect(error).toMatch(/Traceback[\s\S]*nodes\.py", line \d+, in process[\s\S]*in _check[\s\S]*ValueError: 4 is refused/);
  });

  test("loses and repeats nothing when the Python process is killed in the middle of an input", async () => {
    const marker = place.path("died");

    expect((await run(chain(30, node("Processor", "DiesOnce", { at: 11, marker })))).code).toBe(0);

    expect(existsSync(marker)).toBe(true);
    expect(seen()).toEqual(numbers(30));
  });

  test("goes on with its state after an exception, and after a death of the Python process, in the middle of an input", async () => {
    const params = { raises_at: 5, dies_at: 11, marker: place.path("failed") };

    expect((await run(chain(20, { oneTask: true, ...node("Processor", "ForgetsNothing", params) }))).code).toBe(0);

    expect([5, 11].map((at) => existsSync(`${params.marker}-${at}`))).toEqual([true, true]);
    expect(seen()).toEqual(numbers(20).map((value) => (value * (value + 1)) / 2));
  });

  test.each([
    ["Forgetful", "parent"],
    ["PlainForgetful", "self"],
  ])("%s without snapshot() begins empty after the death of %s, and the flow says so", async (className, victim) => {
    const forgetful = { oneTask: true, ...node("Processor", className, { at: 4, victim, marker: place.path("died") }) };
    const { code, out, err } = await run(chain(300, forgetful));

    expect(code).toBe(0);
    expect(out + err).toContain(`degraded (StateLost): task ${place.flow}.work.0 lost its state: "work" began empty after a restart`);
    expect(seen()).toEqual(numbers(300).map((value) => (value * (value + 1)) / 2 - (value < 4 ? 0 : 6)));
  });

  test(`keeps the states of producer, processor and consumer when they are killed ${KILLS} times at random`, async () => {
    const patient = { retries: 1000, restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 1_000_000 } };
    const file = writeManifest(place, [
      { ...patient, name: "source", ...node("Producer", "StatefulSource", { until: place.path("until") }) },
      { ...patient, name: "chain", inputs: ["source"], oneTask: true, ...node("Processor", "StatefulChain") },
      { ...patient, name: "lines", inputs: ["chain"], ...node("Consumer", "StatefulLines", { path: place.path("lines") }) },
    ]);

    const result = await killAtRandom(place.run(file), place, { seed: 1, kills: KILLS, spared: [] });

    let all = 0;
    const expected = numbers(result.messages).map((number) => {
      all = fnv1a(Buffer.from(`${all} ${number}`));
      return `${number} ${all}`;
    });
    expect([result.ended.code, result.deadLetters, result.slotsInUse]).toEqual([0, 0, 0]);
    expect(place.lines("lines")).toEqual(expected);
    expect(result.victims).toEqual({ source: expect.any(Number), chain: expect.any(Number), lines: expect.any(Number) });
    expect(place.leftovers()).toEqual([]);
  });

  test("ends the Python process with its worker, even in the middle of a call", async () => {
    const pidFile = place.path("pid");
    place.run(chain(3, node("Processor", "Sleeper", { pid_file: pidFile })));
    const pid = await eventually("the call", () => existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")));
    const worker = await eventually("the worker", () =>
      liveTasks(place.flow).find((task) => task.node === "work" && !titleOf(task.pid).includes("python")),
    );

    process.kill(worker.pid, "SIGKILL");

    await eventually("the end of the Python process", () => !existsSync(`/proc/${pid}`));
  });

  test("shows it frames in shared memory: no pixel goes through the pipe", async () => {
    const file = writeManifest(place, [
      frames(20),
      { name: "average", inputs: ["frames"], ...node("Processor", "Average") },
      writer("average"),
    ]);

    expect((await run(file)).code).toBe(0);

    const found = seen() as { first: number; last: number; shape: number[]; readonly: boolean; pipe: number }[];
    expect(found.map(({ first, last, shape, readonly }) => [first, last, shape, readonly])).toEqual(
      numbers(20).map((n) => [n, n, [1080, 1920, 3], true]),
    );
    expect(found[19]?.pipe).toBeLessThan(20_000); // Of 124 MB of pixels.
  });

  test("takes new frames out of shared memory, too", async () => {
    const file = writeManifest(place, [
      frames(12),
      { name: "inverter", inputs: ["frames"], ...node("Processor", "Inverter") },
      { name: "painter", inputs: ["inverter"], ...node("Processor", "Painter") },
      { name: "average", inputs: ["painter"], ...node("Processor", "Pipe") },
      {
        name: "frames-only",
        inputs: ["painter"],
        role: "Consumer",
        component: `${FRAMES}#Looker`,
        params: { path: place.path("looked.json") },
      },
      { name: "end", inputs: ["average"], role: "Consumer", component: `${NODES}#Collector` },
    ]);

    expect((await run(file)).code).toBe(0);

    expect(place.json("looked.json")).toEqual(numbers(12).map((n) => [1080, 1920, 3, 255, 255 - n]));
  });

  test("carries structured values with tensors, large integers and bytes in both directions", async () => {
    const file = writeManifest(place, [
      { name: "tables", role: "Producer", component: `${FRAMES}#Tables`, params: { count: 3 } },
      { name: "pipe", inputs: ["tables"], ...node("Processor", "Pipe") },
      { name: "sink", inputs: ["pipe"], role: "Consumer", component: `${FRAMES}#Reader`, params: { path: place.path("seen.json") } },
    ]);

    expect((await run(file)).code).toBe(0);

    const row = (n: number) => [`tables:${n}`, [0, 0, 8, 8, 0.5, 2], [1, 6], ["car"], 3072, "1152921504606846976", null, true, [1, 2]];
    expect(seen()).toEqual([row(1), row(2), row(3)]);
  });

  test("is refused before anything starts when a module or the interpreter is missing", async () => {
    const file = writeManifest(place, [
      counter(3),
      { name: "sink", inputs: ["counter"], role: "Consumer", component: "python:nowhere.nodes:Sink" },
    ]);

    const missing = await place.start(["validate", file]).ended;
    const without = await place.start(["validate", file], { env: { VIDEOFLOW_PYTHON: "/nowhere/python" } }).ended;

    expect([missing.code, missing.out + missing.err]).toEqual([
      2,
      expect.stringMatching(/spec\.nodes\[1\]\.component.*there is no Python module nowhere\.nodes/s),
    ]);
    expect([without.code, without.out + without.err]).toEqual([
      2,
      expect.stringMatching(/\/nowhere\/python cannot be used.*Install Python 3\.8/s),
    ]);
  });
});
