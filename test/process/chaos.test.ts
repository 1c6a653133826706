import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ChaosResult, killAtRandom, median } from "../support/chaos.js";
import { ChaosDaemon } from "../support/chaos-daemon.js";
import { expectedArrivals, fileSink, linesSink, readArrivals, writeChaosFlow } from "../support/chaos-flow.js";
import { daemonPlace } from "../support/daemon.js";
import { eventually, type Workplace, workplace } from "../support/flow-process.js";

const SEED = Number(process.env["CHAOS_SEED"] ?? 1);
const KILLS = Number(process.env["CHAOS_KILLS"] ?? 170);
const DAEMON_KILLS = Number(process.env["CHAOS_DAEMON_KILLS"] ?? 120);
const CONSUMER_KILLS = Number(process.env["CHAOS_CONSUMER_KILLS"] ?? 20);

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

function tell(what: string, { kills, inHand, commits, victims, recoveryMs, messages }: ChaosResult): void {
  const share = Math.round((100 * inHand) / kills);
  const recovery = `median recovery ${Math.round(median(recoveryMs))} ms of ${recoveryMs.length}`;
  process.stdout.write(
    `${what}: seed ${SEED}, ${kills} kills, ${share} % in hand, ${recovery}, ${messages} messages, ${JSON.stringify({ commits, victims })}\n`,
  );
}

function expectClean({ ended, deadLetters, slotsInUse, cellsInUse, ledgerProblems }: ChaosResult): void {
  expect([ended.code, ended.out]).toEqual([0, expect.stringContaining("Succeeded")]);
  expect({ deadLetters, slotsInUse, cellsInUse, ledgerProblems }).toEqual({
    deadLetters: 0,
    slotsInUse: 0,
    cellsInUse: 0,
    ledgerProblems: [],
  });
}

test(`tasks killed ${KILLS} times at random lose, repeat and reorder nothing`, async () => {
  const flow = place.run(writeChaosFlow(place, linesSink(place)));
  const result = await killAtRandom(flow, place, { seed: SEED, kills: KILLS, spared: ["sink"] });
  tell("chaos", result);

  expectClean(result);
  expect(place.leftovers()).toEqual([]);
  expect(readArrivals(place)).toEqual(expectedArrivals(result.messages));
  expect(result.kills).toBeGreaterThanOrEqual(KILLS);
  expect(result.inHand / result.kills).toBeGreaterThanOrEqual(0.8);
}, 600_000);

test(`a file is right although its writer too is among the ${CONSUMER_KILLS} killed`, async () => {
  const flow = place.run(writeChaosFlow(place, fileSink(place)));
  const result = await killAtRandom(flow, place, {
    seed: SEED + 1,
    kills: CONSUMER_KILLS,
    spared: ["source", "work", "pick", "join", "many"],
    among: ["chain", "sink"],
  });
  tell("chaos with consumer", result);

  expectClean(result);
  expect(place.leftovers()).toEqual([]);
  expect(readArrivals(place)).toEqual(expectedArrivals(result.messages));
  expect(result.victims).toEqual({ chain: expect.any(Number), sink: expect.any(Number) });
}, 600_000);

test(`agent and keeper too are among ${DAEMON_KILLS} killed, and nothing is lost, repeated or reordered`, async () => {
  const daemon = daemonPlace(place);
  try {
    await daemon.start();
    await daemon.apply(writeChaosFlow(place, fileSink(place)));
    const result = await killAtRandom(new ChaosDaemon(daemon, SEED), place, {
      seed: SEED + 2,
      kills: DAEMON_KILLS,
      spared: [],
      among: ["agent", "keeper", "sink"],
    });
    tell("chaos with agent and keeper", result);

    expectClean(result);
    expect(readArrivals(place)).toEqual(expectedArrivals(result.messages));
    expect(result.kills).toBeGreaterThanOrEqual(DAEMON_KILLS);
    // Agent and keeper never have a message, and while the agent is away tasks that died stay dead and the others wait.
    expect(result.inHand / result.kills).toBeGreaterThanOrEqual(0.5);
    expect(result.victims).toMatchObject({ agent: expect.any(Number), keeper: expect.any(Number), sink: expect.any(Number) });
    await daemon.end();
    await eventually(
      () => `nothing left over, but ${place.leftovers()}`,
      () => place.leftovers().every((file) => file.startsWith(daemon.stateDir)),
    );
  } finally {
    await daemon.destroy();
  }
}, 600_000);
