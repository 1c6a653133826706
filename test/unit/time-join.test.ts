import { describe, expect, test } from "@jest/globals";
import { Prng } from "../../src/base/prng.js";
import { recoverTask } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { TaskPort, Unit } from "../../src/transport/port.js";
import {
  type Decision,
  decide,
  type InputProgress,
  type Pending,
  place,
  type TimeRules,
  type Waiting,
} from "../../src/transport/time-groups.js";
import { contentOf, type Event, playTimes, timePlan } from "../support/time-join.js";
import { withMemory } from "../support/transport.js";

const RULES: TimeRules = {
  inputs: 2,
  collect: new Set(),
  toleranceUs: 10,
  timeoutMs: 100,
  quorum: 2,
  missing: "drop",
  sources: ["a", "b"],
  waitsForLists: true,
};
const LIST: Partial<TimeRules> = { collect: new Set([1]), quorum: 1 };
const SILENT: InputProgress = { latestUs: Number.NEGATIVE_INFINITY, next: 0, ended: false, full: false, sinceMs: 0 };

/** [input, time, seen at]. */
type Arrival = readonly [input: number, timeUs: number, seenMs?: number];

function decided(
  arrivals: readonly Arrival[],
  rules: Partial<TimeRules> = {},
  inputs: readonly Partial<InputProgress>[] = [],
  nowMs = 0,
): string {
  const all = { ...RULES, ...rules };
  let waiting: Waiting<Pending> = { groups: [], lists: [] };
  for (const [input, timeUs, seenMs = 0] of arrivals) waiting = place(waiting, { input, timeUs, seenMs, position: timeUs }, all);
  const progress = [0, 1].map((input) => {
    const latestUs = Math.max(SILENT.latestUs, ...arrivals.filter(([from]) => from === input).map(([, time]) => time));
    return { ...SILENT, latestUs, ...inputs[input] };
  });
  return textOf(decide(waiting, progress, all, nowMs));
}

function textOf(decision: Decision<Pending>): string {
  const name = (message: Pending | undefined) => (message === undefined ? "-" : `${"ab"[message.input]}${message.timeUs}`);
  const texts = {
    emit: () => ("lists" in decision ? `emit ${decision.group.members.map(name).join("+")}${decision.lists.map(name).join()}` : ""),
    shed: () => ("messages" in decision ? `shed ${decision.messages.map(name).join()}` : ""),
    fail: () => ("missing" in decision ? `fail ${decision.missing.join()}` : ""),
    wait: () => ("dueMs" in decision ? `wait ${decision.dueMs}` : ""),
  };
  return texts[decision.kind]();
}

const cases: [string, string, string][] = [
  [
    "what is near enough meets",
    decided([
      [0, 100],
      [1, 110],
    ]),
    "emit a100+b110",
  ],
  [
    "what is too far apart does not",
    decided([
      [0, 100],
      [1, 111],
    ]),
    "shed a100",
  ],
  [
    "the nearest group is joined",
    decided([
      [0, 100],
      [0, 106],
      [1, 105],
    ]),
    "wait 100",
  ],
  [
    "among equally near ones the older",
    decided([
      [0, 100],
      [0, 110],
      [1, 105],
    ]),
    "emit a100+b105",
  ],
  [
    "the oldest comes first, whoever came first",
    decided([
      [0, 200],
      [1, 200],
      [0, 100],
      [1, 100],
    ]),
    "emit a100+b100",
  ],
  ["a group waits until its timeout", decided([[0, 100, 40]], {}, [], 139), "wait 140"],
  ["and no longer", decided([[0, 100, 40]], {}, [], 140), "shed a100"],
  ["silence counts from the last sign of life", decided([[0, 100, 40]], {}, [{}, { sinceMs: 90 }], 140), "wait 190"],
  ["who has not started is not silent", decided([[0, 100]], {}, [{}, { sinceMs: Number.POSITIVE_INFINITY }], 1e6), "wait Infinity"],
  ["a quorum is given out with gaps", decided([[0, 100]], { quorum: 1 }, [], 100), "emit a100+-"],
  [
    "a later event decides before the timeout",
    decided(
      [
        [0, 100],
        [1, 111],
      ],
      { quorum: 1 },
    ),
    "emit a100+-",
  ],
  ["an end decides at once", decided([[0, 100]], {}, [{}, { ended: true }]), "shed a100"],
  ["missing: error fails", decided([[0, 100]], { missing: "error" }, [{}, { ended: true }]), "fail 1"],
  [
    "missing: wait lets others pass",
    decided(
      [
        [0, 100],
        [1, 200],
        [0, 200],
      ],
      { missing: "wait" },
    ),
    "emit a200+b200",
  ],
  ["missing: wait gives up at the end", decided([[0, 100]], { missing: "wait" }, [{}, { ended: true }]), "shed a100"],
  [
    "missing: wait gives up where a buffer is full",
    decided(
      [
        [0, 100],
        [1, 200],
      ],
      { missing: "wait" },
      [{ full: true }],
    ),
    "shed a100",
  ],
  [
    "a full input waits for one of another source",
    decided([[0, 100]], { timeoutMs: Infinity }, [{ full: true, next: 8 }, { next: 8 }]),
    "wait Infinity",
  ],
  [
    "and not for one of its own source that has answered everything",
    decided([[0, 100]], { sources: ["a", "a"] }, [{ full: true, next: 8 }, { next: 8 }]),
    "shed a100",
  ],
  [
    "a list waits until its input has passed",
    decided(
      [
        [0, 100],
        [1, 101],
      ],
      LIST,
    ),
    "wait 100",
  ],
  [
    "and takes what is near",
    decided(
      [
        [0, 100],
        [1, 92],
        [1, 110],
        [1, 111],
      ],
      LIST,
      [{}, { ended: true }],
    ),
    "emit a100+-b92,b110",
  ],
  ["what no group wants is shed", decided([[1, 80]], LIST, [{ ended: true }]), "shed b80"],
  ["and kept while one may come", decided([[1, 80]], LIST), "wait Infinity"],
];

