import { expect, test } from "@jest/globals";
import { type Lease, microTime } from "../../src/api/kinds.js";
import { LeaderElection } from "../../src/controller/runtime/leader-election.js";
import { LEADERSHIP_TIMES, leadershipStep } from "../../src/controller/runtime/leadership.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { ManualScheduler } from "../sim/manual-scheduler.js";

const LEASE_MS = LEADERSHIP_TIMES.leaseMs;

function leaseOf(holderIdentity: string | undefined, leaseDurationSeconds = LEASE_MS / 1_000): Lease {
  const metadata = {
    name: "l",
    namespace: "n",
    uid: "u",
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: "2026-01-02T03:04:05Z",
  };
  const spec = { ...(holderIdentity === undefined ? {} : { holderIdentity }), leaseDurationSeconds, renewTime: microTime(0) };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
}

test.each([
  ["there is no Lease", undefined, 0, "create"],
  ["it is my own", leaseOf("me"), 99 * LEASE_MS, "renew"],
  ["nobody holds it", leaseOf(""), 0, "take"],
  ["no holder was ever written", leaseOf(undefined), 0, "take"],
  ["another renewed it a moment ago", leaseOf("other"), LEASE_MS - 1, "wait"],
  ["another fell silent", leaseOf("other"), LEASE_MS, "take"],
  ["another announced a longer silence", leaseOf("other", 60), LEASE_MS, "wait"],
])("when %s, the candidate does what is right", (_, lease, silentMs, step) => {
  expect(leadershipStep({ nowMs: 1e6, identity: "me", lease, changedAtMs: 1e6 - silentMs, times: LEADERSHIP_TIMES })).toBe(step);
});

/** Candidates on one store and one clock that is turned by hand. */
async function candidates(names: readonly string[]) {
  const scheduler = new ManualScheduler();
  const store = await EmbeddedStore.open();
  const clock = { nowMs: () => scheduler.nowMs(), wallMs: () => 1e12 - scheduler.nowMs() }; // A wall clock may even run backwards.
  const log: string[] = [];
  const cut = new Set<string>();
  const elections = names.map((identity) => {
    const reach = <T>(call: () => Promise<T>) => (cut.has(identity) ? Promise.reject(new Error("cut off")) : call());
    const election = new LeaderElection({
      store: {
        get: (key) => reach(() => store.get(key)),
        create: (object) => reach(() => store.create(object)),
        update: (object) => reach(() => store.update(object)),
      },
      clock,
      scheduler,
      namespace: "n",
      name: "l",
      identity,
      onLead: () => log.push(`${identity} leads`),
      onLose: () => log.push(`${identity} loses`),
    });
    election.start();
    return election;
  });
  const pass = async (ms: number) => {
    for (const endMs = scheduler.nowMs() + ms; scheduler.nowMs() < endMs; scheduler.advance(500)) {
      for (let action = scheduler.take(); action !== undefined; action = scheduler.take()) {
        action();
        for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
      }
    }
  };
  return { elections, log, cut, pass };
}

test("one of two leads; when it is cut off, it steps down before the other takes over", async () => {
  const { log, cut, pass } = await candidates(["a", "b"]);
  await pass(30_000);
  expect(log).toEqual(["a leads"]);
  cut.add("a");
  await pass(60_000);
  expect(log).toEqual(["a leads", "a loses", "b leads"]);
});

test("a leader that ends in order leaves its place at once", async () => {
  const { elections, log, pass } = await candidates(["a", "b"]);
  await pass(3_000);
  await elections[0]?.stop();
  await pass(LEADERSHIP_TIMES.retryMs);
  expect(log).toEqual(["a leads", "b leads"]);
});
