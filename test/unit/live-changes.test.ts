import { expect, test } from "@jest/globals";
import type { Host, HostStatus, NodeSpec } from "../../src/api/kinds.js";
import { usedOf } from "../../src/controller/flow/hosts.js";
import { NO_FAULTS } from "../sim/faulty-store.js";
import { aChain, aDevice, aFlowSpec, aGpuNode, aHost, aNode, devices } from "../support/builders.js";
import { LiveWorld } from "../support/live-world.js";

const HOST = aHost("h", devices(2));
const realtime = (...nodes: NodeSpec[]) => aFlowSpec(aChain(...nodes), { flowType: "Realtime" });
const twoNodes = () => LiveWorld.start(realtime(aNode("one", { nbTasks: 2 }), aNode("two")), HOST);

test("only the tasks of the changed node are replaced", async () => {
  const world = await twoNodes();
  await world.editNode("two", { params: { edit: 1 } });
  await world.settle();
  expect(world.told()).toEqual(["replace f.two.0 Running", "spawn f.two.0 on cpu"]);
  expect([await world.condition("Ready"), await world.condition("Reconciling"), (await world.flow()).status?.observedGeneration]).toEqual([
    "True TasksReady",
    "False Settled",
    2,
  ]);
});

test("one node after the other, in the order of the data; the next one only when all of the one before are ready", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, nodes: spec.nodes.map((node) => (node.role === "Processor" ? { ...node, retries: 9 } : node)) }));
  await world.settle();
  expect(world.told()).toEqual([
    ...["replace f.one.0 Running", "replace f.one.1 Running", "spawn f.one.0 on cpu", "spawn f.one.1 on cpu"],
    ...["replace f.two.0 Running", "spawn f.two.0 on cpu"],
  ]);
});

test("a node whose new template does not get ready holds the others back, and says so; a better spec goes past it", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, nodes: spec.nodes.map((node) => (node.role === "Processor" ? { ...node, retries: 9 } : node)) }));
  await world.reconcile();
  await world.reconcile();
  expect([world.told(), await world.condition("Reconciling")]).toEqual([
    ["replace f.one.0 Running", "replace f.one.1 Running"],
    "True RollingOut",
  ]);
  expect((await world.flow()).status?.message).toContain("node one: 0 of 2 tasks run the new template; then two");
  await world.editNode("one", { retries: 8 });
  await world.reconcile();
  expect(world.told()).toEqual(["replace f.one.0 Running", "replace f.one.1 Running"]);
});

test("what needs no other process is changed in place: restart policy, deadlines, grace", async () => {
  const world = await twoNodes();
  await world.editNode("two", { startupDeadlineSeconds: 7, progressDeadlineSeconds: 8, terminationGracePeriodSeconds: 9 });
  await world.settle();
  expect(world.told()).toEqual(["update f.two.0 Running"]);
  expect((await world.tasks()).find(({ spec }) => spec.node === "two")?.spec).toMatchObject({
    startupDeadlineSeconds: 7,
    progressDeadlineSeconds: 8,
  });
});

test("an invalid spec changes nothing, and pausing goes on all the same", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, desiredState: "Paused", nodes: [aNode("lost", { inputs: ["nowhere"] })] }));
  await world.settle();
  expect(world.told()).toEqual(["update f.reader.0 Paused"]);
  const conditions = await Promise.all(["Accepted", "Ready", "Paused", "Stalled"].map((type) => world.condition(type)));
  expect(conditions).toEqual(["False Invalid", "True TasksReady", "True HeldBack", "True Invalid"]);
  expect((await world.flow()).status?.observedGeneration).toBe(2);
});

