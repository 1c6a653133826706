// 1080p frames to a Python node that returns their mean, against the same loop over a private array in one Python process.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { checkCounted, consumer, processor, rateOf, readJson, runFlow } from "./flows.mjs";
import { FRAME, frameProducer } from "./frames.bench.mjs";
import { median, ROOT, rounded, runCommand, withFolder } from "./measure.mjs";

const NODES = join(ROOT, "bench/python_nodes.py");
const PYTHON = process.env.VIDEOFLOW_PYTHON ?? "python3";

export async function run({ smoke, runs, log }) {
  const count = smoke ? 10 : 300;
  const seen = { flow: [], alone: [] };
  for (let i = 0; i < runs; i += 1) {
    seen.alone.push(Number(await runCommand(PYTHON, [NODES, FRAME.height, FRAME.width, count].map(String))));
    seen.flow.push(await withFolder((folder) => flowFps(folder, count)));
    log(`flow ${rounded(seen.flow[i])}, Python alone ${rounded(seen.alone[i])} frames/s`);
  }
  const [fps, pythonAloneFps] = [median(seen.flow), median(seen.alone)];
  return { fps: rounded(fps), pythonAloneFps: rounded(pythonAloneFps), ratio: rounded(fps / pythonAloneFps) };
}

async function flowFps(folder, count) {
  const out = join(folder, "seen");
  copyFileSync(NODES, join(folder, "python_nodes.py"));
  await runFlow(folder, [
    frameProducer(count),
    processor("mean", "=python:python_nodes:Mean", ["frames"]),
    consumer("sink", "Means", ["mean"], { out, count }),
  ]);
  const seen = readJson(out);
  checkCounted(seen, count);
  return rateOf(seen);
}
