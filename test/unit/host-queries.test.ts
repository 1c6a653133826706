import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { HostQueries } from "../../src/agent/host-queries.js";
import { API_VERSION, type HostQuery } from "../../src/api/kinds.js";
import type { DeadLetter, LetterOutput } from "../../src/base/dead-letters.js";
import type { LogChunk, LogQuery } from "../../src/store/agent-services.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { HOST_QUERY_LABEL, type QueryTimes } from "../../src/store/host-query.js";
import { QueriedServices } from "../../src/store/queried-services.js";
import { eventually } from "../support/flow-process.js";
import { newTask } from "../support/processes-agent.js";

/** Nobody is ever late, unless a test says so. */
const PATIENT: QueryTimes = { gatherMs: 10, idleMs: 60, takenMs: 600_000, silentMs: 600_000 };
const FLOW = { namespace: "default", name: "f" };

let store: EmbeddedStore;
let answering: HostQueries;
let asked: LogQuery[];
let lines: () => AsyncIterable<LogChunk>;
let troubles: string[];
let times: QueryTimes;

beforeEach(async () => {
  store = await EmbeddedStore.open();
  [asked, troubles, times] = [[], [], PATIENT];
  lines = () => chunks(1);
  await store.create<"FlowTask">(newTask({ flow: "f", host: "edge-1" }));
  answering = answer("edge-1");
});
afterEach(async () => {
  answering.close();
  await store.close();
});

function answer(hostName: string): HostQueries {
  const queries = new HostQueries({
    ...{ store, hostName, times },
    services: {
      logs: (query) => {
        asked.push(query);
        return lines();
      },
      usage: async () => ({
        nowMs: 7,
        tasks: [{ task: "f.a.0", flow: FLOW } as never, { task: "g.a.0", flow: { namespace: "other", name: "g" } } as never],
        edges: [{ flow: FLOW } as never, { flow: { namespace: "other", name: "g" } } as never],
        devices: [{ uuid: "GPU-0", holders: ["default/f.a.0", "other/g.a.0", "other/g.a.1"] } as never],
      }),
      deadLetters: async ({ name }) => [{ id: `${name}.1` } as DeadLetter],
      letterOutputs: async ({ name }) => [{ name: `${name}.1.output.0` } as LetterOutput],
    },
    knows: ({ namespace, name }) => namespace === "default" && name === "f",
    onTrouble: (problem) => troubles.push(problem),
  });
  queries.start();
  return queries;
}

async function* chunks(count: number, text = "line"): AsyncGenerator<LogChunk> {
  for (let n = 0; n < count; n += 1) yield { task: "f.a.0", text: `${text} ${n}\n` };
}

const ask = () =>
  new QueriedServices({ store, namespace: "default", nowMs: () => 5, explain: () => Promise.reject(new Error("none")), times });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const queries = () => store.list("HostQuery");
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("what is asked arrives whole and in order over many pages, with its filters, and leaves nothing", async () => {
  lines = () => chunks(300, "x".repeat(2_000));
  const filters = { node: "a", index: 0, tail: 3, sinceSeconds: 60, timestamps: true };
  const found = await all(ask().logs({ flow: FLOW, ...filters }));
  expect(found.map(({ text }) => Number(text.split(" ")[1]))).toEqual(Array.from({ length: 300 }, (_, n) => n));
  expect(asked).toEqual([{ flow: FLOW, ...filters }]);
  expect(await queries()).toEqual([]);
});

test("figures and letters are those of the namespace; who holds a device elsewhere is not said", async () => {
  const usage = await ask().usage();
  expect(usage.nowMs).toBe(5);
  expect([usage.tasks.map(({ task }) => task), usage.edges]).toEqual([["f.a.0"], [{ flow: FLOW }]]);
  expect(usage.devices.map(({ holders }) => holders)).toEqual([["default/f.a.0", "another namespace"]]);
  expect((await ask().deadLetters(FLOW)).map(({ id }) => id)).toEqual(["f.1"]);
});

test("a log that is followed goes on over silence, until its reader leaves", async () => {
  let isRead = true;
  const pages = async () => (await queries())[0]?.status?.page ?? 0;
  lines = async function* () {
    yield { task: "f.a.0", text: "first\n" };
    await eventually("empty pages", async () => (await pages()) > 4);
    yield { task: "f.a.0", text: "second\n" };
    while (isRead) await pause(10);
  };
  const found: string[] = [];
  for await (const { text } of ask().logs({ flow: FLOW, follow: true })) {
    found.push(text);
    if (found.length === 2) break;
  }
  isRead = false;
  expect([found, await queries()]).toEqual([["first\n", "second\n"], []]);
});

