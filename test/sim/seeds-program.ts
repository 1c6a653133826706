/** Runs the seeds of its arguments `FIRST COUNT STEP`, in a process of its own; ends with 1 and what happened at the first that fails. */
import { runSeed } from "./endurance.js";

const [first = 1, count = 1, step = 1] = process.argv.slice(2).map(Number);
try {
  for (let seed = first; seed < first + count; seed += step) await runSeed(seed);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
