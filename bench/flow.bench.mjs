// reader -> YOLOX -> tracker -> writer as processes with 1 and 2 detector tasks, against the same nodes called in a loop in one process.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI, median, ROOT, rounded, runCommand, withFolder } from "./measure.mjs";

const ASSETS = process.env.VIDEOFLOW_ASSETS ?? join(ROOT, "../shared/assets");
const MODEL = join(ASSETS, "models/yolox_nano.onnx");
const CLIP = join(ASSETS, "clips/one-by-one-person-detection.mp4");

export async function run({ smoke, runs, log }) {
  if (!existsSync(MODEL)) throw new Error(`${MODEL} is not there: set VIDEOFLOW_ASSETS to the folder of clips and models`);
  const frames = smoke ? 20 : 300;
  const figures = { single: [], one: [], two: [] };
  for (let i = 0; i < runs; i += 1) {
    figures.single.push(await withFolder((folder) => singleProcess(folder, frames)));
    figures.one.push(await withFolder((folder) => flow(folder, frames, 1)));
    figures.two.push(await withFolder((folder) => flow(folder, frames, 2)));
    log(
      Object.entries(figures)
        .map(([name, values]) => `${name} ${values.at(-1).toFixed(1)} frames/s`)
        .join(", "),
    );
  }
  const [singleProcessFps, fps, fpsTwoTasks] = [figures.single, figures.one, figures.two].map(median);
  return {
    fps: rounded(fps),
    singleProcessFps: rounded(singleProcessFps),
    ratio: rounded(fps / singleProcessFps),
    fpsTwoTasks: rounded(fpsTwoTasks),
    ratioTwoTasks: rounded(fpsTwoTasks / singleProcessFps),
    frames,
  };
}

async function flow(folder, maxFrames, nbTasks) {
  const stamp = join(folder, "stamp");
  const file = join(folder, "flow.yaml");
  const node = (name, role, component, params, more = {}) => ({ name, role, component, params, ...more });
  const nodes = [
    node("reader", "Producer", "VideoFileReader", { path: CLIP, maxFrames }),
    node("detector", "Processor", "OnnxObjectDetector", { model: MODEL, threads: 1 }, { inputs: ["reader"], nbTasks }),
    node("tracker", "Processor", "BoundingBoxTracker", {}, { inputs: ["detector"], oneTask: true }),
    // The writer holds frames back until they are safe; a spec does not say so of a user's own class.
    node("annotator", "Processor", "TrackerAnnotator", {}, { inputs: ["reader", "tracker"], buffer: { messages: 32 } }),
    node(
      "writer",
      "Consumer",
      `${ROOT}bench/timed-writer.mjs#TimedWriter`,
      { path: join(folder, "out.mp4"), stamp },
      { inputs: ["annotator"] },
    ),
  ];
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "bench" }, spec: { nodes } }),
  );
  await runCommand(process.execPath, [CLI, "run", file, "--quiet"]);
  return framesPerSecond(stamp);
}

async function singleProcess(folder, maxFrames) {
  const stamp = join(folder, "stamp");
  const params = { clip: CLIP, model: MODEL, maxFrames, path: join(folder, "out.mp4"), stamp };
  await runCommand(process.execPath, [join(ROOT, "bench/single-process.mjs"), JSON.stringify(params)]);
  return framesPerSecond(stamp);
}

/** From the first frame at the writer to the last: starting and ending are not part of it. */
function framesPerSecond(stamp) {
  const { frames, firstMs, lastMs } = JSON.parse(readFileSync(stamp, "utf8"));
  return ((frames - 1) / (lastMs - firstMs)) * 1000;
}
