import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type LiveProcess, type MemoryState, NEW_RECORD, type ObservedHost, type TaskRecord } from "../../src/agent/observed.js";
import { type HostAction, reconcileHost, TASK_FINALIZER } from "../../src/agent/reconcile-host.js";
import type { FlowTask } from "../../src/api/kinds.js";
import { aClaim, aTask, NO_STATS, RUN } from "../support/processes-agent.js";

const NOW_MS = 1_000_000;
const IDENTITY = { bootId: "boot", pid: 7, startTime: "70" };
const READY: MemoryState = { state: "ready" };
const CRASH = { code: 9, reason: "Crashed", kind: "crashed", treeDead: true } as const;

const recordOf = (process: Partial<LiveProcess>, more: Partial<TaskRecord> = {}): TaskRecord => ({
  ...NEW_RECORD,
  incarnations: 1,
  process: { incarnation: 0, templateHash: "hash", identity: IDENTITY, ...process },
  ...more,
});
const dead = (agoMs: number[], more: Partial<TaskRecord> = {}): TaskRecord => ({
  incarnations: agoMs.length,
  deaths: agoMs.map((ago) => ({ atMs: NOW_MS - ago, ranMs: 100, progressed: false, chance: 0.5 })),
  lastExit: CRASH,
  ...more,
});
const LEFT = { code: 75, reason: "Retired", kind: "retired", treeDead: true } as const;
const MADE_WAY: TaskRecord = { incarnations: 1, deaths: [], lastExit: LEFT };
const RETIRED = { phase: "Pending", reason: "Retired" } as const;
const STARTED = { startedAtMs: NOW_MS - 1_000 };
const LIVE = { ...STARTED, report: { phase: "ready" } } as const;
const STOPPED = { desiredState: "Stopped" } as const;

interface Case {
  readonly name: string;
  readonly tasks?: FlowTask[];
  readonly record?: TaskRecord;
  readonly memory?: MemoryState | undefined;
  readonly given?: Partial<ObservedHost>;
  /** Actions but status, as "op detail". */
  readonly actions: string[];
  /** Wanted status of the first task, as "phase reason"; absent: not written. */
  readonly status?: string;
  readonly requeueAfterMs?: number;
}