test("D4: what made way for a change that took its device, and that a spoilt spec cut short, works again on the CPU", async () => {
  const both = (count: number) => aChain(aGpuNode("det", 1, { count }), aGpuNode("face", 1, { count }));
  const world = await LiveWorld.start(aFlowSpec(both(1)), HOST);
  const face = async () => (await world.tasks()).find(({ spec }) => spec.node === "face")?.spec;
  await world.edit((spec) => ({ ...spec, nodes: both(3) }));
  for (let rounds = 0; rounds < 10 && !world.log.includes("decide f.face.0 CpuFallback"); rounds += 1) {
    await world.agent.tick(NO_FAULTS);
    await world.reconcile();
  }
  expect(await face()).toMatchObject({ desiredState: "Retired", deviceType: "GPU", claim: "f.face.0" }); // It is not its turn yet.

  await world.edit((spec) => ({ ...spec, nodes: [aNode("lost", { inputs: ["nowhere"] })] }));
  await world.settle();
  expect(await face()).toMatchObject({ desiredState: "Running", deviceType: "CPU" });
  expect([await world.condition("Accepted"), await world.condition("Ready")]).toEqual(["False Invalid", "True TasksReady"]);

  await world.edit((spec) => ({ ...spec, nodes: both(1) }));
  await world.settle();
  expect(await face()).toMatchObject({ desiredState: "Running", deviceType: "GPU", claim: "f.face.0" });
  expect(world.told().filter((text) => text.startsWith("spawn f.face.0"))).toEqual(["spawn f.face.0 on cpu", "spawn f.face.0 on GPU-1"]);
});

test("a pause asks producers alone, and says when nothing is in flight", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, desiredState: "Paused" }));
  await world.settle();
  expect([world.told(), (await world.flow()).status?.state, await world.condition("Drained")]).toEqual([
    ["update f.reader.0 Paused"],
    "Paused",
    "True NothingInFlight",
  ]);
  await world.edit((spec) => ({ ...spec, desiredState: "Running" }));
  await world.settle();
  expect([world.told(), (await world.flow()).status?.state]).toEqual([["update f.reader.0 Running"], "Running"]);
});

test("more tasks of a node are added, fewer are retired from the highest index, and nobody else is touched", async () => {
  const world = await twoNodes();
  await world.editNode("two", { nbTasks: 3 });
  await world.settle();
  expect(world.told().filter((text) => !text.startsWith("update"))).toEqual([
    ...["createTask f.two.1", "createTask f.two.2", "spawn f.two.1 on cpu", "spawn f.two.2 on cpu"],
  ]);
  expect((await world.flow()).status?.ready).toBe("7/7");
  await world.editNode("two", { nbTasks: 1 });
  await world.settle();
  expect(world.told().filter((text) => !text.startsWith("update"))).toEqual(["deleteTask f.two.1", "deleteTask f.two.2"]);
  expect([(await world.flow()).status?.ready, await world.condition("Reconciling")]).toEqual(["5/5", "False Settled"]);
});

test("the keys of a partitioned node change hands while none of its tasks runs", async () => {
  const world = await LiveWorld.start(realtime(aNode("keyed", { nbTasks: 2, partitionBy: "trace_id" })), HOST);
  await world.editNode("keyed", { nbTasks: 3 });
  await world.settle();
  const told = world.told().filter((text) => text.includes("keyed"));
  expect(told).toEqual([
    ...["update f.keyed.0 Retired", "update f.keyed.1 Retired", "update f.keyed.0 Running", "update f.keyed.1 Running"],
    ...["createTask f.keyed.2", "spawn f.keyed.0 on cpu", "spawn f.keyed.1 on cpu", "spawn f.keyed.2 on cpu"],
  ]);
});

test("devices: a changed wish retires its node before it is decided, and a sibling gets what it needs", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 1)), HOST);
  await world.editNode("det", { device: { required: true, count: 2, sharing: "Exclusive" } });
  await world.settle();
  expect(world.told().filter((text) => text.includes("det"))).toEqual([
    ...[
      "update f.det.0 Retired",
      "updateClaim f.det.0",
      "decide f.det.0 GPU-0,GPU-1",
      "replace f.det.0 Running",
      "spawn f.det.0 on GPU-0,GPU-1",
    ],
  ]);
});

