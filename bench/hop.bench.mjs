// What one more node costs: chains of 1, 2, 4 and 8 identity processors at 50 messages/s of 100 bytes, against a bare Unix socket at the same pace.
import { join } from "node:path";
import { socketUs } from "./bare.mjs";
import { consumer, processor, producer, readJson, runFlow } from "./flows.mjs";
import { median, quantile, rounded, withFolder } from "./measure.mjs";

const PER_SECOND = 50;
/** Part of the paced messages that is not counted: after the burst the tasks have to fall asleep first. */
const SETTLING = 0.25;

export async function run({ smoke, runs, log }) {
  const depths = smoke ? [1, 2] : [1, 2, 4, 8];
  const count = smoke ? 8 : 200;
  const warm = smoke ? 10 : 10_000; // Like a stream that has run for minutes: compiled, not interpreted.
  const seen = { hop: [], p99: [], raw: [] };
  for (let i = 0; i < runs; i += 1) {
    seen.raw.push(median(settled(await socketUs(warm, count, PER_SECOND))));
    const chains = [];
    for (const depth of depths) chains.push({ depth, us: await withFolder((folder) => latenciesUs(folder, depth, warm, count)) });
    seen.hop.push(slope(chains.map(({ depth, us }) => [depth, median(us)])));
    const { depth, us } = chains.at(-1);
    seen.p99.push(quantile(us, 0.99) / (depth + 1));
    log(
      `${rounded(seen.hop[i])} µs a hop, socket ${rounded(seen.raw[i])} µs; medians ${chains.map((chain) => rounded(median(chain.us))).join(", ")}`,
    );
  }
  const [hopUs, hopUsP99, rawUs] = Object.values(seen).map(median);
  return { hopUs: rounded(hopUs), hopUsP99: rounded(hopUsP99), rawUs: rounded(rawUs), ratio: rounded(hopUs / rawUs) };
}

async function latenciesUs(folder, depth, warm, count) {
  const out = join(folder, "seen");
  const chain = Array.from({ length: depth }, (_, i) => processor(`same-${i + 1}`, "Same", [i === 0 ? "source" : `same-${i}`]));
  const source = producer("source", "Paced", { count: warm + count, warm, perSecond: PER_SECOND });
  await runFlow(folder, [source, ...chain, consumer("sink", "Sink", [`same-${depth}`], { out })]);
  const { latenciesMs } = readJson(out);
  if (latenciesMs.length !== warm + count) throw new Error(`${latenciesMs.length} of ${warm + count} messages delivered`);
  return settled(latenciesMs.slice(warm)).map((ms) => ms * 1000);
}

function settled(values) {
  return values.slice(Math.floor(values.length * SETTLING));
}

/** Least squares. @param points [x, y] */
function slope(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([px]) => px)), mean(points.map(([, py]) => py))];
  const above = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return above / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}
