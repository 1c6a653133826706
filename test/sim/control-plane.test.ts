import { expect, test } from "@jest/globals";
import { Simulation } from "./simulation.js";

const SAFETY_TICKS = 60;
const LIVENESS_TICKS = 600;
const QUIET_TICKS = 35;

/**
 * Goal: whatever fails, no invariant breaks; once nothing fails, the system settles and then writes nothing.
 * Method: 60 ticks of 2 s with the faults of the seed while the user keeps editing flows and hosts, then faults off, at
 * most 600 ticks to settle, and 35 ticks with two resyncs without a write (C1).
 */
async function run(seed: number): Promise<void> {
  const sim = await Simulation.start(seed);
  try {
    await endure(sim);
    await settle(sim);
  } catch (cause) {
    const tail = sim.log.slice(-40).join("\n");
    throw new Error(`seed ${seed}: ${(cause as Error).message}\nreplay: SIM_SEED=${seed} npm run sim\n${tail}`, { cause });
  }
}

async function endure(sim: Simulation): Promise<void> {
  for (let tick = 0; tick < SAFETY_TICKS; tick += 1) {
    if (sim.prng.chance(0.3)) await sim.act();
    await sim.tick();
  }
}

async function settle(sim: Simulation): Promise<void> {
  await sim.calm();
  let quiet = 0;
  for (let tick = 0; tick < LIVENESS_TICKS && quiet < QUIET_TICKS; tick += 1) {
    const before = sim.writes;
    await sim.tick();
    quiet = sim.writes === before && (await sim.pending()) === undefined ? quiet + 1 : 0;
  }
  const pending = await sim.pending();
  if (pending !== undefined) throw new Error(`did not settle: ${pending}`);
  if (quiet < QUIET_TICKS) throw new Error("C1: it writes although everything is settled");
}

const only = process.env["SIM_SEED"];
const first = Number(process.env["SIM_FIRST"] ?? 1);
const count = Number(process.env["SIM_COUNT"] ?? 200);
/** Always run, whatever the range: each found a defect once. */
const KNOWN = [
  128, // a task was deleted under an invalid spec: the others waited for it for ever
  1371, // a claim that became exclusive got a device that its sibling still shared until the next write
];
const range = Array.from({ length: count }, (_, index) => first + index);
const seeds = only === undefined ? [...new Set([...KNOWN, ...range])] : [Number(only)];

test("the control plane is safe under faults (D1 D2 D3 D5 D6 P1 P6 C3 C4) and settles without them (C1 C2)", async () => {
  for (const seed of seeds) await run(seed);
}, 600_000);

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
