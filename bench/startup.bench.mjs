// From the start of `videoflow run` to the first message at the consumer of a 4-node flow, against bare `node -e 0`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareNodeMs, CLI, median, monotonicMs, ROOT, rounded, runCommand, withFolder } from "./measure.mjs";

export async function run({ runs, log }) {
  const bare = await bareNodeMs(Math.max(5, runs));
  const times = [];
  for (let i = 0; i < runs; i += 1) {
    times.push(await withFolder(firstMessageMs));
    log(`run ${i + 1}: ${times[i].toFixed(0)} ms, bare node ${bare.toFixed(0)} ms`);
  }
  const first = median(times);
  return { firstMessageMs: rounded(first, 1), bareNodeMs: rounded(bare, 1), ratio: rounded(first / bare) };
}

async function firstMessageMs(folder) {
  const stamp = join(folder, "first");
  const file = join(folder, "flow.yaml");
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "videoflow.io/v1alpha1",
      kind: "VideoFlow",
      metadata: { name: "startup" },
      spec: {
        nodes: [
          { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
          { name: "first", role: "Processor", component: "Identity", inputs: ["numbers"] },
          { name: "second", role: "Processor", component: "Identity", inputs: ["first"] },
          {
            name: "sink",
            role: "Consumer",
            component: `${ROOT}bench/first-message.mjs#FirstMessage`,
            inputs: ["second"],
            params: { stamp },
          },
        ],
      },
    }),
  );
  const start = monotonicMs();
  await runCommand(process.execPath, [CLI, "run", file, "--quiet"]);
  return Number(readFileSync(stamp, "utf8")) - start;
}
