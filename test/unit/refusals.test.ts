import { describe, expect, test } from "@jest/globals";
import { NEW_RECORD, type ObservedHost, type TaskRecord } from "../../src/agent/observed.js";
import { reconcileHost } from "../../src/agent/reconcile-host.js";
import { LOOK_AGAIN_MS } from "../../src/agent/reconcile-task.js";
import { Requirements } from "../../src/agent/requirements.js";
import type { FlowTask, VideoFlow } from "../../src/api/kinds.js";
import type { Refusal } from "../../src/api/refusal.js";
import { aFlow, aNode } from "../support/builders.js";
import { changes, condition, planOf, settle, spec, withStatus } from "../support/flow-plans.js";
import { aTask, NO_STATS, RUN } from "../support/processes-agent.js";

const MISSING: Refusal = { reason: "FileMissing", message: "host h: node work: params.path: there is no file /x" };
const FORBIDDEN: Refusal = { reason: "ComponentNotAllowed", message: "host h: node work: component: no" };

describe("the controller, of a flow that its host does not let start", () => {
  const flow = aFlow({ spec: spec(aNode("work")) });
  const { tasks, claims } = settle({ flow });
  const held = (refusal: Refusal, all = tasks) => withStatus(all, "f.work.0", { phase: "Pending", ...refusal });
  const withAdmission = (admission: VideoFlow["spec"]["admission"]) => aFlow({ spec: { ...flow.spec, admission } as VideoFlow["spec"] });

  test("waits for what may come: Admitted=False, Pending, nothing removed", () => {
    const plan = planOf({ flow, tasks: held(MISSING), claims, given: { defaultAdmission: "Wait" } });
    expect([changes(plan), plan.status?.state, condition(plan, "Admitted"), plan.status?.message]).toEqual([
      [],
      "Pending",
      "False FileMissing",
      MISSING.message,
    ]);
  });

  test("tells of all that is missing, once each, and first of what no wait can bring", () => {
    const two = aFlow({ spec: spec(aNode("work", { nbTasks: 2 })) });
    const made = settle({ flow: two });
    const other = { ...MISSING, message: "host h: node work: params.model: there is no file /y" };
    const told = (first: Refusal, second: Refusal) => {
      const tasks = withStatus(held(first, made.tasks), "f.work.1", { phase: "Pending", ...second });
      const { status } = planOf({ flow: two, tasks, claims: made.claims, given: { defaultAdmission: "Wait" } });
      return [status?.reason, status?.message];
    };
    expect(told(MISSING, MISSING)).toEqual(["FileMissing", MISSING.message]);
    expect(told(MISSING, other)).toEqual(["FileMissing", `${MISSING.message}; ${other.message}`]);
    expect(told(MISSING, FORBIDDEN)).toEqual(["ComponentNotAllowed", FORBIDDEN.message]);
  });

  test("gives up at once where the flow must not wait, what no wait can bring, and after its timeout", () => {
    const cases = [
      { flow, refusal: MISSING, given: { defaultAdmission: "Fail" as const } },
      { flow, refusal: FORBIDDEN, given: { defaultAdmission: "Wait" as const } },
      {
        flow: withAdmission({ policy: "Wait", timeoutSeconds: 1 }),
        refusal: MISSING,
        given: { defaultAdmission: "Wait" as const, waitingSinceMs: 0, nowMs: 60_000 },
      },
    ];
    for (const { refusal, ...scene } of cases) {
      const plan = planOf({ ...scene, tasks: held(refusal), claims });
      expect([plan.status?.state, condition(plan, "Admitted"), condition(plan, "Stalled")]).toEqual([
        "Failed",
        `False ${refusal.reason}`,
        `True ${refusal.reason}`,
      ]);
      expect([changes(plan), plan.requeueAfterMs]).toEqual([[], 0]); // First it is written down.
      const after = { ...scene.flow, status: plan.status } as VideoFlow;
      const next = planOf({ ...scene, flow: after, tasks: held(refusal), claims });
      expect([changes(next), next.status]).toEqual([tasks.map(({ metadata }) => `stop ${metadata.name}`), plan.status]);
      const [first, ...others] = held(refusal); // A race was lost in the middle of it.
      const half = planOf({ ...scene, flow: after, tasks: [{ ...(first as FlowTask), status: { phase: "Stopped" } }, ...others], claims });
      expect(half.status).toEqual(plan.status);
    }
  });

  test("removes what was made for it, stays refused, and begins again with another spec or run", () => {
    const refused = planOf({ flow, tasks: held(FORBIDDEN), claims });
    const after = { ...flow, status: refused.status } as VideoFlow;
    const stopped = tasks.map(
      (task): FlowTask => ({ ...task, spec: { ...task.spec, desiredState: "Stopped" }, status: { phase: "Stopped" } }),
    );
    const cleared = planOf({ flow: after, tasks: stopped, claims });
    expect(changes(cleared).filter((text) => text.startsWith("delete"))).toHaveLength(tasks.length);
    expect(cleared.status).toEqual(refused.status);
    const settled = planOf({ flow: after, tasks: [], claims: [] });
    expect([changes(settled), settled.status]).toEqual([[], refused.status]);
    const again = { ...after, metadata: { ...after.metadata, generation: 2 }, spec: { ...after.spec, run: 2 } };
    expect(changes(planOf({ flow: again, tasks: [], claims: [] })).filter((text) => text.startsWith("create"))).toHaveLength(tasks.length);
  });

  test("makes the tasks anew when the spec changes before any has started", () => {
    const changed = aFlow({ spec: spec(aNode("work", { retries: 7 })) });
    const plan = planOf({ flow: changed, tasks: held(MISSING), claims, given: { defaultAdmission: "Wait" } });
    expect([plan.status?.reason, changes(plan)]).toEqual(["Restarting", tasks.map(({ metadata }) => `stop ${metadata.name}`)]);
  });

  test("leaves a flow that runs admitted, and says what a changed task waits for", () => {
    const running = tasks.map(
      (task): FlowTask => ({ ...task, status: { phase: "Running", pid: 7, templateHash: task.spec.templateHash } }),
    );
    const plan = planOf({
      flow,
      tasks: withStatus(running, "f.work.0", { phase: "Running", pid: 7, templateHash: "old", ...MISSING }),
      claims,
    });
    expect([condition(plan, "Admitted"), condition(plan, "Reconciling"), plan.status?.message]).toEqual([
      "True Admitted",
      "True FileMissing",
      expect.stringContaining(MISSING.message),
    ]);
    expect(changes(plan)).toEqual([]);
  });
});