/** Every state between two writes; devices that two claims hold at once. */
function watchGrants(world: LiveWorld): string[] {
  const held = new Map<string, readonly string[]>();
  const twice: string[] = [];
  world.store.watch("DeviceClaim", ({ type, object: { metadata, status } }) => {
    held.set(metadata.name, type === "Deleted" ? [] : (status?.allocation?.devices ?? []));
    const all = [...held.values()].flat();
    if (new Set(all).size < all.length) twice.push([...held].map(([name, own]) => `${name} ${own}`).join(", "));
  });
  return twice;
}

test("devices: claims that trade devices in a ring never hold one twice, whatever the controller dies between", async () => {
  const gpu = (index: number, product: string) => aDevice(`GPU-${index}`, { index, product });
  const device = (product: string) => ({ required: true, count: 1, sharing: "Exclusive" as const, product });
  const nodes = ["a", "b", "c"].map((name) => aGpuNode(name, 1, device(name)));
  const world = await LiveWorld.start(realtime(...nodes), aHost("h", [gpu(0, "a"), gpu(1, "b"), gpu(2, "c")]));
  const twice = watchGrants(world);
  const next: Readonly<Record<string, string>> = { a: "b", b: "c", c: "a" };
  await world.edit((spec) => ({
    ...spec,
    nodes: spec.nodes.map((node) => (next[node.name] === undefined ? node : { ...node, device: device(next[node.name] as string) })),
  }));
  await world.settle();
  const claims = await world.store.list("DeviceClaim");
  expect(claims.map(({ metadata, status }) => `${metadata.name} ${status?.allocation?.devices}`)).toEqual([
    "f.a.0 GPU-1",
    "f.b.0 GPU-2",
    "f.c.0 GPU-0",
  ]);
  expect(twice).toEqual([]);
  expect(await world.condition("Ready")).toBe("True TasksReady");
  expect(world.told().filter((text) => text.startsWith("decide"))).toEqual([
    ...["decide f.a.0 WaitingForDevices", "decide f.c.0 GPU-0", "decide f.b.0 GPU-2", "decide f.a.0 GPU-1"],
  ]);
});

test("devices: a wish that cannot be met leaves alone what runs, and says so", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 1), aGpuNode("face", 1)), HOST);
  await world.editNode("det", { params: { edit: 1 }, device: { required: true, count: 2, sharing: "Exclusive" } });
  await world.settle();
  const conditions = await Promise.all(["Accepted", "Admitted", "Ready", "Reconciling", "Stalled"].map((type) => world.condition(type)));
  expect([world.told(), conditions]).toEqual([
    [],
    ["True Valid", "True Admitted", "True TasksReady", "True WaitingForDevices", "False NotStalled"],
  ]);
  expect((await world.flow()).status?.message).toMatch(/the changed spec waits, what runs is left alone: .*det.*2 GPUs/);
  await world.editNode("face", { deviceType: "CPU" });
  await world.settle();
  expect((await world.tasks()).find(({ spec }) => spec.node === "det")?.status?.phase).toBe("Running");
  expect(await world.condition("Reconciling")).toBe("True WaitingForDevices");
});

test("devices: a wish that is given up gives the device back only when its process is replaced", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 1)), HOST);
  await world.editNode("det", { deviceType: "CPU" });
  await world.reconcile();
  expect(world.told()).toEqual(["replace f.det.0 Running"]);
  await world.settle();
  expect(world.told()).toEqual(["spawn f.det.0 on cpu", "deleteClaim f.det.0"]);
});

test("devices: what is said of a node is true of its present tasks, and so are its claims", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 3)), HOST);
  const told = async () => {
    const { message = "", devices: granted } = (await world.flow()).status ?? {};
    const claims = await world.store.list("DeviceClaim");
    return [message.replace(/^.*?; /, ""), granted, [...new Set(claims.map(({ status }) => status?.message))]];
  };
  const sentence = (needed: number, outcome: string) => `node det needs ${needed} GPUs, host h has 2 free: ${outcome}`;
  for (const [nbTasks, granted, outcome] of [
    [3, "2/3", "2 tasks on GPU-0, GPU-1, 1 on CPU"],
    [2, "2/2", "2 tasks on GPU-0, GPU-1"],
    [4, "2/4", "2 tasks on GPU-0, GPU-1, 2 on CPU"],
  ] as const) {
    await world.editNode("det", { nbTasks });
    await world.settle();
    expect(await told()).toEqual([sentence(nbTasks, outcome), granted, [sentence(nbTasks, outcome)]]);
    const before = world.store.version;
    await world.settle();
    expect(world.store.version).toBe(before);
  }
});

