import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import type { DeadLetter } from "../../src/base/dead-letters.js";
import { retryDocument, retryInCluster } from "../../src/cli/retry-in-cluster.js";
import type { Connection } from "../../src/cli/world.js";
import type { AgentServices, FlowKey } from "../../src/store/agent-services.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { aChain, aFlowSpec, aNewFlow, aNode, describeComponent } from "../support/builders.js";
import { eventually } from "../support/flow-process.js";
import { newTask } from "../support/processes-agent.js";

const letter = (id: string, more: Partial<DeadLetter> = {}) => ({ id, node: "work", inputs: [{}], run: "", ...more }) as DeadLetter;
const LETTERS = [letter("work.0.1"), letter("work.0.2")];
const OUTPUT = { name: "an output" } as never;

let store: EmbeddedStore;
let flow: VideoFlow;
let asked: FlowKey[];
let buried: readonly DeadLetter[];
let watches: number;
beforeEach(async () => {
  store = await EmbeddedStore.open();
  watches = 0;
  const watch = store.watch.bind(store);
  Object.assign(store, {
    watch: (...args: Parameters<typeof watch>) => {
      watches += 1;
      return watch(...args);
    },
  });
  flow = await store.create(
    aNewFlow("f", { ...aFlowSpec(aChain(aNode("work", { nbTasks: 4 }))), flowType: "Realtime", run: 7, desiredState: "Paused" }),
  );
  await store.create<"FlowTask">(newTask({ flow: "f", host: "edge-1" }));
  [asked, buried] = [[], []];
});
afterEach(() => store.close());

const documentOf = (given: Pick<VideoFlow, "metadata" | "spec"> = flow, letters = LETTERS) =>
  retryDocument(given, "edge-1", letters, describeComponent);
const named = (name: string) => store.get({ kind: "VideoFlow", namespace: "default", name });

/** A cluster whose host answers for one flow. */
function retry(timeoutMs = 60_000) {
  const services = {
    deadLetters: async (key: FlowKey) => {
      asked.push(key);
      return buried;
    },
    letterOutputs: async () => [OUTPUT],
  } as Partial<AgentServices> as AgentServices;
  const connection: Connection = {
    ...{ store, services, target: "test", namespace: "default", isCluster: true },
    ...{ lost: new Promise(() => {}), close: async () => {} },
  };
  return retryInCluster(connection, "f", LETTERS, { describe: describeComponent, timeoutMs });
}

async function end(name: string, state: "Succeeded" | "Failed"): Promise<VideoFlow> {
  const own = await eventually("the retry", () => named(name));
  return store.updateStatus<"VideoFlow">({ ...own, status: { state, reason: "R", message: "m" } });
}

test("a retry runs once, at once, on the host that has the letters, with the node alone and one task of it", () => {
  const { metadata, spec } = documentOf();
  expect(metadata).toEqual({
    name: expect.stringMatching(/^f-retry-[0-9a-f]{8}$/),
    namespace: "default",
    labels: { "videoflow.io/retry-of": "f" },
  });
  const { nodes, ...own } = spec as VideoFlow["spec"];
  expect(own).toMatchObject({
    ...{ flowType: "Batch", run: 1, desiredState: "Running", admission: { policy: "Wait", timeoutSeconds: 60 } },
    hostSelector: { "kubernetes.io/hostname": "edge-1" },
  });
  expect(nodes.map(({ name, nbTasks, inputs, params }) => [name, nbTasks, inputs.join(), params["folder"]])).toEqual([
    ["retry-letters", 1, "", undefined],
    ["retry-input-0", 1, "retry-letters", "deadletters:f"],
    ["work", 1, "retry-input-0", undefined],
    ["retry-results", 1, "work", `deadletters:${metadata.name}`],
  ]);
});

test("the same letters of the same spec are one retry; other letters, another spec and another flow of the name are another", () => {
  const name = (given?: Pick<VideoFlow, "metadata" | "spec">, letters?: DeadLetter[]) => documentOf(given, letters).metadata.name;
  const { metadata, spec } = flow;
  const others = [
    name(flow, LETTERS.slice(1)),
    name({ spec, metadata: { ...metadata, generation: 2 } }),
    name({ spec, metadata: { ...metadata, uid: "another" } }),
  ];
  expect(name()).toBe(name());
  expect(new Set([name(), ...others]).size).toBe(4);
  expect(name({ spec, metadata: { ...metadata, name: "n".repeat(63) } })).toHaveLength(40 + "-retry-".length + 8);
});

test("who retries waits for the end, hears of outputs and of what failed again, and leaves nothing", async () => {
  const { name } = documentOf().metadata;
  const retried = retry();
  const { metadata } = await end(name, "Succeeded");
  buried = [letter("new", { run: `${metadata.uid}-1` }), letter("of an earlier retry", { run: "other-1" })];
  expect(await retried).toMatchObject({ isDone: true, outputs: [OUTPUT], buried: [{ id: "new" }] });
  expect([await named(name), asked]).toEqual([undefined, [{ namespace: "default", name }]]);
});

test("a retry that fails says why", async () => {
  const retried = retry();
  await end(documentOf().metadata.name, "Failed");
  expect(await retried).toMatchObject({ isDone: false, problem: "R: m" });
});

test("who asks again while it runs waits for it; a flow of that name that is none is not taken", async () => {
  const document = documentOf();
  const running = await store.create<"VideoFlow">(document as VideoFlow);
  const retried = retry();
  await end(document.metadata.name, "Succeeded");
  expect(await retried).toMatchObject({ isDone: true });
  expect((await store.list("VideoFlow")).map(({ metadata }) => metadata.uid)).not.toContain(running.metadata.uid);

  await store.create(aNewFlow(document.metadata.name));
  await expect(retry()).rejects.toMatchObject({ code: "STORE_EXISTS" });
});

test("it is left to itself after its time, and is not found when it is removed or the flow has no host", async () => {
  const { name } = documentOf().metadata;
  await expect(retry(30)).rejects.toMatchObject({ code: "WAIT_TIMEOUT" });
  expect(await named(name)).toBeDefined();

  const failure = expect(retry()).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  await eventually("that it is waited for", () => watches === 2);
  await store.delete({ kind: "VideoFlow", namespace: "default", name });
  await failure;
  await store.delete({ kind: "FlowTask", namespace: "default", name: "f.a.0" });
  await expect(retry()).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
});
