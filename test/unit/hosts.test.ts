import { describe, expect, test } from "@jest/globals";
import type { FlowTask, Host, VideoFlow, VideoFlowSpec } from "../../src/api/kinds.js";
import { conditionOf } from "../../src/controller/flow/conditions.js";
import { desiredTasks } from "../../src/controller/flow/desired.js";
import type { Change, Observed, Plan } from "../../src/controller/flow/observed.js";
import { reconcileFlow } from "../../src/controller/flow/reconcile.js";
import { needsOf } from "../../src/controller/flow/resources.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { aChain, aFlow, aFlowSpec, aGpuNode, aHost, aNode, asStored, describeComponent, devices } from "../support/builders.js";

interface Scene {
  readonly spec?: VideoFlowSpec;
  readonly flow?: VideoFlow;
  readonly hosts: Host[];
  readonly tasks?: FlowTask[];
  readonly given?: Partial<Observed>;
}

function planOf({ spec = aFlowSpec(), flow = aFlow({ spec }), hosts, tasks = [], given = {} }: Scene): Plan {
  const shape = shapeOf(flow.spec, describeComponent);
  return reconcileFlow({
    ...{ nowMs: 0, wallMs: 0, flow, shape, flows: [flow], tasks, claims: [], hosts, defaultAdmission: "Wait", ...given },
  });
}

const hostOf = ({ changes }: Plan) => changes.flatMap((change) => (change.op === "createTask" ? change.task.spec.host : []))[0];
const admitted = (plan: Plan) => conditionOf("Admitted", plan.status?.conditions)?.message;
const gpus = (host: string, count: number) => devices(count).map((device) => ({ ...device, uuid: `${device.uuid}-${host}` }));

/** The tasks of a flow on a host, as its agent reports them. */
function tasksOn(host: string, spec: VideoFlowSpec, status: FlowTask["status"] = { phase: "Running", pid: 7 }): FlowTask[] {
  const { graph, channels } = shapeOf(spec, describeComponent);
  if (graph === undefined) throw new Error("the spec is wrong");
  const run = planOf({ spec, hosts: [aHost(host)] }).changes.flatMap((change) =>
    change.op === "createTask" ? change.task.spec.run : [],
  )[0];
  const placement = { host, run: run as string, onGpu: new Set<string>() };
  return desiredTasks(aFlow({ spec }), graph, channels, placement).map((task) => ({
    ...asStored(task),
    ...(status === undefined ? {} : { status }),
  }));
}