test("devices: a task that comes gets the GPU that is free, although a sibling runs on the CPU", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 3)), HOST);
  const host = (await world.store.get({ kind: "Host", namespace: "", name: "h" })) as Host;
  await world.store.updateStatus<"Host">({ ...host, status: { ...(host.status as HostStatus), devices: devices(3) } });
  await world.editNode("det", { nbTasks: 4 });
  await world.settle();
  const claims = await world.store.list("DeviceClaim");
  expect(claims.map(({ metadata, status }) => `${metadata.name} ${status?.allocation?.devices.join() ?? status?.reason}`)).toEqual([
    ...["f.det.0 GPU-0", "f.det.1 GPU-1", "f.det.2 CpuFallback", "f.det.3 GPU-2"],
  ]);
  expect((await world.flow()).status?.message).toMatch(/3 tasks on GPU-0, GPU-1, GPU-2, 1 on CPU$/);
});

test("what has finished is not touched by a changed template", async () => {
  const world = await LiveWorld.start(aFlowSpec(aChain(aNode("one")), { desiredState: "Paused" }), HOST);
  await world.report("f.reader.0", { phase: "Succeeded" });
  await world.editNode("reader", { params: { edit: 1 } });
  await world.settle();
  expect(world.told().filter((text) => text.includes("reader"))).toEqual([]);
});

const RUNNING_AGAIN = ["f.one.0", "f.one.1", "f.reader.0", "f.two.0", "f.writer.0"];
const asked = (names: readonly string[], state: string) => names.map((name) => `update ${name} ${state}`);

test("other inputs of a node: the run comes to rest, makes way, and goes on in other channels; no task is stopped", async () => {
  const world = await twoNodes();
  const before = await world.tasks();
  await world.editNode("two", { inputs: ["reader"] });
  await world.settle();
  const told = world.told();
  expect(told.slice(0, 6)).toEqual(["update f.reader.0 Paused", ...asked(RUNNING_AGAIN, "Retired")]);
  expect(told.slice(6, 11).toSorted()).toEqual([
    "replace f.two.0 Running",
    ...asked(
      RUNNING_AGAIN.filter((name) => name !== "f.two.0"),
      "Running",
    ),
  ]);
  expect(told.slice(11).toSorted()).toEqual(["carries over f", ...RUNNING_AGAIN.map((name) => `spawn ${name} on cpu`)]);
  expect((await world.tasks()).map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
  const flow = await world.flow();
  expect([flow.status?.state, flow.status?.run, flow.status?.begunAgain, await world.condition("Reconciling")]).toEqual([
    "Running",
    1,
    undefined,
    "False Settled",
  ]);
});

test("nodes come and go, and tasks beyond the room of the run come, while the other tasks keep their objects", async () => {
  const world = await twoNodes();
  const uids = async () => new Map((await world.tasks()).map(({ metadata }) => [metadata.name, metadata.uid]));
  const before = await uids();
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("one", { nbTasks: 5 }), aNode("new"), aNode("two")) }));
  await world.settle();
  expect((await world.flow()).status).toMatchObject({ state: "Running", ready: "9/9" });
  const grown = await uids();
  expect([...before].filter(([name, uid]) => grown.get(name) !== uid)).toEqual([]);
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("new")) }));
  await world.settle();
  expect([...(await uids()).keys()].toSorted()).toEqual(["f.new.0", "f.reader.0", "f.writer.0"]);
  expect((await world.flow()).status?.begunAgain).toBeUndefined();
});

