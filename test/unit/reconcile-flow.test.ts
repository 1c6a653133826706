import { describe, expect, test } from "@jest/globals";
import type { VideoFlowSpec } from "../../src/api/kinds.js";
import { desiredClaims, desiredTasks } from "../../src/controller/flow/desired.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { aChain, aDevice, aFlow, aFlowSpec, aGpuNode, aHost, aNode, describeComponent, devices } from "../support/builders.js";
import { changes, condition, decisions, NOW_MS, planOf, settle, spec, withStatus } from "../support/flow-plans.js";

describe("the ten requirements of node allocation", () => {
  test("requirement 1: nbTasks = n on a processor gives it n tasks, when the flow is run", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aNode("work", { nbTasks: 3 })) }) });
    expect(changes(plan)).toEqual([
      "create f.reader.0 CPU",
      "create f.work.0 CPU",
      "create f.work.1 CPU",
      "create f.work.2 CPU",
      "create f.writer.0 CPU",
    ]);
  });

  test("requirement 2: more than one task for a producer is refused, and nothing starts", () => {
    const nodes = aChain(aNode("work")).map((node) => (node.role === "Producer" ? { ...node, nbTasks: 2 } : node));
    const plan = planOf({ flow: aFlow({ spec: aFlowSpec(nodes) }) });
    expect([changes(plan), condition(plan, "Accepted"), plan.status?.message]).toEqual([
      [],
      "False Invalid",
      expect.stringContaining("nbTasks"),
    ]);
  });

  test("requirement 3: a component that keeps state gets one task, and the user is told", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aNode("track", { component: "Stateful", nbTasks: 4 })) }) });
    expect(changes(plan)).toEqual(["create f.reader.0 CPU", "create f.track.0 CPU", "create f.writer.0 CPU"]);
    expect(plan.status?.warnings?.join()).toMatch(/track.*4|4.*track/);
  });

  test("requirement 4: more CPU-bound tasks than cores is allowed, and told with both numbers", () => {
    const flow = aFlow({ spec: spec(aNode("work", { nbTasks: 2 }), aGpuNode("det", 2)) });
    const plan = planOf({ flow, hosts: [aHost("h", devices(1), { cores: 2 })] });
    expect(plan.status?.warnings).toEqual(["3 CPU-bound tasks share 2 cores of host h"]);
  });

  test("requirement 5: wishes beyond the GPUs run on the CPU, and the user sees which did and why", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aGpuNode("det", 3)) }), hosts: [aHost("h", devices(2))] });
    expect(decisions(plan)).toEqual(["f.reader.0 CPU", "f.det.0 GPU-0", "f.det.1 GPU-1", "f.det.2 CPU", "f.writer.0 CPU"]);
    expect([condition(plan, "Degraded"), plan.status?.devices]).toEqual(["True CpuFallback", "2/3"]);
    expect(plan.status?.decisions?.[3]?.message).toBe("node det needs 3 GPUs, host h has 2 free: 2 tasks on GPU-0, GPU-1, 1 on CPU");
  });

  test("requirement 5: required claims go before wishes", () => {
    const flow = aFlow({ spec: spec(aGpuNode("det", 4), aGpuNode("face", 1, { required: true })) });
    const plan = planOf({ flow, hosts: [aHost("h", devices(4))] });
    expect(decisions(plan)?.filter((text) => text.includes("GPU"))).toEqual([
      "f.det.0 GPU-1",
      "f.det.1 GPU-2",
      "f.det.2 GPU-3",
      "f.face.0 GPU-0",
    ]);
  });

  test("requirement 5: source code that supports no GPU gets a CPU, no claim, and a reason", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aNode("work", { deviceType: "GPU" })) }), hosts: [aHost("h", devices(1))] });
    expect(changes(plan).filter((text) => text.includes("claim"))).toEqual([]);
    expect(plan.status?.decisions?.[1]?.reason).toBe("NoGpuSupport");
  });

  test("requirement 6: a GPU of another flow is not available until that flow's task is final", () => {
    const other = settle({ flow: aFlow({ name: "other", spec: spec(aGpuNode("det")) }), hosts: [aHost("h", devices(1))] });
    const flow = aFlow({ spec: spec(aGpuNode("det")) });
    const during = planOf({ flow, tasks: other.tasks, claims: other.claims, hosts: [aHost("h", devices(1))] });
    const after = planOf({
      flow,
      tasks: withStatus(other.tasks, "other.det.0", { phase: "Succeeded" }),
      claims: other.claims,
      hosts: [aHost("h", devices(1))],
    });
    expect([decisions(during)?.[1], decisions(after)?.[1]]).toEqual(["f.det.0 CPU", "f.det.0 GPU-0"]);
    expect(during.status?.decisions?.[1]?.message).toContain("GPU-0 held by other.det.0");
  });

  test("requirement 7: without a GPU for a GPU-only node nothing is ever created", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aGpuNode("det", 1, { required: true })) }) });
    expect([changes(plan), condition(plan, "Admitted"), plan.status?.state]).toEqual([[], "False DeviceUnavailable", "Failed"]);
    expect(plan.status?.message).toContain("node det needs 1 GPU, host h has 0 free");
  });

  test("requirement 8: a CPU task has no claim", () => {
    const { tasks } = settle({ flow: aFlow({ spec: spec(aGpuNode("det", 2)) }), hosts: [aHost("h", devices(1))] });
    expect(tasks.map(({ spec: { claim, deviceType } }) => `${claim} ${deviceType}`)).toEqual([
      "undefined CPU",
      "f.det.0 GPU",
      "undefined CPU",
      "undefined CPU",
    ]);
  });

  test("requirement 9: only what the host's agent offers is granted, in its order", () => {
    const plan = planOf({ flow: aFlow({ spec: spec(aGpuNode("det", 2)) }), hosts: [aHost("h", [aDevice("GPU-7"), aDevice("GPU-3")])] });
    expect(decisions(plan)?.slice(1, 3)).toEqual(["f.det.0 GPU-7", "f.det.1 GPU-3"]);
  });

  test("requirement 10: the same spec is placed on the host of several that grants the most", () => {
    const flow = aFlow({ spec: spec(aGpuNode("det", 2)) });
    const plan = planOf({ flow, hosts: [aHost("a", devices(1)), aHost("b", devices(2)), aHost("c", devices(2))] });
    const hosts = new Set(plan.changes.flatMap((change) => (change.op === "createTask" ? [change.task.spec.host] : [])));
    expect([...hosts]).toEqual(["b"]);
  });
});

