/** One flow killed at random and checked, outside of a test runner: what `npm run soak` repeats. */
import { isDeepStrictEqual } from "node:util";
import { type ChaosResult, killAtRandom } from "./chaos.js";
import { expectedArrivals, fileSink, linesSink, readArrivals, writeChaosFlow } from "./chaos-flow.js";
import { type Workplace, workplace } from "./flow-process.js";

const TOLD_BYTES = 20_000;

let current: Workplace | undefined;

/** Ends the flow under way and removes what is its. */
export async function abandonSoak(): Promise<void> {
  await current?.remove();
}

/**
 * @param killsConsumer the consumer too is killed, so it is one that cuts what it would repeat.
 * @returns problems: empty if everything arrived once, in order, and nothing is left.
 */
export async function soakRun(seed: number, kills: number, killsConsumer: boolean): Promise<{ result: ChaosResult; problems: string[] }> {
  const place = workplace();
  current = place;
  try {
    const sink = killsConsumer ? fileSink(place) : linesSink(place);
    const flow = place.run(writeChaosFlow(place, sink));
    const result = await killAtRandom(flow, place, { seed, kills, spared: killsConsumer ? [] : ["sink"] });
    return { result, problems: problemsOf(place, result) };
  } finally {
    await place.remove();
  }
}

function problemsOf(place: Workplace, { ended, messages, slotsInUse, cellsInUse, ledgerProblems }: ChaosResult): string[] {
  const checks: readonly (readonly [boolean, string])[] = [
    [ended.code === 0, `exit code ${ended.code}: ${ended.err.slice(-TOLD_BYTES)}`],
    [!ended.out.includes("DeadLetters"), `dead letters: ${ended.out.slice(-TOLD_BYTES)}`],
    [slotsInUse === 0, `${slotsInUse} slots are not free`],
    [cellsInUse === 0, `${cellsInUse} cells are not free`],
    [ledgerProblems.length === 0, ledgerProblems.join("; ")],
    [place.leftovers().length === 0, `left over: ${place.leftovers().join(", ")}`],
    [isDeepStrictEqual(readArrivals(place), expectedArrivals(messages)), firstDifference(place, messages)],
  ];
  return checks.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}

function firstDifference(place: Workplace, messages: number): string {
  const [seen, expected] = [readArrivals(place), expectedArrivals(messages)];
  const at = expected.findIndex((arrival, i) => !isDeepStrictEqual(arrival, seen[i]));
  const index = at < 0 ? expected.length : at;
  const [found, meant] = [seen, expected].map((arrivals) => JSON.stringify(arrivals.slice(Math.max(0, index - 1), index + 3)));
  return `${seen.length} of ${expected.length} arrivals; from number ${index - 1} on: ${found} instead of ${meant}`;
}