test("a reader who takes its time misses no page", async () => {
  lines = () => chunks(300, "x".repeat(2_000));
  const found: number[] = [];
  for await (const { text } of ask().logs({ flow: FLOW })) {
    if (found.length % 60 === 0) await pause(20); // Whoever does not wait for it has written all pages by then.
    found.push(Number(text.split(" ")[1]));
  }
  expect(found).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

test.each([
  ["its reader leaves", true],
  ["the agent ends", false],
])("what is read for an answer is let go when %s", async (_, readerLeaves) => {
  let isEnded = false;
  lines = async function* () {
    try {
      for (;;) {
        yield { task: "f.a.0", text: "line\n" };
        await pause(5);
      }
    } finally {
      isEnded = true;
    }
  };
  if (!readerLeaves) times = { ...PATIENT, silentMs: 100 };
  const reading = (async () => {
    for await (const _ of ask().logs({ flow: FLOW, follow: true })) if (readerLeaves) break;
  })().catch((error: { code: string }) => error.code);
  await eventually("a first page", async () => asked.length === 1 && (readerLeaves || (await queries())[0]?.status !== undefined));
  if (!readerLeaves) answering.close();
  await eventually("the end of what is read", () => isEnded);
  expect(await reading).toBe(readerLeaves ? undefined : "HOST_SILENT");
});

test("more questions at once than it may answer are refused, those before them are not", async () => {
  let isRead = true;
  lines = async function* () {
    while (isRead) await pause(5);
    yield* chunks(1);
  };
  const reads = Array.from({ length: 17 }, () =>
    all(ask().logs({ flow: FLOW })).then(
      ({ length }) => length,
      ({ code }) => code,
    ),
  );
  const refused = await Promise.race(reads);
  isRead = false;
  expect(refused).toBe("HOST_REFUSED");
  expect((await Promise.all(reads)).filter((end) => end === 1)).toHaveLength(16);
});

test("logs that are followed take no place of other questions, nor a namespace those of another; one too many is told what to do", async () => {
  lines = async function* () {
    yield { task: "f.a.0", text: "first\n" };
    await new Promise(() => {}); // For ever.
  };
  const following: AsyncIterator<LogChunk>[] = [];
  const follow = async () => {
    const reading = ask().logs({ flow: FLOW, follow: true })[Symbol.asyncIterator]();
    const first = await reading.next();
    following.push(reading);
    return first;
  };
  for (let n = 0; n < 16; n += 1) await follow();
  await expect(follow()).rejects.toThrow(/16 logs of namespace default are followed.*without -f/);
  lines = () => chunks(1);
  expect((await all(ask().logs({ flow: FLOW }))).length).toBe(1);
  await following.pop()?.return?.();
  await eventually("the place of one who left", async () => (await queries()).length <= 15);
  await follow();
  for (const reading of following) await reading.return?.();
});

test("a question that nobody reads any more is removed", async () => {
  answering.close();
  times = { ...PATIENT, takenMs: 50 };
  answering = answer("edge-1");
  lines = () => chunks(1_000, "x".repeat(2_000));
  await create({ flow: "f" });
  await eventually("its removal", async () => (await queries()).length === 0);
  expect(troubles).toEqual([]);
});

test("a question that an earlier agent began is removed, and its reader is told", async () => {
  answering.close();
  const reading = all(ask().logs({ flow: FLOW }));
  while ((await queries()).length === 0) await pause(5);
  const [query] = await queries();
  await store.updateStatus<"HostQuery">({ ...(query as HostQuery), status: { page: 1, items: "[]" } });
  answering = answer("edge-1");
  await expect(reading).rejects.toMatchObject({ code: "HOST_REFUSED" });
});

test.each([
  ["another namespace's flow", "other", { flow: "f" }],
  ["a flow that is not here", "default", { flow: "g" }],
  ["the log of no flow", "default", {}],
])("%s is refused", async (_, namespace, spec) => {
  const { metadata } = await create(spec, namespace);
  const read = async () => (await store.get({ kind: "HostQuery", namespace, name: metadata.name }))?.status;
  while ((await read()) === undefined) await pause(5);
  expect(await read()).toMatchObject({ isLast: true, items: "[]", problem: expect.stringMatching(/no task of flow|names no flow/) });
  expect(asked).toEqual([]);
});

test("the hosts of a flow are asked, all of them, and no other", async () => {
  await store.create<"FlowTask">(newTask({ flow: "f", node: "b", host: "edge-2" }));
  await store.create<"FlowTask">(newTask({ flow: "g", node: "c", host: "edge-3" }));
  const other = answer("edge-2");
  expect((await all(ask().logs({ flow: FLOW }))).length).toBe(2);
  expect((await ask().deadLetters(FLOW)).length).toBe(2);
  other.close();
});

test("a question that names another host than its label is left to that one", async () => {
  const { metadata } = await create({ host: "edge-2", flow: "f" });
  expect((await all(ask().logs({ flow: FLOW }))).length).toBe(1); // Asked later, and answered.
  expect((await queries()).map((query) => [query.metadata.name, query.status])).toEqual([[metadata.name, undefined]]);
});

test("a host that does not answer is named", async () => {
  answering.close();
  times = { ...PATIENT, silentMs: 50 };
  await expect(all(ask().logs({ flow: FLOW }))).rejects.toMatchObject({ code: "HOST_SILENT", detail: { host: "edge-1" } });
});

test("a log that cannot be read says why", async () => {
  lines = async function* () {
    yield { task: "f.a.0", text: "first\n" };
    throw new Error(`the disk is gone${".".repeat(100_000)}`);
  };
  const { message } = (await all(ask().logs({ flow: FLOW })).catch((error: unknown) => error)) as Error;
  expect([message.includes("the disk is gone"), message.length < 5_000]).toEqual([true, true]);
});

function create(spec: Partial<HostQuery["spec"]>, namespace = "default"): Promise<HostQuery> {
  return store.create<"HostQuery">({
    apiVersion: API_VERSION,
    kind: "HostQuery",
    metadata: { name: "q", namespace, labels: { [HOST_QUERY_LABEL]: "edge-1" } },
    spec: { host: "edge-1", service: "Logs", taken: 0, ...spec },
  });
}
