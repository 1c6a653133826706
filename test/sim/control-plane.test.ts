import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { execute } from "../support/kube.js";
import { runSeed } from "./endurance.js";
import { Simulation } from "./simulation.js";

/** `SIM_SEED=n npm run sim` replays one seed; SIM_FIRST and SIM_COUNT choose others. */
const only = process.env["SIM_SEED"];
const first = Number(process.env["SIM_FIRST"] ?? 1);
const count = Number(process.env["SIM_COUNT"] ?? 2_000);

test("the control plane is safe under faults (D1 D2 D3 D5 D6 P1 P6 C3 C4) and settles without them (C1 C2)", async () => {
  if (only !== undefined) return runSeed(Number(only));
  const shards = Math.min(count, availableParallelism());
  const program = join(import.meta.dirname, "seeds-program.ts");
  const ends = await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      execute(process.execPath, ["--import", "tsx", program, ...[first + shard, count - shard, shards].map(String)]),
    ),
  );
  for (const { code, stdout, stderr } of ends) expect([code, stdout, stderr]).toEqual([0, "", ""]);
}, 1_200_000);

test("a seed replays exactly", async () => {
  const trace = async () => {
    const sim = await Simulation.start(42);
    for (let tick = 0; tick < 80; tick += 1) {
      await sim.act();
      await sim.tick();
    }
    return sim.log;
  };
  expect(await trace()).toEqual(await trace());
});
