import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Prng } from "../../src/base/prng.js";
import {
  type Decision,
  decide,
  type InputProgress,
  microseconds,
  type Pending,
  place,
  type TimeRules,
  type Waiting,
  without,
} from "../../src/transport/time-groups.js";
import { type Event, type PlayedTimes, playTimes, timePlan } from "../support/time-join.js";
import { aNode, withMemory } from "../support/transport.js";

const TOLERANCE_US = 2;
const RULES: TimeRules = {
  inputs: 3,
  collect: new Set(),
  toleranceUs: TOLERANCE_US,
  timeoutMs: Number.POSITIVE_INFINITY,
  quorum: 1,
  missing: "drop",
  sources: ["a", "b", "c"],
  waitsForLists: true,
};

const times = fc.array(fc.nat(12), { maxLength: 6 }).map((list) => list.toSorted((a, b) => a - b));
const turns = fc.array(fc.nat(2), { maxLength: 40 });

/** Lets each input speak when it is its turn, and at the end whoever has something left; decides after each message. */
function groupsOf(streams: readonly (readonly number[])[], order: readonly number[]): Decision<Pending>[] {
  const places = streams.map(() => 0);
  const progress = (): InputProgress[] =>
    streams.map((stream, i) => {
      const next = places[i] as number;
      return { latestUs: stream[next - 1] ?? Number.NEGATIVE_INFINITY, next, ended: next === stream.length, full: false, sinceMs: 0 };
    });
  let waiting: Waiting<Pending> = { groups: [], lists: [] };
  const decisions: Decision<Pending>[] = [];
  for (const input of [...order, ...streams.flatMap((stream, i) => stream.map(() => i))]) {
    const position = places[input] as number;
    const timeUs = streams[input]?.[position];
    if (timeUs === undefined) continue;
    places[input] = position + 1;
    waiting = place(waiting, { input, position, timeUs, seenMs: 0 }, RULES);
    for (let found = decide(waiting, progress(), RULES, 0); found.kind === "emit"; found = decide(waiting, progress(), RULES, 0)) {
      decisions.push(found);
      waiting = without(waiting, new Set(found.group.members.filter((member) => member !== undefined)));
    }
  }
  expect(waiting.groups).toEqual([]);
  return decisions;
}

/** The same in the words of the protocol, without any haste: all messages in the order of their arrival, groups by time. */
function naiveGroups(streams: readonly (readonly number[])[], order: readonly number[]): string[] {
  const left = streams.map((stream) => [...stream]);
  const groups: number[][] = [];
  for (const input of [...order, ...streams.flatMap((stream, i) => stream.map(() => i))]) {
    const time = left[input]?.shift();
    if (time === undefined) continue;
    const distance = (group: number[]) => Math.abs(Math.min(...group.filter((t) => t >= 0)) - time);
    const [nearest] = groups
      .filter((group) => group[input] === -1 && distance(group) <= TOLERANCE_US)
      .toSorted((a, b) => distance(a) - distance(b) || startOf(a) - startOf(b));
    const group = nearest ?? [-1, -1, -1];
    group[input] = time;
    groups.push(...(nearest === undefined ? [group] : []));
  }
  return groups.map((group) => group.join()).toSorted();
}

function startOf(group: readonly number[]): number {
  return Math.min(...group.filter((time) => time >= 0));
}

test("whatever the order of arrival, the groups are those of the protocol, oldest first, each message in one of them", () => {
  fc.assert(
    fc.property(fc.tuple(times, times, times), turns, (streams, order) => {
      const emitted = groupsOf(streams, order).flatMap((decision) => ("group" in decision ? [decision.group] : []));
      const starts = emitted.map(({ timeUs }) => timeUs);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      expect(emitted.map(({ members }) => members.map((member) => member?.timeUs ?? -1).join()).toSorted()).toEqual(
        naiveGroups(streams, order),
      );
    }),
    { numRuns: 300 },
  );
});