const cases: Case[] = [
  {
    name: "makes the memory of a complete flow first",
    memory: undefined,
    actions: [`createMemory ${RUN}`],
    status: "Pending WaitingForMemory",
  },
  {
    name: "waits for the other tasks of the flow",
    tasks: [aTask({ flowTasks: 2 })],
    memory: undefined,
    actions: [],
    status: "Pending WaitingForTasks",
  },
  {
    name: "waits for the claims of the whole flow",
    tasks: [aTask({ flowTasks: 2 }), aTask({ flowTasks: 2, node: "b", claim: "f.b.0" })],
    memory: undefined,
    actions: [],
    status: "Pending WaitingForDevices",
  },
  {
    name: "prepares a claim before it spawns",
    tasks: [aTask({ claim: "f.a.0" })],
    given: { claims: new Map([["default/f.a.0", aClaim("f.a.0", { allocation: { host: "here", devices: ["GPU-1"] } })]]) },
    actions: ["prepare f.a.0", "spawn Admitted"],
    status: "Starting Starting",
  },
  {
    name: "spawns all tasks of a flow at once",
    tasks: [aTask({ flowTasks: 2 }), aTask({ flowTasks: 2, node: "b" })],
    actions: ["spawn Admitted", "spawn Admitted"],
    status: "Starting Starting",
  },
  {
    name: "fails every task when the memory cannot be made",
    memory: { state: "failed", problem: "full" },
    actions: [],
    status: "Failed MemoryUnavailable",
  },
  {
    name: "P1: spawns nothing while the keeper has not answered",
    record: { ...NEW_RECORD, incarnations: 1, process: { incarnation: 0, templateHash: "hash" } },
    actions: [],
    status: "Starting Starting",
  },
  { name: "P1: keeps the gate shut until the identity is recorded", record: recordOf({}), actions: [], status: "Starting Starting" },
  {
    name: "opens the gate once the identity is recorded",
    tasks: [
      aTask({}, { ...IDENTITY, observedGeneration: 1, phase: "Starting", reason: "Starting", message: "the process starts", restarts: 0 }),
    ],
    record: recordOf({}),
    actions: ["go"],
  },
  {
    name: "opens the gate at once where a journal has the identity",
    record: recordOf({}),
    given: { hasJournal: true },
    actions: ["go"],
    status: "Starting Starting",
  },
  {
    name: "P1: keeps the gate of what may be fenced shut until others can read when, journal or not",
    tasks: [aTask({}, { ...IDENTITY, phase: "Starting" })],
    record: recordOf({ fenceSeconds: 5 }),
    given: { hasJournal: true },
    actions: [],
    status: "Starting Starting",
  },
  {
    name: "D4: never opens the gate of a process with another environment",
    tasks: [aTask({}, { ...IDENTITY, phase: "Starting" })],
    record: recordOf({ wrongVariables: ["CUDA_VISIBLE_DEVICES"] }),
    actions: ["kill DeviceEnvironment"],
    status: "Starting Starting",
  },
  {
    name: "looks again at the startup deadline",
    record: recordOf(STARTED),
    actions: [],
    status: "Starting Starting",
    requeueAfterMs: 59_000,
  },
  {
    name: "replaces a task that is not ready in time",
    record: recordOf({ startedAtMs: NOW_MS - 60_000 }),
    actions: ["kill StartupDeadline"],
    status: "Starting Starting",
  },
  { name: "says when a task is ready", record: recordOf(LIVE), actions: [], status: "Running Ready" },
  {
    name: "replaces a task that has input and space and makes no progress",
    tasks: [aTask({ progressDeadlineSeconds: 1 })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, inputPending: true, lastProgressMs: NOW_MS - 1_000 } }),
    actions: ["kill NoProgress"],
    status: "Running Ready",
  },
  {
    name: "counts the progress of a task from when it was last seen with nothing to do",
    tasks: [aTask({ progressDeadlineSeconds: 1 })],
    record: recordOf({
      ...LIVE,
      stats: { ...NO_STATS, inputPending: true, lastProgressMs: NOW_MS - 9_000 },
      idleSeenAtMs: NOW_MS - 400,
    }),
    actions: [],
    status: "Running Ready",
    requeueAfterMs: 600,
  },
  {
    name: "replaces a task whose user code takes too long, though no further input waits",
    tasks: [aTask({ progressDeadlineSeconds: 1 })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, state: "user-code", inputPending: false, lastProgressMs: NOW_MS - 1_000 } }),
    actions: ["kill NoProgress"],
    status: "Running Ready",
  },
  {
    name: "gives a task that starts on waiting input the whole deadline",
    tasks: [aTask({ progressDeadlineSeconds: 3 })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, inputPending: true, lastProgressMs: NOW_MS - 9_000 } }),
    actions: [],
    status: "Running Ready",
    requeueAfterMs: 2_000,
  },
  {
    name: "replaces a task that was stopped for too long, though nothing waits for it",
    tasks: [aTask({ progressDeadlineSeconds: 1 })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, inputPending: false }, stoppedSinceMs: NOW_MS - 1_000 }),
    actions: ["kill NoProgress"],
    status: "Running Ready",
  },
  {
    name: "leaves a stopped task of a paused flow alone",
    tasks: [aTask({ progressDeadlineSeconds: 1, desiredState: "Paused" })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, inputPending: false }, stoppedSinceMs: NOW_MS - 1_000 }),
    memory: { state: "ready", paused: true, rest: "moving" },
    actions: [],
    status: "Running Paused",
  },
  {
    name: "leaves a task alone that waits for space",
    tasks: [aTask({ progressDeadlineSeconds: 1 })],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, state: "waiting-space", inputPending: true } }),
    actions: [],
    status: "Running Ready",
  },
  { name: "restarts at once after the first death", record: dead([0]), actions: ["spawn Restart"], status: "Starting Restarting" },
  { name: "waits after the second death in a row", record: dead([500, 0]), actions: [], status: "Backoff Crashed", requeueAfterMs: 1_000 },
  { name: "restarts when the wait is over", record: dead([1500, 1000]), actions: ["spawn Restart"], status: "Starting Restarting" },
  { name: "gives up when the budget is spent", record: dead([5, 4, 3, 2, 1, 0]), actions: [], status: "Failed RestartBudgetSpent" },
  {
    name: "never restarts what finished",
    record: dead([], { lastExit: { reason: "Finished", kind: "finished", treeDead: true }, incarnations: 1 }),
    actions: [],
    status: "Succeeded Finished",
  },
  {
    name: "the last task of a batch run to finish answers for all messages",
    record: dead([], { lastExit: { reason: "Finished", kind: "finished", treeDead: true }, incarnations: 1 }),
    memory: { state: "ready", ledgerProblems: ["edge a -> b: 3 messages produced, 2 settled"] },
    actions: [],
    status: "Failed LedgerMismatch",
  },
  {
    name: "a task that finishes before others says nothing of the messages that they still have",
    tasks: [aTask({ flowTasks: 2 }), aTask({ flowTasks: 2, node: "b" }, { phase: "Running" })],
    record: dead([], { lastExit: { reason: "Finished", kind: "finished", treeDead: true }, incarnations: 1 }),
    memory: { state: "ready", ledgerProblems: ["edge a -> b: 3 messages produced, 2 settled"] },
    actions: ["spawn Admitted"],
    status: "Succeeded Finished",
  },
  {
    name: "a changed template: asks the process to make way, and looks again at the end of its grace",
    tasks: [aTask({ templateHash: "new" })],
    record: recordOf(LIVE),
    actions: ["retire"],
    status: "Running Retiring",
    requeueAfterMs: 5_000,
  },
  {
    name: "a process that does not make way in time is ended",
    tasks: [aTask({ templateHash: "new" })],
    record: recordOf({ ...LIVE, retireAskedAtMs: NOW_MS - 5_000 }),
    actions: ["stop Replaced 5000"],
    status: "Running Retiring",
  },
  {
    name: "a process that is not ready has nothing in hand: it is replaced at once",
    tasks: [aTask({ templateHash: "new" })],
    record: recordOf(STARTED),
    actions: ["kill Replaced"],
    status: "Starting Retiring",
  },
  {
    name: "P1: the new template starts only when the old process is dead",
    tasks: [aTask({ templateHash: "new" })],
    record: recordOf({ ...LIVE, stopped: "Replaced" }),
    actions: [],
    status: "Running Retiring",
  },
  {
    name: "what made way is followed at once, whatever its deaths",
    record: dead([5, 4, 3, 2, 1, 0], { lastExit: { code: 75, reason: "Retired", kind: "retired", treeDead: true } }),
    actions: ["spawn Replaced"],
    status: "Starting Replacing",
  },
  {
    name: "a new template does not wait for the backoff of the old one",
    tasks: [aTask({ templateHash: "new" })],
    record: dead([500, 0], { templateHash: "hash" }),
    actions: ["spawn Replaced"],
    status: "Starting Replacing",
  },
  {
    name: "a retired task has no process until it is asked to run",
    tasks: [aTask({ desiredState: "Retired" })],
    record: dead([0], { lastExit: { code: 75, reason: "Retired", kind: "retired", treeDead: true } }),
    actions: [],
    status: "Pending Retired",
  },
  {
    name: "a task too many is over once it has made way",
    tasks: [aTask({ desiredState: "Retired", index: 1, nbTasks: 1 }, undefined, { name: "f.a.0", uid: "uid-f.a.0" })],
    record: dead([0], { lastExit: { code: 75, reason: "Retired", kind: "retired", treeDead: true } }),
    memory: { state: "ready", tasks: new Map([["a", 1]]), asked: new Map([["a", 1]]) },
    actions: [],
    status: "Stopped ScaledDown",
  },
  {
    name: "a task too many that died before it had left is started again until it has",
    tasks: [aTask({ desiredState: "Retired", index: 1, nbTasks: 1 }, undefined, { name: "f.a.0", uid: "uid-f.a.0" })],
    record: dead([0]),
    memory: { state: "ready", tasks: new Map([["a", 1]]), asked: new Map([["a", 1]]) },
    actions: ["spawn Restart"],
    status: "Starting Restarting",
  },
  {
    name: "a task too many of a stream that is ending stays to the end",
    tasks: [aTask({ desiredState: "Retired", index: 1, nbTasks: 1 }, undefined, { name: "f.a.0", uid: "uid-f.a.0" })],
    record: recordOf(LIVE),
    memory: { state: "ready", tasks: new Map([["a", 2]]), asked: new Map([["a", 1]]) },
    actions: [],
    status: "Running Ready",
  },
  {
    name: "a new replica of a stream that is ending has nothing to do",
    tasks: [aTask({ index: 1, nbTasks: 2 }, undefined, { name: "f.a.0", uid: "uid-f.a.0" })],
    memory: { state: "ready", tasks: new Map([["a", 1]]), asked: new Map([["a", 2]]) },
    actions: [],
    status: "Succeeded StreamEnding",
  },
  {
    name: "D3: a retired task whose tree is not dead is not retired",
    tasks: [aTask({ desiredState: "Retired" })],
    record: dead([0], { lastExit: { ...CRASH, treeDead: false } }),
    actions: [],
    status: "Backoff TreeAlive",
  },
  {
    name: "asks producers to hold back",
    tasks: [aTask({ desiredState: "Paused" })],
    record: recordOf(LIVE),
    actions: [`pause ${RUN}`],
    status: "Running Ready",
  },
  {
    name: "says that producers hold back",
    tasks: [aTask({ desiredState: "Paused" })],
    record: recordOf(LIVE),
    memory: { state: "ready", paused: true, rest: "moving" },
    actions: [],
    status: "Running Paused",
  },
  {
    name: "says that nothing is in flight any more",
    tasks: [aTask({ desiredState: "Paused" })],
    record: recordOf(LIVE),
    memory: { state: "ready", paused: true, rest: "free" },
    actions: [],
    status: "Running Drained",
  },
  {
    name: "lets producers go on",
    record: recordOf(LIVE),
    memory: { state: "ready", paused: true, rest: "free" },
    actions: [`pause ${RUN}`],
    status: "Running Ready",
  },
  {
    name: "brings the memory of a run to other channels once all of its tasks know them and none has a process",
    tasks: [aTask({ layoutHash: "other" })],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout", paused: true, rest: "free" },
    actions: [`pause ${RUN}`, `carryOver ${RUN}`],
    status: "Pending WaitingForMemory",
  },
  {
    name: "leaves the memory alone while its tasks do not agree on its channels",
    tasks: [aTask({ layoutHash: "other", flowTasks: 2 }), aTask({ node: "b", flowTasks: 2, desiredState: "Retired" }, RETIRED)],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout" },
    actions: [],
    status: "Pending WaitingForMemory",
  },
  {
    name: "leaves the memory alone while a task that it should have no channels for is there, or one is missing",
    tasks: [aTask({ layoutHash: "other", flowTasks: 1 }), aTask({ node: "b", layoutHash: "other", flowTasks: 1 }, RETIRED)],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout" },
    actions: [],
    status: "Pending WaitingForMemory",
  },
  {
    name: "leaves the memory alone while a process may have it",
    tasks: [aTask({ layoutHash: "other" })],
    record: { ...MADE_WAY, lastExit: { ...LEFT, treeDead: false } },
    memory: { state: "ready", layout: "layout" },
    actions: [],
    status: "Backoff TreeAlive",
  },
  {
    name: "lets a process make way that has other channels than its task",
    tasks: [aTask({ layoutHash: "other" })],
    record: recordOf(LIVE),
    memory: { state: "ready", layout: "layout" },
    actions: ["retire"],
    status: "Running Retiring",
    requeueAfterMs: 5_000,
  },
  {
    name: "tries again where there was no room for other channels",
    tasks: [aTask({ layoutHash: "other" })],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout", carryOver: { layout: "other", problem: "full", isRefused: false, atMs: NOW_MS - 400 } },
    actions: [],
    status: "Pending WaitingForMemory",
    requeueAfterMs: 600,
  },
  {
    name: "says what cannot go on in other channels",
    tasks: [aTask({ layoutHash: "other" })],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout", carryOver: { layout: "other", problem: "under way", isRefused: true, atMs: 0 } },
    actions: [],
    status: "Failed CarryOverRefused",
  },
  {
    name: "does not let producers go on that made way while they held back",
    tasks: [aTask({ desiredState: "Retired" })],
    record: MADE_WAY,
    memory: { state: "ready", layout: "layout", paused: true, rest: "free" },
    actions: [],
    status: "Pending Retired",
  },
  {
    name: "removes what the run left before it began again under its name, before anything else",
    tasks: [aTask({ layoutHash: "other" })],
    memory: { state: "ready", layout: "layout", rest: "moving", madeFor: ["uid-of-before"] },
    actions: [`removeMemory ${RUN}`],
    status: "Pending WaitingForMemory",
  },
  {
    name: "begins again where the memory of the beginning before could not be made",
    memory: { state: "failed", problem: "full", madeFor: ["uid-of-before"] },
    actions: [`removeMemory ${RUN}`],
    status: "Pending WaitingForMemory",
  },
  {
    name: "leaves the memory of an earlier beginning to those who still run in it",
    memory: { state: "ready", madeFor: ["uid-of-before"] },
    given: { records: new Map([["uid-of-before", recordOf({ ...LIVE, killed: "Deleted" })]]) },
    actions: [],
    status: "Pending WaitingForOthers",
  },
  {
    name: "keeps the memory of a run as long as one of the tasks is there that it was made for",
    memory: { state: "ready", madeFor: ["uid-of-before", "uid-f.a.0"] },
    record: recordOf(LIVE),
    actions: [],
    status: "Running Ready",
  },
  {
    name: "leaves the memory alone while a process runs in it whose task is gone",
    tasks: [aTask({ layoutHash: "other" })],
    memory: { state: "ready", layout: "layout" },
    given: {
      records: new Map([
        ["uid-f.a.0", MADE_WAY],
        ["uid-of-another", recordOf({ ...LIVE, killed: "Deleted" })],
      ]),
    },
    actions: [],
    status: "Pending WaitingForMemory",
  },
  {
    name: "makes room for a new replica before it starts",
    tasks: [aTask({ index: 0, nbTasks: 2, flowTasks: 2 }), aTask({ index: 1, nbTasks: 2, flowTasks: 2 }, { phase: "Succeeded" })],
    memory: { state: "ready", tasks: new Map([["a", 1]]) },
    record: recordOf(LIVE),
    actions: [`setTasks ${RUN}`],
    status: "Running Ready",
  },
  {
    name: "starts no task of a partitioned node before its keys are given out anew",
    tasks: [aTask({ nbTasks: 2, channels: { tasks: 1, capacity: 4, slots: 4, slotBytes: 64, partitionBy: "key", inputs: [] } })],
    record: dead([0], { lastExit: { code: 75, reason: "Retired", kind: "retired", treeDead: true } }),
    memory: { state: "ready", tasks: new Map([["a", 1]]) },
    actions: [`setTasks ${RUN}`],
    status: "Pending WaitingForMemory",
  },
  {
    name: "a run whose memory is gone is lost",
    tasks: [aTask({}, { phase: "Running" })],
    memory: undefined,
    actions: [],
    status: "Failed MemoryLost",
  },
  {
    name: "never restarts what cannot work",
    record: dead([0], { lastExit: { reason: "ConfigurationError", kind: "hopeless", treeDead: true } }),
    actions: [],
    status: "Failed ConfigurationError",
  },
  {
    name: "D3: a task whose tree is not dead is neither over nor restarted",
    record: dead([0], { lastExit: { ...CRASH, treeDead: false } }),
    actions: [],
    status: "Backoff TreeAlive",
  },
  { name: "P5: a stop wins over a restart", tasks: [aTask(STOPPED)], record: dead([0]), actions: [], status: "Stopped StopRequested" },
  {
    name: "P5: starts nothing of a flow that was asked to stop",
    tasks: [aTask(STOPPED)],
    memory: undefined,
    actions: [],
    status: "Stopped StopRequested",
  },
  {
    name: "P5: what is behind its gate never starts after a stop",
    tasks: [aTask(STOPPED)],
    record: recordOf({}),
    actions: [`drain ${RUN}`, "kill Stopped"],
    status: "Starting Stopping",
  },
  {
    name: "asks a live flow to drain first",
    tasks: [aTask(STOPPED)],
    record: recordOf(LIVE),
    actions: [`drain ${RUN}`],
    status: "Running Stopping",
    requeueAfterMs: 500,
  },
  {
    name: "sends SIGTERM when the drain stands still, because what feeds it is dead",
    tasks: [aTask(STOPPED)],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, state: "waiting-input", inputPending: false, lastProgressMs: NOW_MS - 3_000 } }),
    memory: { state: "ready", drainAskedAtMs: NOW_MS - 2_000 },
    actions: ["stop Stopped 5000"],
    status: "Running Stopping",
  },
  {
    name: "waits for what is on its way in a drain",
    tasks: [aTask(STOPPED)],
    record: recordOf({ ...LIVE, stats: { ...NO_STATS, state: "waiting-input", inputPending: true, lastProgressMs: NOW_MS - 3_000 } }),
    memory: { state: "ready", drainAskedAtMs: NOW_MS - 2_000 },
    actions: [],
    status: "Running Stopping",
    requeueAfterMs: 500,
  },
  {
    name: "sends SIGTERM when the drain takes longer than the grace",
    tasks: [aTask(STOPPED)],
    record: recordOf(LIVE),
    memory: { state: "ready", drainAskedAtMs: NOW_MS - 5_000 },
    actions: ["stop Stopped 5000"],
    status: "Running Stopping",
  },
  {
    name: "sends SIGTERM once",
    tasks: [aTask(STOPPED)],
    record: recordOf({ ...LIVE, stopped: "Stopped" }),
    memory: { state: "ready", drainAskedAtMs: 0 },
    actions: [],
    status: "Running Stopping",
  },
  {
    name: "P6: a final phase never changes, whatever the spec says",
    tasks: [aTask({}, { phase: "Failed" })],
    record: dead([0]),
    actions: [`removeMemory ${RUN}`],
  },
  {
    name: "keeps the memory while a process is alive",
    tasks: [aTask({}, { phase: "Stopped" })],
    record: recordOf({ ...LIVE, killed: "Stopped" }),
    actions: [],
  },
  { name: "kills the process of a task that is gone from the store", tasks: [], record: recordOf(LIVE), actions: ["stop Deleted 2000"] },
  {
    name: "forgets a dead task that is gone, and its memory",
    tasks: [],
    record: dead([0]),
    actions: [`removeMemory ${RUN}`, "forget uid-f.a.0"],
  },
  {
    name: "stops a task that is being deleted without a drain",
    tasks: [aTask({}, undefined, { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [TASK_FINALIZER] })],
    record: recordOf(LIVE),
    actions: ["stop Deleted 5000"],
    status: "Running Stopping",
  },
  {
    name: "lets a deleted task go only when its process is dead",
    tasks: [aTask({}, { phase: "Stopped" }, { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [TASK_FINALIZER] })],
    record: dead([0]),
    memory: undefined,
    actions: ["release"],
  },
  {
    name: "fails what cannot be started any more when the keeper is gone",
    given: { keeperLost: true },
    actions: [],
    status: "Failed KeeperLost",
  },
];