test("a change that comes while another one is under way is followed in the end, and one that is taken back lets the tasks go on", async () => {
  for (let rounds = 1; rounds < 8; rounds += 1) {
    const world = await twoNodes();
    const { spec } = await world.flow();
    await world.editNode("two", { inputs: ["reader"] });
    for (let round = 0; round < rounds; round += 1) {
      await world.reconcile();
      await world.agent.tick(NO_FAULTS);
    }
    if (rounds % 2 === 0) await world.edit(() => spec);
    else await world.edit((present) => ({ ...present, nodes: aChain(aNode("three"), aNode("two")) }));
    await world.settle();
    const names = (await world.tasks()).map(({ metadata }) => metadata.name).toSorted();
    expect(names).toEqual(rounds % 2 === 0 ? RUNNING_AGAIN : ["f.reader.0", "f.three.0", "f.two.0", "f.writer.0"]);
    expect((await world.flow()).status).toMatchObject({ state: "Running", reason: "TasksReady" });
    expect((await world.flow()).status?.begunAgain).toBeUndefined();
  }
});

/** Lets controller and agent go on until the controller has said something. */
async function until(world: LiveWorld, text: string): Promise<void> {
  for (let rounds = 0; rounds < 20; rounds += 1) {
    await world.reconcile();
    if (world.log.includes(text)) return;
    await world.agent.tick(NO_FAULTS);
  }
  throw new Error(`nobody said ${text}:\n${world.log.join("\n")}`);
}

test("what is found in flight once nobody works lets all work again; they make way anew only when their agent has seen it", async () => {
  const world = await twoNodes();
  await world.editNode("two", { inputs: ["reader"] });
  await until(world, "update f.writer.0 Retired");
  while ((await world.tasks()).some(({ status }) => status?.reason !== "Retired")) await world.agent.tick(NO_FAULTS);
  await world.report("f.reader.0", { rest: "Moving" });
  world.told();
  for (let looks = 0; looks < 3; looks += 1) await world.reconcile();
  expect(world.told().toSorted()).toEqual([
    ...asked(["f.one.0", "f.one.1"], "Running"),
    "update f.reader.0 Paused",
    ...asked(["f.two.0", "f.writer.0"], "Running"),
  ]);
  await world.settle();
  expect((await world.flow()).status).toMatchObject({ state: "Running", ready: "5/5" });
});

test("a change of which a crash made only a part is followed by the next one: what never began is not waited for", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("one", { nbTasks: 2 }), aNode("new"), aNode("two")) }));
  await until(world, "createTask f.new.0");
  const half = (await world.tasks()).find(({ metadata }) => metadata.name === "f.new.0");
  if (half === undefined) throw new Error("it is not there");
  await world.store.update<"FlowTask">({ ...half, metadata: { ...half.metadata, finalizers: [] } });
  await world.store.delete({ kind: "FlowTask", namespace: "default", name: "f.new.0" });
  await world.agent.tick(NO_FAULTS);
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("three"), aNode("two")) }));
  await world.settle();
  expect((await world.flow()).status).toMatchObject({ state: "Running", ready: "4/4" });
  expect((await world.flow()).status?.begunAgain).toBeUndefined();
});

test("a change that a crash cut in two and that cannot be finished says what it waits for", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("one", { nbTasks: 2 }), aNode("new"), aNode("two")) }));
  await until(world, "createTask f.new.0");
  const one = (await world.tasks()).find(({ metadata }) => metadata.name === "f.one.0");
  if (one === undefined) throw new Error("it is not there");
  await world.store.update<"FlowTask">({ ...one, spec: { ...one.spec, layoutHash: "another" } });
  await world.edit((spec) => ({ ...spec, nodes: aChain(aGpuNode("three", 1, { required: true, count: 9 })) }));
  await world.settle();
  expect((await world.flow()).status).toMatchObject({
    ...{ state: "Pending", reason: "Unsatisfiable" },
    message: expect.stringContaining("node three needs 9 GPUs"),
  });
});