test("a group is numbered by its microseconds, halves to the even neighbour", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (whole) => {
      expect(microseconds(whole / 1e6)).toBe(whole);
    }),
  );
  expect([0.5, 1.5, 2.5, 3.5].map((half) => microseconds(half / 1e6))).toEqual([0, 2, 2, 4]);
});

/** Steps at which a task of the flow can die. */
const STEPS = [
  "acknowledged",
  "applied",
  "attempt",
  "bits set",
  "bits taken back",
  "cell filled",
  "committed",
  "half taken",
  "offered again",
  "prepared",
  "published",
  "recovered",
  "redo written",
  "rung",
  "slot freed",
  "slots freed",
  "totals copied",
  "written",
];

interface Moments {
  readonly events: ReadonlyMap<string, readonly Event[]>;
  /** What must arrive, with `quorum` inputs of a and b at least. */
  expected(quorum: number): string[];
}

/** Moments far apart; at each of them some of the inputs have something to say, shaken by less than the tolerance. */
function randomMoments(prng: Prng): Moments {
  const moments = Array.from({ length: prng.range(0, 30) }, (_, n) => ({
    n,
    a: prng.chance(0.7),
    b: prng.chance(0.7),
    c: prng.range(0, 2),
    shaken: () => 1000 + n * 0.1 + prng.range(-5, 5) / 1000,
  }));
  const none: Event = ["", undefined];
  const single = (name: "a" | "b") =>
    moments.flatMap((moment): Event[] => (moment[name] ? [[`${name}${moment.n}`, moment.shaken()]] : prng.chance(0.3) ? [none] : []));
  const many = moments.flatMap(({ n, c, shaken }) => {
    const list = Array.from({ length: c }, shaken).toSorted((x, y) => x - y);
    return list.map((eventTs, k): Event => [`c${n}.${k}`, eventTs]);
  });
  const expected = (quorum: number) =>
    moments
      .filter(({ a, b }) => Number(a) + Number(b) >= quorum)
      .map(({ n, a, b, c }, position) => {
        const list = Array.from({ length: c }, (_, k) => `c${n}.${k}`).join(",");
        const group = `${a ? `a${n}` : "-"}+${b ? `b${n}` : "-"}+[${list}]`;
        return `${position} ${group}+${group}`;
      });
  return {
    events: new Map([
      ["a", single("a")],
      ["b", single("b")],
      ["c", many],
    ]),
    expected,
  };
}

/** Behind the join a branch leaves and comes back: traces and times in one graph. */
async function playSeed(seed: number, deaths: number): Promise<PlayedTimes> {
  const prng = new Prng(seed);
  const quorum = prng.range(1, 2);
  const moments = randomMoments(prng);
  const more = [aNode("side", ["join"]), aNode("both", ["join", "side"], { join: "Trace" })];
  const plan = timePlan(
    ["a", "b", "c"],
    { collect: ["c"], quorum, missing: prng.pick(["drop", "wait"]) },
    { cells: 2 ** prng.range(3, 5), more },
  );
  const played = await withMemory(plan, (dir) => playTimes(dir, plan, moments.events, prng, deaths));
  expect([seed, played.received]).toEqual([seed, moments.expected(quorum)]);
  expect([seed, played.slotsInUse, played.inFlight]).toEqual([seed, 0, 0]);
  return played;
}

test("all groups arrive once and in order with what belongs to them, and every slot and cell is free at the end", async () => {
  for (let seed = 1; seed <= 40; seed += 1) await playSeed(seed, 0);
});

test("deaths at any step lose, repeat and change nothing", async () => {
  const labels = new Set<string>();
  for (let seed = 1001; seed <= 1050; seed += 1) for (const label of (await playSeed(seed, 0.05)).labels) labels.add(label);
  expect(STEPS.filter((label) => !labels.has(label))).toEqual([]);
});