const KEPT = ["status"];
function told(action: HostAction): string {
  const fields = action as { op: string; run?: string; why?: string; graceMs?: number; claim?: { metadata: { name: string } } };
  const uid = action.op === "forget" ? action.uid : undefined;
  return [fields.op, fields.run ?? fields.why ?? fields.claim?.metadata.name ?? uid, fields.graceMs]
    .filter((part) => part !== undefined)
    .join(" ");
}

function observe(row: Case): ObservedHost {
  const memory = "memory" in row ? row.memory : READY;
  return {
    nowMs: NOW_MS,
    tasks: row.tasks ?? [aTask()],
    records: new Map(row.record === undefined ? [] : [["uid-f.a.0", row.record]]),
    claims: new Map(),
    memories: new Map(memory === undefined ? [] : [[RUN, memory]]),
    keeperLost: false,
    ...row.given,
  };
}

test.each(cases)("reconcileHost $name", (row) => {
  const plan = reconcileHost(observe(row));
  const status = plan.actions.find((action) => action.op === "status" && action.task.metadata.name === "f.a.0") as
    | Extract<HostAction, { op: "status" }>
    | undefined;
  expect(plan.actions.filter((action) => !KEPT.includes(action.op)).map(told)).toEqual(row.actions);
  expect(status && `${status.status.phase} ${status.status.reason}`).toBe(row.status);
  expect(plan.requeueAfterMs).toBe(row.requeueAfterMs);
});

