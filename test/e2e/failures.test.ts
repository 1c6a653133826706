import { readFileSync, symlinkSync, truncateSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readLetters } from "../../src/base/dead-letters.js";
import { writeClip } from "../../src/components/video/clip.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { readAll, someFrames } from "../support/video-context.js";

const FRAMES = 60;
let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const lines = (input: string, path: string) => ({
  name: "lines",
  role: "Consumer",
  component: "FileAppender",
  inputs: [input],
  params: { path },
});
const payloads = (name: string) => place.lines(name).map((line) => (JSON.parse(line) as { payload: unknown }).payload);

/** The letter of a number that the ticker gave. */
const letterOf = (value: number, more: object) => {
  const input = { traceId: `source:${value + 1}`, seq: value + 1, metadata: {}, payload: value };
  return expect.objectContaining({ version: 1, node: "thrower", position: value, index: 0, inputs: [input], ...more });
};

describe("a broken video", () => {
  test("ends the flow with file and frame, and what came before the break is kept", async () => {
    await writeClip(place.path("cut.mkv"), someFrames(FRAMES), 25);
    truncateSync(place.path("cut.mkv"), Math.floor(readFileSync(place.path("cut.mkv")).length * 0.6));
    const file = writeManifest(place, [
      { name: "reader", role: "Producer", component: "VideoFileReader", params: { path: "cut.mkv" } },
      { name: "same", role: "Processor", component: "Identity", inputs: ["reader"], nbTasks: 2 },
      { name: "writer", role: "Consumer", component: "VideoFileWriter", inputs: ["same"], params: { path: "new/kept.mp4" } },
    ]);

    const { code, err } = await place.run(file).ended;
    const kept = await readAll(new VideoFileReader({ path: place.path("new/kept.mp4") }));
    const at = Number(/cut\.mkv" (?:ends early, at|is broken at) frame (\d+)/.exec(err)?.[1]);

    expect([code, err]).toEqual([1, expect.stringMatching(/error: task .* failed: VIDEO_(TRUNCATED|BROKEN): .*cut\.mkv/)]);
    expect([at > 5, kept.length]).toEqual([true, at]);
    expect(place.leftovers()).toEqual([]);
  });
});

describe("a task that keeps dying", () => {
  test("ends the flow when its budget is spent, with its last words, and leaves nothing", async () => {
    const file = writeManifest(place, [
      { name: "source", role: "Producer", component: `${NODES}#Ticker` },
      {
        name: "dier",
        role: "Processor",
        component: `${NODES}#Dier`,
        inputs: ["source"],
        restart: { maxRestarts: 1, initialBackoffSeconds: 1 },
      },
      lines("dier", "seen.jsonl"),
    ]);

    const { code, err } = await place.run(file).ended;

    expect(code).toBe(1);
    expect(err).toMatch(/error: RestartBudgetSpent: .*dier\.0.*the licence has run out/s);
    expect(place.leftovers()).toEqual([]);
  });
});

describe("an input that always fails", () => {
  test("goes to the dead letters after its retries, and the others go on", async () => {
    const file = writeManifest(place, [
      { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 20, everyMs: 0 } },
      { name: "thrower", role: "Processor", component: `${NODES}#Thrower`, inputs: ["source"], params: { at: [3, 11] }, retries: 1 },
      lines("thrower", "seen.jsonl"),
    ]);

    const { code, out, err } = await place.run(file, ["--json"]).ended;
    const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "{}") as object;
    const letters = readLetters(place.path(`${place.flow}.dead-letters`));

    expect([code, result]).toEqual([0, expect.objectContaining({ state: "Succeeded", reason: "CompletedWithDeadLetters" })]);
    expect(out + err).toContain(place.path(`${place.flow}.dead-letters`));
    expect(letters).toEqual([
      letterOf(3, { attempts: 2, cause: "Exception", error: expect.stringMatching(/no code for 3\n +at Thrower\.process/) }),
      letterOf(11, { attempts: 2, cause: "Exception", error: expect.stringMatching(/no code for 11\n +at /) }),
    ]);
    expect(payloads("seen.jsonl")).toEqual(numbers(20).filter((n) => n !== 3 && n !== 11));
    expect(place.leftovers()).toEqual([]);
  });
});

test("code of a node that ends its process ends neither its task nor its flow, whatever code it gives", async () => {
  const codes = { 3: 0, 5: 75, 6: 65, 8: 78 };
  const file = writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 10, everyMs: 0 } },
    {
      name: "quitter",
      role: "Processor",
      component: `${NODES}#Quitter`,
      inputs: ["source"],
      params: { codes, marker: place.path("quit") },
      restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05 },
    },
    lines("quitter", "seen.jsonl"),
  ]);

  const { code, out, err } = await place.run(file).ended;

  expect([code, payloads("seen.jsonl")]).toEqual([0, numbers(10)]);
  expect(out + err).toContain(
    "quitter.0: Restarting: restart 1, after exit code 70: code of the node has ended its process: process.exit(0)",
  );
});

test("a node whose open() can never settle fails, and the flow says why", async () => {
  const file = writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 5, everyMs: 0 } },
    { name: "forlorn", role: "Processor", component: `${NODES}#Forlorn`, inputs: ["source"], restart: { policy: "Never" } },
    lines("forlorn", "seen.jsonl"),
  ]);

  const { code, err } = await place.run(file).ended;

  expect([code, err]).toEqual([1, expect.stringMatching(/error: .*the node waits for a promise that nothing is left to settle/)]);
});

