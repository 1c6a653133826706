/** One flow killed at random and checked, outside of a test runner: what `npm run soak` repeats. */
import { isDeepStrictEqual } from "node:util";
import { type ChaosResult, killAtRandom } from "./chaos.js";
import { ChaosDaemon } from "./chaos-daemon.js";
import { expectedArrivals, fileSink, linesSink, readArrivals, writeChaosFlow } from "./chaos-flow.js";
import { type DaemonPlace, daemonPlace } from "./daemon.js";
import { eventually, type Workplace, workplace } from "./flow-process.js";

const TOLD_BYTES = 20_000;

/** Who is killed: tasks but the consumer, which then may have lines; the consumer too; agent and keeper too. */
export const SCENES = ["tasks", "consumer", "daemon"] as const;
export type Scene = (typeof SCENES)[number];

let current: { readonly place: Workplace; readonly daemon: DaemonPlace | undefined } | undefined;

/** Ends the flow under way and removes what is its. */
export async function abandonSoak(): Promise<void> {
  await current?.daemon?.destroy();
  await current?.place.remove();
}

/** @returns problems: empty if everything arrived once, in order, and nothing is left. */
export async function soakRun(seed: number, kills: number, scene: Scene): Promise<{ result: ChaosResult; problems: string[] }> {
  const place = workplace();
  const daemon = scene === "daemon" ? daemonPlace(place) : undefined;
  current = { place, daemon };
  try {
    const flow = writeChaosFlow(place, scene === "tasks" ? linesSink(place) : fileSink(place));
    const target = daemon === undefined ? place.run(flow) : await startDaemon(daemon, flow, seed);
    const result = await killAtRandom(target, place, { seed, kills, spared: scene === "tasks" ? ["sink"] : [] });
    await daemon?.end();
    return { result, problems: problemsOf(place, result, await leftovers(place, daemon)) };
  } finally {
    await abandonSoak();
    current = undefined;
  }
}

async function startDaemon(daemon: DaemonPlace, flow: string, seed: number): Promise<ChaosDaemon> {
  await daemon.start();
  await daemon.apply(flow);
  return new ChaosDaemon(daemon, seed);
}

/** An agent's keeper ends a moment after it; the state folder stays. */
async function leftovers(place: Workplace, daemon: DaemonPlace | undefined): Promise<string[]> {
  const left = () => place.leftovers().filter((file) => daemon === undefined || !file.startsWith(daemon.stateDir));
  if (daemon !== undefined) await eventually("its keeper to end", () => left().length === 0, 5_000).catch(() => {}); // What is left is told.
  return left();
}

function problemsOf(place: Workplace, result: ChaosResult, left: readonly string[]): string[] {
  const { ended, messages, slotsInUse, cellsInUse, deadLetters, ledgerProblems } = result;
  const checks: readonly (readonly [boolean, string])[] = [
    [ended.code === 0, `exit code ${ended.code}: ${ended.err.slice(-TOLD_BYTES)}`],
    [deadLetters === 0, `${deadLetters} dead letters: ${ended.out.slice(-TOLD_BYTES)}`],
    [slotsInUse === 0, `${slotsInUse} slots are not free`],
    [cellsInUse === 0, `${cellsInUse} cells are not free`],
    [ledgerProblems.length === 0, ledgerProblems.join("; ")],
    [left.length === 0, `left over: ${left.join(", ")}`],
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