describe("a flow's life", () => {
  const gpuFlow = aFlow({ spec: spec(aGpuNode("det", 2)) });
  const hosts = [aHost("h", devices(2))];

  test("claims come first, then their decisions, then tasks", () => {
    expect(changes(planOf({ flow: gpuFlow, hosts }))).toEqual([
      ...["create claim f.det.0", "create claim f.det.1", "decide f.det.0 GPU-0", "decide f.det.1 GPU-1"],
      ...["create f.reader.0 CPU", "create f.det.0 GPU", "create f.det.1 GPU", "create f.writer.0 CPU"],
    ]);
  });

  test("C1: when all is as it should be there is nothing to change", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const once = planOf(scene);
    const twice = planOf({ ...scene, flow: { ...scene.flow, ...(once.status === undefined ? {} : { status: once.status }) } });
    expect([once.changes, twice.changes, twice.status]).toEqual([[], [], once.status]);
    expect([once.status?.state, once.status?.ready, condition(once, "Ready")]).toEqual(["Running", "4/4", "True TasksReady"]);
  });

  test("D5: what an interrupted decision granted is given back when the rest is not there any more", () => {
    const flow = aFlow({ spec: aFlowSpec(aChain(aGpuNode("det", 2, { required: true })), { admission: { policy: "Wait" } }) });
    const { claims } = settle({ flow, hosts });
    const partial = claims.map((claim, index) => (index === 0 ? claim : { ...claim, status: {} }));
    const broken = [aHost("h", [aDevice("GPU-0"), aDevice("GPU-1", { healthy: false })])];
    expect(changes(planOf({ flow, claims: partial, hosts: broken }))).toEqual([
      "decide f.det.0 WaitingForDevices",
      "decide f.det.1 WaitingForDevices",
    ]);
  });

  test("a waiting flow has claims that say so, and goes before a younger one", () => {
    const wait = (name: string, creationTimestamp: string) =>
      aFlow({
        name,
        spec: aFlowSpec(aChain(aGpuNode("det", 1, { required: true })), { admission: { policy: "Wait" } }),
        metadata: { creationTimestamp },
      });
    const busy = settle({ flow: aFlow({ name: "busy", spec: spec(aGpuNode("det", 2)) }), hosts });
    const old = settle({ flow: wait("old", "2026-01-01T00:00:01.000Z"), hosts, given: { claims: busy.claims, tasks: busy.tasks } });
    const young = wait("young", "2026-01-01T00:00:02.000Z");
    const freed = planOf({ flow: young, hosts, claims: old.claims, given: { flows: [old.flow, young] } });
    expect([old.flow.status?.state, old.flow.status?.reason, old.tasks]).toEqual(["Pending", "WaitingForDevices", []]);
    expect([freed.status?.reason, freed.status?.message]).toEqual(["WaitingForDevices", expect.stringContaining("reserved for old.det.0")]);
  });

  test("what no host could ever give fails at once, although the flow would wait", () => {
    const flow = aFlow({ spec: aFlowSpec(aChain(aGpuNode("det", 1, { required: true, count: 3 })), { admission: { policy: "Wait" } }) });
    expect(planOf({ flow, hosts }).status?.state).toBe("Failed");
  });

  test("a flow gives up when it has waited long enough", () => {
    const flow = aFlow({
      spec: aFlowSpec(aChain(aGpuNode("det", 1, { required: true })), { admission: { policy: "Wait", timeoutSeconds: 5 } }),
    });
    const busy = [aHost("h", [aDevice("GPU-0", { healthy: false })])];
    const early = planOf({ flow, hosts: busy, given: { waitingSinceMs: NOW_MS - 2_000 } });
    const late = planOf({ flow, hosts: busy, given: { waitingSinceMs: NOW_MS - 5_000 } });
    expect([early.status?.state, early.requeueAfterMs, late.status?.state]).toEqual(["Pending", 3_000, "Failed"]);
    const nowhere = [2_000, 5_000].map((ms) => planOf({ flow, hosts: [], given: { waitingSinceMs: NOW_MS - ms } }));
    expect(nowhere.map(({ status, requeueAfterMs }) => [status?.state, requeueAfterMs])).toEqual([
      ["Pending", 3_000],
      ["Failed", undefined],
    ]);
  });

  test("a refused flow stays refused until its spec changes", () => {
    const flow = aFlow({ spec: spec(aGpuNode("det", 1, { required: true })) });
    const refused = settle({ flow });
    expect(planOf({ ...refused, hosts }).changes).toEqual([]);
    expect(
      planOf({ ...refused, flow: { ...refused.flow, metadata: { ...flow.metadata, generation: 2 } }, hosts }).changes.length,
    ).toBeGreaterThan(0);
  });

  test("no host yet: the flow is pending, whatever its policy", () => {
    const plan = planOf({ hosts: [] });
    expect([plan.changes, plan.status?.state, plan.status?.reason]).toEqual([[], "Pending", "NoHost"]);
  });

  test("too little shared memory is refused with both numbers", () => {
    const plan = planOf({
      hosts: [aHost("h", [], { shmBytes: 2 ** 20 })],
      given: { shape: { ...shapeOf(aFlow().spec, describeComponent), memoryBytes: 5 * 2 ** 20 } },
    });
    expect([condition(plan, "Admitted"), plan.status?.message]).toEqual([
      "False SharedMemoryUnavailable",
      expect.stringContaining("needs 5 MiB of shared memory, host h has 1 MiB free"),
    ]);
  });

  test("all tasks succeeded: the flow succeeded, and never runs again", () => {
    const done = settle({ flow: gpuFlow, hosts }, "Succeeded");
    const plan = planOf(done);
    const latched = {
      ...done.flow,
      spec: spec(aNode("other")),
      metadata: { ...done.flow.metadata, generation: 2 },
      ...(plan.status === undefined ? {} : { status: plan.status }),
    };
    const later = planOf({ flow: latched, hosts });
    expect([condition(plan, "Succeeded"), later.changes, condition(later, "Succeeded"), later.status?.observedGeneration]).toEqual([
      "True Completed",
      [],
      "True Completed",
      2,
    ]);
  });

  test("inputs that were given up are told of, with the nodes that gave them up", () => {
    const done = settle({ flow: gpuFlow, hosts }, "Succeeded");
    const status = { phase: "Succeeded", reason: "CompletedWithDeadLetters" } as const;
    const tasks = ["f.det.0", "f.det.1"].reduce((all, name) => withStatus(all, name, status), done.tasks ?? []);
    const plan = planOf({ ...done, tasks });
    expect([condition(plan, "Succeeded"), plan.status?.message]).toEqual([
      "True CompletedWithDeadLetters",
      "all 4 tasks have finished; inputs of det are in the dead letters",
    ]);
  });

  test("a failed task: the others are stopped, and its message is the flow's", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const status = { phase: "Failed", reason: "BudgetSpent", lastExit: { reason: "Crashed", message: "Segmentation fault" } } as const;
    const plan = planOf({ ...scene, tasks: withStatus(scene.tasks, "f.det.0", status) });
    expect(changes(plan)).toEqual(["stop f.det.1", "stop f.reader.0", "stop f.writer.0"]);
    expect([plan.status?.state, condition(plan, "Succeeded"), plan.status?.message]).toEqual([
      "Stopping",
      "False BudgetSpent",
      expect.stringContaining("task f.det.0 failed: Segmentation fault"),
    ]);
  });

  test("a producer whose data is bad has ended its stream: the others drain", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const status = { phase: "Failed", lastExit: { code: 65, reason: "BadData", message: "clip.mp4: frame 17 is broken" } } as const;
    expect(planOf({ ...scene, tasks: withStatus(scene.tasks, "f.reader.0", status) }).changes).toEqual([]);
  });

  test("stopped: every task is asked, and when all are final the flow is drained", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const flow = { ...scene.flow, spec: { ...scene.flow.spec, desiredState: "Stopped" as const } };
    const asked = planOf({ ...scene, flow });
    const ended = planOf({ ...scene, flow, tasks: scene.tasks.map((task) => ({ ...task, status: { phase: "Stopped" as const } })) });
    expect([asked.changes.length, asked.status?.state, ended.changes, ended.status?.state, condition(ended, "Drained")]).toEqual([
      4,
      "Stopping",
      [],
      "Stopped",
      "True AllTasksEnded",
    ]);
  });

  test.each(["MemoryLost", "CarryOverRefused"])(
    "stopped before it could begin again after %s: it is stopped, it has not failed",
    (reason) => {
      const scene = settle({ flow: gpuFlow, hosts });
      const flow = { ...scene.flow, spec: { ...scene.flow.spec, desiredState: "Stopped" as const } };
      const ended = planOf({
        ...scene,
        flow,
        tasks: scene.tasks.map((task) => ({ ...task, status: { phase: "Failed" as const, reason } })),
      });
      expect([ended.status?.state, ended.status?.reason]).toEqual(["Stopped", "Stopped"]);
    },
  );

  test("deletion: tasks stop, then claims go, then tasks, then the flow", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const flow = { ...scene.flow, metadata: { ...scene.flow.metadata, deletionTimestamp: "2026-01-01T00:01:00.000Z" } };
    const asked = planOf({ ...scene, flow });
    const ended = planOf({ ...scene, flow, tasks: scene.tasks.map((task) => ({ ...task, status: { phase: "Stopped" as const } })) });
    expect(changes(asked)).toEqual(["stop f.det.0", "stop f.det.1", "stop f.reader.0", "stop f.writer.0"]);
    expect([changes(ended)[0], changes(ended)[2], changes(ended)[3], changes(ended).at(-1), ended.status]).toEqual([
      "delete claim f.det.0",
      "finalizers f.det.0 []",
      "delete f.det.0",
      "finalizers f []",
      undefined,
    ]);
  });

  test("other channels stop the run, and when all are final it begins anew", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const flow = { ...scene.flow, spec: spec(aGpuNode("det", 1), aNode("more")), metadata: { ...scene.flow.metadata, generation: 2 } };
    const ended = scene.tasks.map((task) => ({
      ...task,
      spec: { ...task.spec, desiredState: "Stopped" as const },
      status: { phase: "Stopped" as const },
    }));
    expect(changes(planOf({ ...scene, flow }))).toEqual(["stop f.det.0", "stop f.det.1", "stop f.reader.0", "stop f.writer.0"]);
    expect(changes(planOf({ ...scene, flow, tasks: ended })).slice(0, 2)).toEqual(["delete claim f.det.0", "delete claim f.det.1"]);
    const anew = planOf({ flow, hosts }).changes.flatMap((change) => (change.op === "createTask" ? [change.task.spec.run] : []));
    expect(new Set(anew)).toEqual(new Set(["uid-f-1"]));
  });

  test("a task that computes elsewhere than granted, or waits to be restarted, degrades the flow", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const fallback = withStatus(scene.tasks, "f.det.0", { phase: "Running", provider: "cpu", providerReason: "CUDA 12 is missing" });
    const backoff = withStatus(scene.tasks, "f.det.0", { phase: "Backoff", message: "in 4 s" });
    expect(condition(planOf(scene), "Degraded")).toBe("False AsWished");
    expect([
      condition(planOf({ ...scene, tasks: fallback }), "Degraded"),
      condition(planOf({ ...scene, tasks: backoff }), "Degraded"),
    ]).toEqual(["True ProviderFallback", "True ReplicaLost"]);
  });

  test("a task that began empty after a death degrades the flow, by name", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const lost = withStatus(scene.tasks, "f.det.0", { phase: "Running", stateLost: '"det" began empty after a restart' });
    expect(condition(planOf({ ...scene, tasks: lost }), "Degraded")).toBe("True StateLost");
  });

  test("an invalid new spec leaves alone what runs, and says so", () => {
    const scene = settle({ flow: gpuFlow, hosts });
    const invalid: VideoFlowSpec = aFlowSpec([aNode("lost", { inputs: ["nowhere"] })]);
    const plan = planOf({ ...scene, flow: { ...scene.flow, spec: invalid } });
    expect([plan.changes, condition(plan, "Accepted")]).toEqual([[], "False Invalid"]);
  });

  test("a run that lost a task ends when an invalid spec cannot begin it anew", () => {
    const scene = settle({ flow: aFlow({ spec: spec(aNode("work")) }), hosts });
    const invalid: VideoFlowSpec = aFlowSpec([aNode("lost", { inputs: ["nowhere"] })]);
    const flow = { ...scene.flow, spec: invalid };
    const cut = withStatus(scene.tasks, "f.reader.0", { phase: "Stopped" });
    const stopping = planOf({ ...scene, flow, tasks: cut });
    expect([changes(stopping), stopping.status?.state, stopping.status?.reason, condition(stopping, "Stalled")]).toEqual([
      ["stop f.work.0", "stop f.writer.0"],
      "Stopping",
      "Invalid",
      "True Invalid",
    ]);
    const over = { spec: { desiredState: "Stopped" as const }, status: { phase: "Stopped" as const } };
    const ended = cut.map((task) => ({ ...task, spec: { ...task.spec, ...over.spec }, status: over.status }));
    const removed = changes(planOf({ ...scene, flow, tasks: ended }));
    expect(removed.filter((text) => text.startsWith("delete"))).toHaveLength(3);
    expect(planOf({ ...scene, flow, tasks: [], claims: [] }).status?.state).toBe("Failed");
    const failed = withStatus(scene.tasks, "f.reader.0", { phase: "Failed" });
    expect(changes(planOf({ ...scene, flow, tasks: failed }))).toEqual(["stop f.work.0", "stop f.writer.0"]);
  });
});

