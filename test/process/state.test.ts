import { readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Frame, Tensor } from "../../src/base/tensor.js";
import type { Detections } from "../../src/components/payloads.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { BoundingBoxTracker } from "../../src/components/vision/bounding-box-tracker.js";
import type { Message } from "../../src/flow/node.js";
import { clearRetire, readPlan, requestRetire } from "../../src/transport/memory.js";
import { eventually, type FlowProcess, liveTasks, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { readAll } from "../support/video-context.js";

const OWN = resolve("test/fixtures/components/state-nodes.mjs");
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const TIMEOUT_MS = 180_000;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

/** Numbers 0 to count - 1 -> the nodes, one after the other -> a file of JSON lines. */
function flowOf(count: number, nodes: readonly object[], fps = 120): FlowProcess {
  const chain = nodes.map((node, i) => ({ name: `n${i}`, role: "Processor", inputs: [i === 0 ? "numbers" : `n${i - 1}`], ...node }));
  const ends = [
    { name: "sink", role: "Consumer", component: "FileAppender", inputs: [`n${nodes.length - 1}`], params: { path: place.path("out") } },
  ];
  const producer = { name: "numbers", role: "Producer", component: "IntProducer", params: { end: count, fps } };
  return place.run(writeManifest(place, [producer, ...chain, ...ends]));
}

const payloads = () => place.lines("out").map((line) => (JSON.parse(line) as { payload: unknown }).payload);

/** Kills the task of a node with SIGKILL once `look` says so. */
async function kill(flow: FlowProcess, node: string, look: () => boolean): Promise<void> {
  await eventually(() => `the moment to kill ${node}: ${flow.output}`, look, 60_000);
  const pid = await eventually(`a task ${node}`, () => liveTasks(place.flow).find((task) => task.node === node)?.pid);
  process.kill(pid, "SIGKILL");
  await eventually(`the end of ${pid}`, () => !liveTasks(place.flow).some((task) => task.pid === pid));
}

/** Kills the nodes in turn, each after so many more lines. */
async function killInTurn(flow: FlowProcess, nodes: readonly string[], everyLines: number): Promise<void> {
  for (const [i, node] of nodes.entries()) await kill(flow, node, () => place.lines("out").length >= (i + 1) * everyLines);
}

/** The shared memory of the flow that runs. */
function memoryDir(): string {
  const planFile = readdirSync(place.shm, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("plan.json"));
  return dirname(resolve(place.shm, planFile ?? ""));
}

/** Asks the task of a node to make way once `look` says so, and lets its next process work. */
async function retire(flow: FlowProcess, node: string, look: () => boolean): Promise<void> {
  await eventually(() => `the moment to retire ${node}: ${flow.output}`, look, 60_000);
  const task = await eventually(`a task ${node}`, () => liveTasks(place.flow).find((live) => live.node === node));
  const dir = memoryDir();
  const plan = readPlan(dir);
  requestRetire(dir, plan, node, 0);
  await eventually(`the end of ${task.pid}`, () => !liveTasks(place.flow).some(({ pid }) => pid === task.pid));
  clearRetire(dir, plan, node, 0);
}

const sums = (count: number) => numbers(count).map((n) => (n * (n + 1)) / 2);

test(
  "a sum, the file behind it and the producer before it go on exactly where they were, whoever is killed",
  async () => {
    const flow = flowOf(600, [{ component: "SumAggregator" }]);
    await killInTurn(flow, ["n0", "sink", "numbers", "n0", "sink"], 90);
    const { code } = await flow.ended;

    expect(code).toBe(0);
    expect(payloads()).toEqual(sums(600));
    expect(place.leftovers()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a producer, a sum, a fused group and a file that make way for their next processes lose and repeat nothing",
  async () => {
    const group = { taskGroup: "g" };
    const flow = flowOf(600, [
      { component: "SumAggregator" },
      { component: "MaxAggregator", ...group },
      { component: "Identity", ...group },
    ]);
    for (const [i, node] of ["n0", "numbers", "g", "sink"].entries()) {
      await retire(flow, node, () => place.lines("out").length >= (i + 1) * 90);
    }
    const { code } = await flow.ended;

    expect(code).toBe(0);
    expect(payloads()).toEqual(sums(600));
    expect(place.leftovers()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a tracker that is killed keeps the ids of its tracks",
  async () => {
    const flow = flowOf(400, [{ component: `${OWN}#Boxes` }, { component: "BoundingBoxTracker" }]);
    await killInTurn(flow, ["n1", "n1", "n1"], 90);
    const { code } = await flow.ended;
    const { Boxes } = (await import(OWN)) as { Boxes: new () => { process(n: number): Detections } };
    const [source, tracker] = [new Boxes(), new BoundingBoxTracker()];

    expect(code).toBe(0);
    const ids = (tracks: readonly (readonly number[])[]) => tracks.map((row) => row[4]);
    const expected = numbers(400).map((n) => {
      const { boxes, classNames } = source.process(n); // A tensor of the package, not of its source.
      const { tracks } = tracker.process({ boxes: Tensor.from("float32", boxes.shape, [...boxes.data]), classNames });
      return numbers(tracks.shape[0] ?? 0).map((row) => tracks.data[row * 5 + 4]);
    });
    expect((payloads() as { tracks: number[][] }[]).map(({ tracks }) => ids(tracks))).toEqual(expected);
  },
  TIMEOUT_MS,
);

test(
  "the members of a fused group and a node with several attempts keep what was committed, and no more",
  async () => {
    const group = { taskGroup: "g" };
    const flow = flowOf(400, [
      { component: "SumAggregator", ...group },
      { component: "MaxAggregator", ...group },
      { component: `${OWN}#ClumsySum` },
    ]);
    await killInTurn(flow, ["g", "n2", "g"], 90);
    const { code } = await flow.ended;
    let sum = 0;
    const expected = sums(400).map((value) => {
      sum += value;
      return sum;
    });

    expect(code).toBe(0);
    expect(payloads()).toEqual(expected);
  },
  TIMEOUT_MS,
);

test(
  "a node without a snapshot begins empty after a death, and the flow says so",
  async () => {
    const flow = flowOf(300, [{ component: `${OWN}#ForgetfulSum` }]);
    await killInTurn(flow, ["n0"], 90);
    const { code, out, err } = await flow.ended;

    expect(code).toBe(0);
    expect(out + err).toContain(`degraded (StateLost): task ${place.flow}.n0.0 lost its state: "n0" began empty after a restart`);
    expect(payloads()).not.toEqual(sums(300));
    expect(payloads()).toHaveLength(300);
  },
  TIMEOUT_MS,
);

/** The number that a frame of NumberedFrames shows. */
function numberIn(frame: Frame): number {
  return numbers(12).reduce((value, bit) => value * 2 + ((frame.data[(16 * 192 + bit * 16 + 8) * 3] as number) > 128 ? 1 : 0), 0);
}

test.each(["mp4", "mkv"])(
  "a writer of %s that is killed writes every frame once, in order",
  async (ending) => {
    const path = place.path(`out.${ending}`);
    const flow = place.run(
      writeManifest(place, [
        { name: "frames", role: "Producer", component: `${OWN}#NumberedFrames`, params: { count: 400 } },
        { name: "writer", role: "Consumer", component: "VideoFileWriter", inputs: ["frames"], params: { path } },
      ]),
    );
    const size = () => statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0;
    for (const sizeBytes of [1, 3_000, 6_000]) await kill(flow, "writer", () => size() >= sizeBytes);
    const { code, err } = await flow.ended;
    const frames = (await readAll(new VideoFileReader({ path }))) as Message<Frame>[];

    expect([code, err]).toEqual([0, expect.stringContaining("restart 3, after SIGKILL")]);
    expect(frames.map(({ payload }) => numberIn(payload))).toEqual(numbers(400));
    expect(readdirSync(place.dir).filter((name) => name.startsWith("out"))).toEqual([`out.${ending}`]);
    expect(place.leftovers()).toEqual([]);
  },
  TIMEOUT_MS,
);