describe("a flow is placed whole on one host that fits it", () => {
  const heavy = aFlowSpec(aChain(aNode("work", { nbTasks: 3, resources: { cpu: "500m", memory: "1Gi" } })));

  test("a required GPU decides, then the most wishes, then the fewest tasks per core, then the name", () => {
    const required = aFlowSpec(aChain(aGpuNode("det", 1, { required: true })));
    const wishes = aFlowSpec(aChain(aGpuNode("det", 2)));
    const hosts = [aHost("a"), aHost("b", gpus("b", 1)), aHost("c", gpus("c", 2))];
    expect([hostOf(planOf({ spec: required, hosts })), hostOf(planOf({ spec: wishes, hosts }))]).toEqual(["b", "c"]);
    const busy = tasksOn("a", aFlowSpec()).map((task) => ({ ...task, spec: { ...task.spec, flow: "other" } }));
    expect([hostOf(planOf({ hosts })), hostOf(planOf({ hosts, tasks: busy }))]).toEqual(["a", "b"]);
  });

  test("what tasks ask of cores and memory must fit beside what the others asked", () => {
    const small = aHost("a", [], { cores: 2, memoryMiB: 4_096 });
    const large = aHost("b", [], { cores: 8, memoryMiB: 4_096 });
    const others = tasksOn("a", heavy).map((task) => ({ ...task, spec: { ...task.spec, flow: "other" } }));
    expect([
      hostOf(planOf({ spec: heavy, hosts: [small, large] })),
      hostOf(planOf({ spec: heavy, hosts: [small, large], tasks: others })),
    ]).toEqual(["a", "b"]);
    const plan = planOf({ spec: heavy, hosts: [small], tasks: others });
    expect([plan.status?.reason, admitted(plan)]).toEqual(["WaitingForResources", "the flow asks for 1.5 cores, host a has 0.5 of 2 free"]);
  });

  test("what no host has at all is unsatisfiable; with policy Fail nothing waits", () => {
    const tiny = aHost("a", [], { cores: 1, memoryMiB: 65_536 });
    const plan = planOf({ spec: heavy, hosts: [tiny] });
    expect([plan.status?.state, plan.status?.reason, admitted(plan)]).toEqual([
      "Failed",
      "ResourcesUnavailable",
      "the flow asks for 1.5 cores, host a has 1 of 1 free: no host has so much",
    ]);
    const others = tasksOn("a", heavy).map((task) => ({ ...task, spec: { ...task.spec, flow: "other" } }));
    const refused = planOf({ spec: heavy, hosts: [aHost("a", [], { cores: 2 })], tasks: others, given: { defaultAdmission: "Fail" } });
    expect([refused.status?.state, refused.status?.reason]).toEqual(["Failed", "ResourcesUnavailable"]);
  });

  test("only hosts that carry the labels, are schedulable and reachable are tried, and the message says of each why not", () => {
    const plain = aHost("a");
    const labelled = { ...aHost("b"), metadata: { ...aHost("b").metadata, labels: { zone: "yard" } } };
    const draining = { ...labelled, metadata: { ...labelled.metadata, name: "c" }, spec: { schedulable: "Draining" as const } };
    const closed = { ...labelled, metadata: { ...labelled.metadata, name: "d" }, spec: { schedulable: false } };
    const spec = aFlowSpec(undefined, { hostSelector: { zone: "yard" } });
    const silence = new Map([["b", 41_000]]);
    expect(hostOf(planOf({ spec, hosts: [plain, labelled, draining, closed] }))).toBe("b");
    const plan = planOf({ spec, hosts: [plain, labelled, draining, closed], given: { silence } });
    expect(admitted(plan)).toBe(
      "host a has not the labels zone=yard; host b is not reachable; host c is draining; host d is not schedulable",
    );
  });

  test("what a host could give that may not be asked now is waited for; what none of them has is not", () => {
    const spec = aFlowSpec(aChain(aGpuNode("det", 1, { required: true })));
    const small = { ...aHost("a"), metadata: { ...aHost("a").metadata, labels: { zone: "yard" } } };
    const able = { ...aHost("b", gpus("b", 1)), spec: { schedulable: "Draining" as const } };
    const { status: _, ...silent } = able;
    const going = { ...able, metadata: { ...able.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const unable = { ...aHost("b"), spec: { schedulable: false } };
    const outcome = (host: Host, of = spec) => {
      const { status } = planOf({ spec: of, hosts: [small, host] });
      return [status?.state, status?.reason];
    };
    expect(outcome(able)).toEqual(["Pending", "NoHost"]);
    expect(outcome(silent)).toEqual(["Pending", "NoHost"]);
    expect(outcome(going)).toEqual(["Failed", "DeviceUnavailable"]);
    expect(outcome(unable)).toEqual(["Failed", "DeviceUnavailable"]);
    expect(outcome(able, { ...spec, hostSelector: { zone: "yard" } })).toEqual(["Failed", "DeviceUnavailable"]);
  });

  test("devices for which an older flow waits are reserved only where it could ever be served", () => {
    const older = aFlow({ name: "older", spec: aFlowSpec(aChain(aGpuNode("det", 2, { required: true }))) });
    const waiting = planOf({
      flow: older,
      hosts: [
        aHost(
          "big",
          gpus("big", 2).map((gpu, at) => ({ ...gpu, healthy: at > 0 })),
        ),
      ],
    });
    const claims = waiting.changes.flatMap((change) =>
      change.op === "createClaim" ? [{ ...asStored(change.claim), status: { reason: "WaitingForDevices" as const } }] : [],
    );
    const younger = aFlow({
      name: "younger",
      spec: aFlowSpec(aChain(aGpuNode("det", 1, { required: true }))),
      metadata: { creationTimestamp: "2026-02-01T00:00:00Z" },
    });
    const given = { flows: [older, younger], claims };
    const big = aHost(
      "big",
      gpus("big", 2).map((gpu, at) => ({ ...gpu, healthy: at > 0 })),
    );
    expect(planOf({ flow: younger, hosts: [big], given }).status?.reason).toBe("WaitingForDevices");
    expect(hostOf(planOf({ flow: younger, hosts: [big, aHost("small", gpus("small", 1))], given }))).toBe("small");
  });

  test("needs are summed over tasks", () => {
    expect(needsOf(heavy)).toEqual({ cpu: 1.5, memoryMiB: 3_072 });
  });
});

describe("a host that is not heard of", () => {
  const fenced = aFlowSpec(undefined, { onHostLoss: "Move", fenceSeconds: 60 });
  const words = (change: Change) =>
    `${change.op} ${change.op === "createTask" || change.op === "deleteTask" || change.op === "stopTask" ? change.task.metadata.name : ""}`.trim();
  const marked = (tasks: FlowTask[]) => tasks.map((task) => ({ ...task, spec: { ...task.spec, desiredState: "Stopped" as const } }));
  const running = { phase: "Running", pid: 7, fenceSeconds: 60 } as const;
  const at = (silentMs: number) => ({
    silence: new Map([
      ["a", silentMs],
      ["b", 0],
    ]),
  });
  const hosts = [aHost("a"), aHost("b")];

  test("Wait: tasks are left alone for ever, and Ready is unknown", () => {
    const plan = planOf({ hosts, tasks: tasksOn("a", aFlowSpec()), given: at(9e9) });
    expect([plan.changes, plan.status?.reason, conditionOf("Ready", plan.status?.conditions)?.status, plan.requeueAfterMs]).toEqual([
      [],
      "HostUnreachable",
      "Unknown",
      undefined,
    ]);
  });

  test("Move: nothing happens before the keeper has certainly killed the tasks; then all are marked, then let go", () => {
    const tasks = tasksOn("a", fenced, running);
    const early = planOf({ spec: fenced, hosts, tasks, given: at(74_999) });
    expect([early.changes, early.requeueAfterMs]).toEqual([[], 1]);
    const late = planOf({ spec: fenced, hosts, tasks, given: at(75_000) });
    expect(late.changes.map(words)).toEqual(tasks.map(({ metadata }) => `stopTask ${metadata.name}`));
    const last = planOf({ spec: fenced, hosts, tasks: marked(tasks), given: at(75_000) });
    expect(last.changes.map(words)).toEqual(tasks.flatMap(({ metadata }) => ["setFinalizers", `deleteTask ${metadata.name}`]));
    expect(hostOf(planOf({ spec: fenced, hosts, given: at(75_000) }))).toBe("b");
  });

  test("only what the agent promised counts: a fence that it never heard of fences nothing", () => {
    const plan = planOf({ spec: fenced, hosts, tasks: tasksOn("a", fenced, { phase: "Running", pid: 7 }), given: at(9e9) });
    expect(plan.changes).toEqual([]);
  });

  test("Move: a task that was never started has no process to wait for", () => {
    const tasks = tasksOn("a", fenced, { phase: "Pending" });
    const { changes } = planOf({ spec: fenced, hosts, tasks: marked(tasks), given: at(56_000) });
    expect(changes.filter(({ op }) => op === "deleteTask")).toHaveLength(3);
  });

  test("P1: Wait: a process may run of which its agent could not tell any more before the host was cut off", () => {
    const tasks = tasksOn("a", aFlowSpec(), { phase: "Pending" });
    expect(planOf({ hosts, tasks, given: at(9e9) }).changes).toEqual([]);
  });

  test("what had finished there goes too: a run that begins again begins with all its tasks", () => {
    const [reader, ...rest] = marked(tasksOn("a", fenced, running));
    const tasks = [{ ...(reader as FlowTask), status: { phase: "Succeeded" as const } }, ...rest];
    expect(planOf({ spec: fenced, hosts, tasks, given: at(75_000) }).changes.filter(({ op }) => op === "deleteTask")).toHaveLength(3);
  });

  test("a device that a finished task gave back stays another's: its claim goes before it", () => {
    const spec = aFlowSpec(aChain(aGpuNode("det", 1)), { onHostLoss: "Move", fenceSeconds: 60 });
    const given = planOf({ spec, hosts: [aHost("a", gpus("a", 1))] }).changes.flatMap((change) =>
      change.op === "createClaim" ? asStored(change.claim) : [],
    );
    const allocation = { host: "a", devices: ["GPU-0-a"] };
    const claims = given.map((claim) => ({ ...claim, status: { reason: "Allocated" as const, allocation } }));
    const tasks = marked(tasksOn("a", spec, running)).map((task) =>
      task.spec.node === "det" ? { ...task, status: { phase: "Succeeded" as const } } : task,
    );
    const plan = planOf({ spec, hosts, tasks, given: { ...at(75_000), claims } });
    expect(plan.changes.map(({ op }) => op)).toEqual([
      ...["deleteClaim", "setFinalizers", "deleteTask"],
      ...["setFinalizers", "deleteTask", "setFinalizers", "deleteTask"],
    ]);
  });

  test("deleting the Host states that it is dead: its tasks are let go, also those of a flow that is deleted", () => {
    const tasks = tasksOn("a", aFlowSpec());
    expect(planOf({ hosts: [aHost("b")], tasks: marked(tasks) }).changes.filter(({ op }) => op === "deleteTask")).toHaveLength(3);
    const deleted = aFlow({ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    expect(planOf({ flow: deleted, hosts, tasks: marked(tasks), given: at(9e9) }).changes).toEqual([]);
    expect(
      planOf({ flow: deleted, hosts: [aHost("b")], tasks: marked(tasks) }).changes.filter(({ op }) => op === "deleteTask"),
    ).toHaveLength(3);
  });
});

test("a run that has succeeded stays so when its host is deleted: tasks that somebody deleted go, nothing begins again", () => {
  const condition = {
    type: "Succeeded",
    status: "True",
    reason: "Completed",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  } as const;
  const status = { run: 1, state: "Succeeded", reason: "Completed", observedGeneration: 1, conditions: [condition] } as const;
  const tasks = tasksOn("a", aFlowSpec(), { phase: "Succeeded" }).map((task) =>
    task.spec.node === "work" ? { ...task, metadata: { ...task.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } } : task,
  );
  const flow = aFlow({ status: { ...status, conditions: [...status.conditions] } });
  const plan = planOf({ flow, hosts: [aHost("b")], tasks });
  expect(plan.changes.map((change) => [change.op, "task" in change ? change.task.metadata.name : undefined])).toEqual([
    ["setFinalizers", undefined],
    ["deleteTask", "f.work.0"],
  ]);
  expect(plan.status).toEqual(flow.status);
});

describe("a host that is drained", () => {
  const draining = { ...aHost("a"), spec: { schedulable: "Draining" as const } };
  const tasks = tasksOn("a", aFlowSpec());

  test("its flows are stopped if another host takes them now, and left alone if none does", () => {
    expect(planOf({ hosts: [draining, aHost("b")], tasks }).changes.map(({ op }) => op)).toEqual(["stopTask", "stopTask", "stopTask"]);
    expect(planOf({ hosts: [draining], tasks }).changes).toEqual([]);
    const full = { ...aHost("b"), spec: { schedulable: false } };
    expect(planOf({ hosts: [draining, full], tasks }).changes).toEqual([]);
  });
});
