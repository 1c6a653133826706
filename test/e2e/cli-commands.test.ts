import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { gpus, gpuUuid, NODES, videoflow, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const numbers = { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 5 } };
const wish = { name: "wish", role: "Processor", component: `${NODES}#Wisher`, inputs: ["numbers"], nbTasks: 3, deviceType: "GPU" };
const sink = { name: "sink", role: "Consumer", component: "FileAppender", inputs: ["numbers"], params: { path: "out.jsonl" } };

describe("the command line as its users call it", () => {
  test("runs a flow, prints its last line as a result, and names the output by its absolute path", async () => {
    const { code, out } = await videoflow(["run", writeManifest(place, [numbers, sink]), "--json"]);
    const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(code).toBe(0);
    expect(result).toMatchObject({ type: "result", state: "Succeeded", outputs: [resolve(place.dir, "out.jsonl")] });
  });

  test("prints what the tasks print, to its last line; alone with --quiet, and not again what an earlier run has left", async () => {
    const print = { name: "print", role: "Consumer", component: "CommandlineConsumer", inputs: ["numbers"] };
    const file = writeManifest(place, [numbers, print]);
    const loud = await videoflow(["run", file, "--state-dir", place.path("state")]);
    const quiet = await videoflow(["run", file, "--quiet", "--state-dir", place.path("state")]);
    const lines = ["0", "1", "2", "3", "4"];
    expect(loud.out.split("\n").filter((line) => line.startsWith("["))).toEqual(lines.map((line) => `[print.0] ${line}`));
    expect([quiet.out, quiet.err]).toEqual([lines.map((line) => `${line}\n`).join(""), ""]);
  });

  test("explains which of three wishes gets one of two GPUs, and starts nothing", async () => {
    const file = writeManifest(place, [numbers, wish, { ...sink, inputs: ["wish"] }]);
    const { code, out } = await videoflow(["explain", file, "--json", ...gpus(place, 2)]);
    const { decisions } = JSON.parse(out) as { decisions: { task: string; devices: string[]; message: string }[] };
    const wishes = decisions.filter(({ task }) => task.includes(".wish."));
    expect(code).toBe(0);
    expect(wishes.map(({ devices }) => devices)).toEqual([[gpuUuid(0)], [gpuUuid(1)], []]);
    expect(wishes[2]?.message).toMatch(/needs 3 GPUs.*1 on CPU/);
  });

  test("refuses a flow that needs a GPU with exit code 3", async () => {
    const need = { ...wish, nbTasks: 1, device: { required: true } };
    const file = writeManifest(place, [numbers, need, { ...sink, inputs: ["wish"] }]);
    const { code, out } = await videoflow(["explain", file, ...gpus(place, 0)]);
    expect([code, out]).toEqual([3, expect.stringContaining("refused: node wish needs 1 GPU")]);
  });

  test("finds a missing module and a missing model before anything starts", async () => {
    const detector = { name: "d", role: "Processor", component: "OnnxObjectDetector", inputs: ["numbers"], params: { model: "gone.onnx" } };
    const own = { name: "own", role: "Consumer", component: "./gone.ts#Own", inputs: ["d"] };
    const { code, err } = await videoflow(["run", writeManifest(place, [numbers, detector, own])]);
    expect(code).toBe(2);
    expect(err).toMatch(/spec\.nodes\[1\]\.params\.model: there is no file/);
    expect(err).toMatch(/spec\.nodes\[2\]\.component: there is no file/);
  });

  test("shows no credentials, neither in explain nor in an error", async () => {
    const stream = { name: "s", role: "Producer", component: "VideostreamReader", params: { url: "rtsp://user:hunter2@example.org/live" } };
    const broken = { ...stream, params: { ...stream.params, onEnd: "rtsp://user:hunter2@example.org/live" } };
    const good = await videoflow(["explain", writeManifest(place, [stream, { ...sink, inputs: ["s"] }])]);
    const bad = await videoflow(["validate", writeManifest(place, [broken, { ...sink, inputs: ["s"] }])]);
    expect([good.code, bad.code]).toEqual([0, 2]);
    expect(good.out + good.err + bad.out + bad.err).not.toContain("hunter2");
  });

  test("doctor finds what this machine needs to pass these tests", async () => {
    const { code, out } = await videoflow(["doctor", "--json"]);
    const findings = JSON.parse(out) as { check: string; level: string }[];
    expect([code, findings.filter(({ level }) => level === "fail")]).toEqual([0, []]);
    expect(findings.map(({ check }) => check)).toEqual(["node", "shared memory", "ffmpeg", "inference", "gpus", "supervision", "setpriv"]);
  });
});