test("C1: once the wanted status stands in the store it is not written again", () => {
  const observed = observe({ name: "", record: recordOf(LIVE), actions: [] });
  const [write] = reconcileHost(observed).actions as [Extract<HostAction, { op: "status" }>];
  expect(reconcileHost({ ...observed, tasks: [{ ...aTask(), status: write.status }] }).actions).toEqual([]);
});

test("what comes before a first process is told only if it lasts, and then looked at again; what somebody must know is told at once", () => {
  const task = aTask({ flowTasks: 2 });
  const host = (agoMs: number, more: Partial<ObservedHost> = {}): ObservedHost => ({
    ...{ nowMs: NOW_MS, tasks: [task], records: new Map(), claims: new Map(), memories: new Map(), keeperLost: false },
    ...{ seenAtMs: new Map([[task.metadata.uid, NOW_MS - agoMs]]), ...more },
  });
  const told = (observed: ObservedHost) => reconcileHost(observed).actions.filter(({ op }) => op === "status").length;
  expect([told(host(100)), reconcileHost(host(100)).requeueAfterMs]).toEqual([0, 200]);
  expect(told(host(300))).toBe(1);
  expect(told(host(100, { records: new Map([[task.metadata.uid, recordOf({})]]) }))).toBe(1);
  expect(told(host(100, { tasks: [aTask({ flowTasks: 2, ...STOPPED })] }))).toBe(1);
});