describe("dead letters", () => {
  const frames = { name: "frames", role: "Producer", component: `${NODES}#Framer`, params: { count: 5 } };
  const numbered = { name: "numbered", role: "Processor", component: `${NODES}#FirstByte`, inputs: ["frames"] };
  const picky = (fails: boolean) => ({
    name: "picky",
    role: "Processor",
    component: `${NODES}#Picky`,
    inputs: ["frames", "numbered"],
    params: { at: [1, 3], fails },
    retries: 0,
  });
  const flow = (fails: boolean) => writeManifest(place, [frames, numbered, picky(fails), lines("picky", "seen.jsonl")]);

  test("are listed, shown, and retried with their tensors in the node alone", async () => {
    const ran = await place.run(flow(true)).ended;
    const list = await place.start(["deadletters", "list", place.flow]).ended;
    const shown = await place.start(["deadletters", "show", "picky.3.0", "--dir", place.flow]).ended;
    const failed = await place.start(["deadletters", "retry", "picky.3.0", flow(true), "--shm", place.shm]).ended;
    const retried = await place.start(["deadletters", "retry", "--all", flow(false), "--remove", "--shm", place.shm]).ended;
    const after = await place.start(["deadletters", "list", place.flow, "--json"]).ended;

    expect([list.err, shown.err, retried.err]).toEqual(["", "", ""]);
    expect([ran.code, list.code, shown.code, failed.code, retried.code]).toEqual([0, 0, 0, 1, 0]);
    expect(list.out).toMatch(/\.picky\.1\.0 .*Exception +Error: too picky for 1\n.*\.picky\.3\.0 /);
    expect(shown.out).toMatch(
      /input 0: frames:4, seq 4, event time 3\.5\n +metadata {"camera":"north"}[\s\S]*Error: too picky for 3\n +at Picky/,
    );
    expect(failed.out).toMatch(/picky\.3\.0: failed again: Error: too picky for 3/);
    expect(retried.out).toMatch(
      /picky\.1\.0: processed, 1 output\n +{"value":1,"sum":6,"camera":"north"}[\s\S]*{"value":3,"sum":18,"camera":"north"}/,
    );
    expect(JSON.parse(after.out)).toEqual([]);
    expect(place.leftovers()).toEqual([]);
  });
});

describe("an input that kills its process", () => {
  const letterOf4 = (position: number) => letterOf(position, { node: "killer", attempts: 4, cause: "Death" });

  test.each([1, 2])(
    "goes to the dead letters after its retries, and its deaths are given back to the budget of %i tasks",
    async (nbTasks) => {
      const file = writeManifest(place, [
        { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 12, everyMs: 0 } },
        {
          name: "killer",
          role: "Processor",
          component: `${NODES}#Killer`,
          inputs: ["source"],
          params: { at: [3, 8] },
          nbTasks,
          restart: { maxRestarts: 4, initialBackoffSeconds: 0.1 },
        },
        lines("killer", "seen.jsonl"),
      ]);

      const { code, out } = await place.run(file, ["--json"]).ended;
      const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "{}") as object;

      expect([code, result]).toEqual([0, expect.objectContaining({ state: "Succeeded", reason: "CompletedWithDeadLetters" })]);
      expect(readLetters(place.path(`${place.flow}.dead-letters`)).toSorted((a, b) => a.position - b.position)).toEqual([
        letterOf4(3),
        letterOf4(8),
      ]);
      expect(payloads("seen.jsonl")).toEqual(numbers(12).filter((n) => n !== 3 && n !== 8));
      expect(place.leftovers()).toEqual([]);
    },
  );
});

test("what is missing is told all at once, before anything starts", async () => {
  const file = writeManifest(place, [
    { name: "reader", role: "Producer", component: "VideoFileReader", params: { path: "gone.mp4" } },
    { name: "detector", role: "Processor", component: "OnnxFaceDetector", inputs: ["reader"], params: { model: "gone.onnx" } },
    { name: "own", role: "Processor", component: "./gone.mjs#Own", inputs: ["detector"] },
    { name: "unknown", role: "Processor", component: "Identiti", inputs: ["own"] },
    { name: "writer", role: "Consumer", component: "VideoFileWriter", inputs: ["unknown"], params: { path: "flow.yaml/out.mp4" } },
  ]);

  const { code, err } = await place.run(file).ended;

  expect(code).toBe(2);
  for (const text of ["gone.mp4", "gone.onnx", "gone.mjs", "Identiti", "Identity", "flow.yaml/out.mp4"]) expect(err).toContain(text);
  expect(place.leftovers()).toEqual([]);
});

describe("a folder or file that the system refuses", () => {
  const ticks = { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 3, everyMs: 0 } };

  test("as the output of a node fails the flow with the system's word, and the command ends", async () => {
    symlinkSync("circle.jsonl", place.path("circle.jsonl"));
    const file = writeManifest(place, [ticks, { ...lines("source", "circle.jsonl"), restart: { maxRestarts: 0 } }]);

    const { code, err } = await place.run(file).ended;

    expect([code, err]).toEqual([1, expect.stringMatching(/error: .*task .*lines\.0 failed: .*ELOOP/)]);
    expect(place.leftovers()).toEqual([]);
  });

  test("as the state folder is told before anything starts", async () => {
    const file = writeManifest(place, [ticks, lines("source", "seen.jsonl")]);

    const { code, err } = await place.run(file, ["--state-dir", place.path("flow.yaml/state")]).ended;

    expect([code, err]).toEqual([2, expect.stringMatching(/^error: STATE_DIR_UNUSABLE: .*flow\.yaml\/state/)]);
    expect(place.leftovers()).toEqual([]);
  });
});