test("a spec that is invalid, or whose devices are not to be had, lets what made way work again, whenever it comes", async () => {
  for (const bad of [aNode("two", { inputs: ["nowhere"] }), aGpuNode("two", 1, { required: true, count: 9 })]) {
    for (let rounds = 1; rounds < 4; rounds += 1) {
      const world = await twoNodes();
      await world.editNode("two", { inputs: ["reader"] });
      for (let round = 0; round < rounds; round += 1) await world.reconcile();
      const before = (await world.tasks()).map(({ spec }) => spec.desiredState);
      await world.edit((spec) => ({ ...spec, nodes: [...spec.nodes.filter(({ name }) => name !== "two"), bad] }));
      await world.settle();
      const tasks = await world.tasks();
      expect([before, tasks.map(({ status }) => status?.phase)]).toEqual([before, tasks.map(() => "Running")]);
      expect(tasks.map(({ spec }) => spec.desiredState)).toEqual(tasks.map(() => "Running"));
    }
  }
});

test("a run whose producer has ended cannot change its channels: it begins anew", async () => {
  const world = await LiveWorld.start(aFlowSpec(aChain(aNode("one")), { desiredState: "Paused" }), HOST);
  await world.report("f.reader.0", { phase: "Succeeded" });
  await world.edit((spec) => ({ ...spec, nodes: aChain(aNode("one"), aNode("two")) }));
  await world.settle();
  expect(world.told().filter((text) => text.startsWith("stopTask")).length).toBe(3);
});

test("what cannot be carried over makes the run begin again, and says so", async () => {
  const world = await twoNodes();
  await world.editNode("two", { inputs: ["reader"] });
  await world.report("f.two.0", { phase: "Failed", reason: "CarryOverRefused", message: "the inputs would not begin together" });
  await world.settle();
  expect([(await world.flow()).status?.begunAgain, await world.condition("Degraded")]).toEqual([
    "the inputs would not begin together; the run began again from its start",
    "True Restarted",
  ]);
});

test("a higher run begins after the run before has ended; Succeeded counts for one run", async () => {
  const world = await LiveWorld.start(aFlowSpec(aChain(aNode("one")), { desiredState: "Paused" }), HOST);
  for (const { metadata } of await world.tasks()) await world.report(metadata.name, { phase: "Succeeded", reason: "Finished" });
  await world.settle();
  expect([(await world.flow()).status?.state, (await world.flow()).status?.run]).toEqual(["Succeeded", 1]);
  await world.edit((spec) => ({ ...spec, run: 2 }));
  await world.settle();
  const { uid } = (await world.flow()).metadata;
  expect([(await world.flow()).status?.run, (await world.flow()).status?.runId, await world.condition("Succeeded")]).toEqual([
    2,
    `${uid}-2`,
    "Unknown NotFinished",
  ]);
  expect(new Set((await world.tasks()).map(({ spec }) => spec.run))).toEqual(new Set([`${uid}-2`]));
});

test("a run that is lowered again stays what it was", async () => {
  const world = await LiveWorld.start(aFlowSpec(aChain(aNode("one")), { desiredState: "Paused", run: 3 }), HOST);
  await world.edit((spec) => ({ ...spec, run: 1 }));
  await world.settle();
  expect([world.told(), (await world.flow()).status?.run]).toEqual([[], 3]);
});

test("a host that lost the memory of a run begins it again from its start, and says so until the next run", async () => {
  const world = await twoNodes();
  await world.report("f.one.0", { phase: "Failed", reason: "MemoryLost", message: "the host or its agent was started anew" });
  await world.settle();
  expect([(await world.flow()).status?.state, (await world.flow()).status?.run, await world.condition("Degraded")]).toEqual([
    "Running",
    1,
    "True Restarted",
  ]);
  expect((await world.flow()).status?.begunAgain).toContain("host h lost the run's shared memory");
  await world.edit((spec) => ({ ...spec, run: 2 }));
  await world.settle();
  expect(await world.condition("Degraded")).toBe("False AsWished");
});