test.each(cases)("%s", (_, found, expected) => {
  expect(found).toBe(expected);
});

const write = (port: TaskPort, content: string, eventTs: number | undefined) => {
  port.write({ traceId: content, seq: 1, eventTs, payload: content });
  port.commit();
};

describe("the port of a join by time", () => {
  const times = (name: string, count: number, leaveOut = count + 1): Event[] =>
    Array.from({ length: count }, (_, n): Event => [`${name}${n}`, 1000 + n / 50]).filter((_, n) => (n + 1) % leaveOut !== 0);

  test("counts what it drops, and numbers what it gives out without gaps", async () => {
    const plan = timePlan(["a", "b"]);
    const events = new Map([
      ["a", times("a", 9)],
      ["b", times("b", 9, 3)],
    ]);
    const played = await withMemory(plan, (dir) => playTimes(dir, plan, events, new Prng(7)));
    expect(played.received).toEqual([0, 1, 3, 4, 6, 7].map((n, position) => `${position} a${n}+b${n}`));
    expect([played.filtered, played.slotsInUse, played.inFlight]).toEqual([3, 0, 0]);
  });

  test("does not wait for ever for a branch of its own producer that filters everything out", async () => {
    const plan = timePlan(["a", "b"], { sources: ["a", "a"], quorum: 1, missing: "wait" });
    const events = new Map([
      ["a", times("a", 40)],
      ["b", times("b", 40).map((): Event => ["", undefined])],
    ]);
    const played = await withMemory(plan, (dir) => playTimes(dir, plan, events, new Prng(3)));
    expect(played.received.length).toBe(40);
  });

  test("gives a group again after a death in user code, as its second attempt", async () => {
    const plan = timePlan(["a", "b"]);
    await withMemory(plan, (dir) => {
      for (const name of ["a", "b"]) write(openTaskPort(dir, plan, name, 0), name, 5);
      const first = openTaskPort(dir, plan, "join", 0);
      first.take();
      first.attempt();
      recoverTask(dir, plan, "join", 0);
      const unit = openTaskPort(dir, plan, "join", 0).take() as Unit;
      expect([unit.position, unit.attempts, contentOf(unit), unit.group]).toEqual([
        0,
        1,
        "a+b",
        { eventTs: 5, number: 5_000_000, lists: [false, false] },
      ]);
    });
  });

  test("refuses messages without an event time", async () => {
    const plan = timePlan(["a", "b"]);
    await withMemory(plan, (dir) => {
      write(openTaskPort(dir, plan, "a", 0), "a", undefined);
      expect(() => openTaskPort(dir, plan, "join", 0).take()).toThrow(expect.objectContaining({ code: "JOIN_TIME_UNKNOWN" }));
    });
  });

  test("wakes up when the timeout of a group is over", async () => {
    const plan = timePlan(["a", "b"], { quorum: 1, timeoutMs: 5 });
    await withMemory(plan, async (dir) => {
      openTaskPort(dir, plan, "b", 0).setState("working");
      write(openTaskPort(dir, plan, "a", 0), "a", 5);
      const join = openTaskPort(dir, plan, "join", 0, { lookMs: 60_000 });
      let unit = join.take();
      while (unit === undefined) {
        await join.waitForInput();
        unit = join.take();
      }
      expect(contentOf(unit)).toBe("a+-");
      join.close();
    });
  });

  test("forgets messages that a realtime writer dropped while they waited", async () => {
    const plan = timePlan(["a", "b"], { toleranceMs: 9 }, { flowType: "Realtime", cells: 2 });
    const events = new Map([
      ["a", times("a", 30)],
      ["b", times("b", 30)],
    ]);
    const played = await withMemory(plan, (dir) => playTimes(dir, plan, events, new Prng(11), 0.02));
    expect(played.received.filter((line) => !/^\d+ a(\d+)\+b\1$/.test(line))).toEqual([]);
    expect([played.slotsInUse, played.inFlight]).toEqual([0, 0]);
  });
});