test("C2: the order in which tasks are seen changes nothing", () => {
  const names = ["a", "b", "c", "d"];
  const tasks = names.map((node) => aTask({ node, flowTasks: 4 }));
  const plan = reconcileHost({ ...observe({ name: "", actions: [] }), tasks });
  fc.assert(
    fc.property(fc.shuffledSubarray(tasks, { minLength: 4 }), (shuffled) => {
      expect(reconcileHost({ ...observe({ name: "", actions: [] }), tasks: shuffled })).toEqual(plan);
    }),
  );
});

const liveProcess = fc.record(
  {
    incarnation: fc.constant(0),
    templateHash: fc.constantFrom("hash", "old"),
    identity: fc.constant(IDENTITY),
    startedAtMs: fc.constant(NOW_MS - 1_000),
    report: fc.constant({ phase: "ready" as const }),
    stopped: fc.constant("Stopped" as const),
  },
  { requiredKeys: ["incarnation", "templateHash"] },
);
const anyRecord = fc.record(
  { process: liveProcess, incarnations: fc.nat(2), deaths: fc.constant(dead([500, 0]).deaths), lastExit: fc.constant(CRASH) },
  { requiredKeys: ["incarnations", "deaths"] },
);
const anyTask = fc
  .tuple(
    fc.constantFrom("Running", "Paused", "Retired", "Stopped"),
    fc.constantFrom(undefined, "Pending", "Running", "Succeeded", "Failed", "Stopped"),
  )
  .map(([desiredState, phase]) => aTask({ desiredState: desiredState as "Running" }, phase && { phase: phase as "Pending" }));

test("P1, P5, P6: no spawn beside a live process, after a stop, or after the end, in whatever state the host is", () => {
  fc.assert(
    fc.property(
      anyTask,
      fc.option(anyRecord as fc.Arbitrary<TaskRecord>, { nil: undefined }),
      fc.constantFrom(undefined, READY),
      (task, record, memory) => {
        const over = ["Succeeded", "Failed", "Stopped"].includes(task.status?.phase ?? "");
        const forbidden = record?.process !== undefined || task.spec.desiredState === "Stopped" || over;
        const { actions } = reconcileHost(
          observe({ name: "", tasks: [task], ...(record === undefined ? {} : { record }), memory, actions: [] }),
        );
        expect(forbidden && actions.some((action) => action.op === "spawn")).toBe(false);
        expect(over && actions.some((action) => action.op === "status")).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});