test("a stop ends the run; running again begins it anew", async () => {
  const world = await twoNodes();
  await world.edit((spec) => ({ ...spec, desiredState: "Stopped" }));
  await world.settle();
  expect([(await world.flow()).status?.state, await world.condition("Drained")]).toEqual(["Stopped", "True AllTasksEnded"]);
  await world.edit((spec) => ({ ...spec, desiredState: "Running" }));
  await world.settle();
  expect([(await world.flow()).status?.state, (await world.flow()).status?.ready]).toEqual(["Running", "5/5"]);
});

test("a task that comes while another node gives its devices back starts once its own claim is decided", async () => {
  const world = await LiveWorld.start(realtime(aGpuNode("det", 1), aGpuNode("face", 1)), aHost("h", devices(4)));
  await world.edit((spec) => ({
    ...spec,
    nodes: spec.nodes.map((node) => {
      if (node.name === "det") return { ...node, device: { required: false, count: 2, sharing: "Exclusive" } };
      return node.name === "face" ? { ...node, nbTasks: 2 } : node;
    }),
  }));
  await world.settle();
  const told = world.told();
  const at = (what: string) => told.findIndex((text) => text.startsWith(what));
  expect([at("decide f.face.1 GPU"), at("createTask f.face.1")]).not.toContain(-1);
  expect(at("createTask f.face.1")).toBeGreaterThan(at("decide f.face.1 GPU"));
});

test("more tasks than there is shared memory for are refused with what is needed, what there is and which buffer to shrink; later they come", async () => {
  const world = await LiveWorld.start(realtime(aNode("one", { nbTasks: 2 }), aNode("two")), HOST);
  const before = usedOf("h", await world.tasks()).shmBytes;
  await world.hasMemory(before);

  await world.editNode("one", { nbTasks: 4 });
  await world.settle();

  expect([world.told(), (await world.tasks()).length, await world.condition("Reconciling")]).toEqual([
    [],
    5,
    "True SharedMemoryUnavailable",
  ]);
  const { state, message } = (await world.flow()).status ?? {};
  const [, need = 0, free] = /needs (\d+) MiB of shared memory, host h has (\d+) MiB free/.exec(message ?? "") ?? [];
  expect([state, Number(free)]).toEqual(["Running", Math.floor(before / 2 ** 20)]);
  expect(message).toMatch(/the changed spec waits, what runs is left alone: .*: (set buffer\.messages of node|with buffer\.messages: 1)/);

  await world.hasMemory((Number(need) - 1) * 2 ** 20);
  await world.settle();
  expect(world.told()).toEqual([]);

  await world.hasMemory(Number(need) * 2 ** 20);
  await world.settle();
  expect((await world.tasks()).map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(["f.one.2", "f.one.3"]));
  expect(usedOf("h", await world.tasks()).shmBytes).toBeLessThanOrEqual(Number(need) * 2 ** 20);
  expect(await world.condition("Reconciling")).toBe("False Settled");
});

test("a run that has the tasks and the memory for them goes on when strangers take the rest, and may have fewer tasks", async () => {
  const world = await LiveWorld.start(realtime(aNode("one", { nbTasks: 4 }), aNode("two")), HOST);
  await world.hasMemory(0);
  await world.editNode("one", { nbTasks: 1 });
  await world.settle();
  expect([(await world.tasks()).length, await world.condition("Reconciling")]).toEqual([4, "False Settled"]);
});

test("larger buffers than there is shared memory for are refused in the same words", async () => {
  const world = await LiveWorld.start(aFlowSpec(aChain(aNode("one"), aNode("two"))), HOST);
  await world.hasMemory(usedOf("h", await world.tasks()).shmBytes + 2 ** 20);
  await world.editNode("one", { buffer: { messages: 64 } });
  await world.settle();
  expect([world.told(), await world.condition("Reconciling")]).toEqual([[], "True SharedMemoryUnavailable"]);
  expect((await world.flow()).status?.message).toMatch(
    /needs \d+ MiB of shared memory, host h has \d+ MiB free: set buffer\.messages of node one to \d+/,
  );
});
