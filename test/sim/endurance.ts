/** One seed from beginning to end: whatever fails, no invariant breaks; once nothing fails, the system settles and then writes nothing. */
import { Simulation } from "./simulation.js";

const SAFETY_TICKS = 60;
const LIVENESS_TICKS = 600;
const QUIET_TICKS = 35;
/** Every so many seeds, what runs in the end gets other channels once more, and nothing but the channels can go wrong. */
const REWIRED_SEEDS = 4;
const REWIRED_QUIET_TICKS = 5;

/**
 * 60 ticks of 2 s with the faults of the seed while the user keeps editing flows and hosts, then faults off, at most 600 ticks
 * to settle, and 35 ticks with two resyncs without a write (C1). Some seeds then change the channels of what still runs.
 *
 * @throws Error with the seed, how to replay it, and what happened last.
 */
export async function runSeed(seed: number): Promise<void> {
  const sim = await Simulation.start(seed);
  try {
    await endure(sim);
    await sim.calm();
    await settle(sim, QUIET_TICKS);
    if (seed % REWIRED_SEEDS !== 0) return;
    await sim.rewire();
    await settle(sim, REWIRED_QUIET_TICKS);
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

async function settle(sim: Simulation, quietTicks: number): Promise<void> {
  let quiet = 0;
  for (let tick = 0; tick < LIVENESS_TICKS && quiet < quietTicks; tick += 1) {
    const before = sim.writes;
    await sim.tick();
    quiet = sim.writes === before && (await sim.pending()) === undefined ? quiet + 1 : 0;
  }
  const pending = await sim.pending();
  if (pending !== undefined) throw new Error(`did not settle: ${pending}`);
  if (quiet < quietTicks) throw new Error("C1: it writes although everything is settled");
}