describe("the agent, of a task that may not start", () => {
  const NOW_MS = 1_000;
  const LIVE = {
    incarnation: 0,
    templateHash: "old",
    identity: { bootId: "b", pid: 7, startTime: "1" },
    startedAtMs: 1,
    report: { phase: "ready" },
  } as const;
  const plan = (tasks: FlowTask[], refused: Readonly<Record<string, Refusal | "asking">>, given: Partial<ObservedHost> = {}) =>
    reconcileHost({
      nowMs: NOW_MS,
      tasks,
      records: new Map(),
      claims: new Map(),
      memories: new Map(),
      keeperLost: false,
      requirements: new Map(
        Object.entries(refused).map(([uid, what]) => [uid, what === "asking" ? { state: "asking" } : { state: "refused", refusal: what }]),
      ),
      ...given,
    });
  const told = ({ actions }: ReturnType<typeof plan>) =>
    actions.map((action) =>
      action.op === "status" ? `${action.task.spec.node}: ${action.status.phase} ${action.status.reason}` : action.op,
    );
  const both = [aTask({ flowTasks: 2 }), aTask({ flowTasks: 2, node: "b" })];

  test("starts nothing of the flow, makes no memory, tells why, and looks again", () => {
    const held = plan(both, { "uid-f.b.0": MISSING });
    expect([told(held), held.requeueAfterMs]).toEqual([["a: Pending WaitingForOthers", "b: Pending FileMissing"], LOOK_AGAIN_MS]);
    expect(plan(both, { "uid-f.b.0": FORBIDDEN }).requeueAfterMs).toBeUndefined();
    expect(told(plan(both, { "uid-f.b.0": "asking" }))).toEqual(["a: Pending WaitingForOthers", "b: Pending WaitingForOthers"]);
    expect(told(plan(both, {}))[0]).toBe("createMemory");
  });

  test("lets the old process of a changed task run on until the new one may start", () => {
    const records = new Map<string, TaskRecord>([["uid-f.a.0", { ...NEW_RECORD, incarnations: 1, process: { ...LIVE, stats: NO_STATS } }]]);
    const memories = new Map([[RUN, { state: "ready" as const }]]);
    expect(told(plan([aTask()], { "uid-f.a.0": MISSING }, { records, memories }))).toEqual(["a: Running FileMissing"]);
    expect(told(plan([aTask()], {}, { records, memories }))).toContain("retire");
  });

  test("keeps a task that died waiting until what it needs is there again", () => {
    const lastExit = { code: 9, reason: "Crashed", kind: "crashed", treeDead: true } as const;
    const records = new Map<string, TaskRecord>([["uid-f.a.0", { ...NEW_RECORD, incarnations: 1, templateHash: "hash", lastExit }]]);
    const memories = new Map([[RUN, { state: "ready" as const }]]);
    expect(told(plan([aTask()], { "uid-f.a.0": MISSING }, { records, memories }))).toEqual(["a: Backoff FileMissing"]);
    expect(told(plan([aTask()], {}, { records, memories }))).toContain("spawn");
  });
});

describe("what tasks require of the host", () => {
  test("is asked once, again after a while where it may change, and anew for another template", async () => {
    const answers: (Refusal | undefined)[] = [MISSING, undefined];
    let asked = 0;
    let changed = 0;
    const rules = { refusal: () => answers[Math.min(asked++, 1)], settle: () => Promise.reject(new Error("not asked")) };
    const requirements = new Requirements(rules, () => (changed += 1));
    const look = (task: FlowTask, nowMs: number) => requirements.look([task], new Map(), nowMs).get(task.metadata.uid)?.state;
    expect([look(aTask(), 0), look(aTask(), 1), asked]).toEqual(["refused", "refused", 1]);
    expect([look(aTask(), LOOK_AGAIN_MS), asked, changed]).toEqual(["met", 2, 0]);
    expect([look(aTask({ templateHash: "new" }), LOOK_AGAIN_MS), asked]).toEqual(["met", 3]);
    requirements.refuse(aTask(), FORBIDDEN, 0);
    expect(look(aTask(), 1)).toBe("refused");
  });

  test("is not known while a Secret is asked for; the answer brings the next look", async () => {
    let answer: (refusal: Refusal | undefined) => void = () => {};
    const changes: string[] = [];
    const rules = {
      refusal: () => new Promise<Refusal | undefined>((resolve) => (answer = resolve)),
      settle: () => Promise.reject(new Error("not asked")),
    };
    const requirements = new Requirements(rules, () => changes.push("looked"));
    const look = () => requirements.look([aTask()], new Map(), 0).get("uid-f.a.0");
    expect(look()).toEqual({ state: "asking" });
    answer(MISSING);
    await new Promise((resume) => setTimeout(resume, 0));
    expect([changes, look()]).toEqual([["looked"], { state: "refused", refusal: MISSING }]);
  });
});
