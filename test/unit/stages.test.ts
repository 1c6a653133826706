/** Walks stages 1 to 6 of the straight line over every sample flow, and snapshots what each stage gives. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import type { DeviceClaim, FlowTask, Host, VideoFlow } from "../../src/api/kinds.js";
import { parseManifests } from "../../src/api/parse.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { Identity } from "../../src/components/basic/identity.js";
import { IntProducer } from "../../src/components/basic/int-producer.js";
import { VoidConsumer } from "../../src/components/basic/void-consumer.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import type { Change } from "../../src/controller/flow/observed.js";
import { reconcileFlow } from "../../src/controller/flow/reconcile.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { Flow } from "../../src/flow/flow.js";
import { markBuiltIn } from "../../src/flow/manifest.js";
import { aHost, devices, EPOCH } from "../support/builders.js";

const FOLDER = "manifests/flows";
const SAMPLES = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml"));
const ONE_HOST = [aHost("edge-1", devices(2))];
const TWO_HOSTS = [aHost("edge-1", devices(1)), aHost("edge-2", devices(2))];

/** Stages 1 and 2. */
function flowOf(file: string): VideoFlow {
  const { documents, problems } = parseManifests(readFileSync(`${FOLDER}/${file}`, "utf8"), file);
  const checked = documents.map(({ value }) => validateVideoFlow(value));
  expect([...problems, ...checked.flatMap((one) => one.problems)]).toEqual([]);
  const [{ flow }] = checked as [(typeof checked)[number]];
  const metadata = { namespace: "default", uid: "uid-1", resourceVersion: "1", generation: 1, creationTimestamp: EPOCH };
  return { ...flow, metadata: { ...metadata, ...flow?.metadata } } as VideoFlow;
}

/** Stages 4 to 6, made true in memory until nothing is left to do. @returns all changes, in order. */
function settle(flow: VideoFlow, hosts: readonly Host[]): { changes: string[]; tasks: FlowTask[]; state: string; message: string } {
  const changes: string[] = [];
  const tasks: FlowTask[] = [];
  const claims: DeviceClaim[] = [];
  let now = flow;
  for (let round = 0; round < 10; round += 1) {
    const shape = shapeOf(now.spec, (component) => DESCRIPTORS.get(component));
    const plan = reconcileFlow({ nowMs: 0, wallMs: 0, flow: now, shape, flows: [now], tasks, claims, hosts, defaultAdmission: "Fail" });
    if (plan.changes.length === 0) return { changes, tasks, state: plan.status?.state ?? "", message: plan.status?.message ?? "" };
    for (const change of plan.changes) {
      changes.push(describeChange(change));
      now = applyChange(change, now, tasks, claims);
    }
    now = { ...now, ...(plan.status === undefined ? {} : { status: plan.status }) };
  }
  throw new Error(`${flow.metadata.name} does not settle: ${changes.join("\n")}`);
}

function applyChange(change: Change, flow: VideoFlow, tasks: FlowTask[], claims: DeviceClaim[]): VideoFlow {
  const stored = { namespace: "default", resourceVersion: "1", generation: 1, creationTimestamp: EPOCH };
  switch (change.op) {
    case "createClaim":
      claims.push({ ...change.claim, metadata: { ...stored, uid: change.claim.metadata.name, ...change.claim.metadata } } as DeviceClaim);
      return flow;
    case "decideClaim":
      claims.forEach((claim, i) => {
        if (claim.metadata.name === change.claim) claims[i] = { ...claim, status: change.status };
      });
      return flow;
    case "createTask":
      tasks.push({ ...change.task, metadata: { ...stored, uid: change.task.metadata.name, ...change.task.metadata } } as FlowTask);
      return flow;
    case "setFinalizers":
      return { ...flow, metadata: { ...flow.metadata, finalizers: change.finalizers } };
    default:
      throw new Error(`a new flow should not need ${change.op}`);
  }
}

function describeChange(change: Change): string {
  switch (change.op) {
    case "createClaim":
      return `claim ${change.claim.metadata.name}`;
    case "decideClaim":
      return `decide ${change.claim}: ${change.status.reason} ${change.status.allocation?.host ?? ""} ${change.status.allocation?.devices.join() ?? ""}`.trim();
    case "createTask":
      return `task ${change.task.metadata.name} on ${change.task.spec.host}, ${change.task.spec.deviceType}`;
    default:
      return change.op;
  }
}

describe.each(SAMPLES)("%s", (file) => {
  test("is parsed, defaulted and valid (stages 1 and 2)", () => {
    expect(flowOf(file).spec).toMatchSnapshot();
  });

  test("has a graph with channels (stage 3)", () => {
    const { problems, graph, channels, memoryBytes } = shapeOf(flowOf(file).spec, (component) => DESCRIPTORS.get(component));
    const order = graph?.nodes.map(({ name, tasks, inputs }) => `${name} x${tasks} <- ${inputs.join()}`);

    expect({ problems, order, channels, memoryBytes }).toMatchSnapshot();
  });

  test("becomes claims and tasks on one host, all or nothing (stages 4 to 6)", () => {
    const { changes, state, message } = settle(flowOf(file), ONE_HOST);

    expect({ changes, state, message }).toMatchSnapshot();
  });

  test("is placed whole on one of two hosts, its spec unchanged (requirement 10)", () => {
    const flow = flowOf(file);
    const { tasks } = settle(flow, TWO_HOSTS);

    expect(new Set(tasks.map(({ spec }) => spec.host)).size).toBe(1);
    expect(tasks.map(({ spec }) => spec.channels)).toEqual(settle(flow, ONE_HOST).tasks.map(({ spec }) => spec.channels));
    expect(flow).toEqual(flowOf(file));
  });
});

test("requirement 10: a flow in TypeScript is placed whole on one of two hosts, its spec unchanged", () => {
  markBuiltIn({ IntProducer, Identity, VoidConsumer });
  const work = new Identity({}, { name: "work", nbTasks: 2, deviceType: "gpu" }).from(new IntProducer({ end: 3 }, { name: "numbers" }));
  const manifest = new Flow([new VoidConsumer({}, { name: "sink" }).from(work)], { name: "typed" }).toManifest();
  const { flow, problems } = validateVideoFlow(manifest);
  const metadata = { namespace: "default", uid: "uid-1", resourceVersion: "1", generation: 1, creationTimestamp: EPOCH };
  const stored = { ...flow, metadata: { ...metadata, ...flow?.metadata } } as VideoFlow;

  const placed = [ONE_HOST, TWO_HOSTS].map((hosts) => settle(stored, hosts).tasks);

  expect(problems).toEqual([]);
  expect(placed.map((tasks) => new Set(tasks.map(({ spec }) => spec.host)).size)).toEqual([1, 1]);
  expect(placed[0]?.map(({ spec }) => spec.channels)).toEqual(placed[1]?.map(({ spec }) => spec.channels));
});