test("a task carries what its agent needs, and equal specs give equal hashes", () => {
  const flow = aFlow({ spec: spec(aGpuNode("det", 2)) });
  const { graph, channels } = shapeOf(flow.spec, describeComponent);
  const tasks = graph === undefined ? [] : desiredTasks(flow, graph, channels, { host: "h", run: "r", onGpu: new Set(["f.det.1"]) });
  const claims = graph === undefined ? [] : desiredClaims(flow, graph, "r");
  expect(
    tasks.map(
      ({ spec: { node, index, nbTasks, flowTasks, deviceType, claim } }) =>
        `${node}.${index}/${nbTasks} of ${flowTasks} ${deviceType} ${claim}`,
    ),
  ).toEqual([
    ...["reader.0/1 of 4 CPU undefined", "det.0/2 of 4 CPU undefined", "det.1/2 of 4 GPU f.det.1", "writer.0/1 of 4 CPU undefined"],
  ]);
  expect(tasks[1]?.metadata).toMatchObject({
    name: "f.det.0",
    labels: { "videoflow.io/flow": "f", "videoflow.io/node": "det" },
    ownerReferences: [{ uid: "uid-f" }],
  });
  expect(claims.map(({ spec: { node, index, count, sharing, required } }) => `${node}.${index} ${count} ${sharing} ${required}`)).toEqual([
    "det.0 1 Exclusive false",
    "det.1 1 Exclusive false",
  ]);
});

test("P6: a run that finished before anybody saw it has succeeded, although the spec has changed since", () => {
  const scene = settle({ flow: aFlow({ spec: spec(aNode("work")) }) }, "Succeeded");
  const flow = { ...scene.flow, spec: spec(aNode("other")), metadata: { ...scene.flow.metadata, generation: 2 } };
  const plan = planOf({ ...scene, flow });
  expect([plan.changes, plan.status?.state, condition(plan, "Succeeded")]).toEqual([[], "Succeeded", "True Completed"]);
});
