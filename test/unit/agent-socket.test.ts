import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { API_VERSION, type Host, type VideoFlow } from "../../src/api/kinds.js";
import { readLines } from "../../src/base/lines.js";
import type { AgentServices, LogChunk } from "../../src/store/agent-services.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { AgentClient } from "../../src/store/socket/client.js";
import { type StoreServer, serveAgent } from "../../src/store/socket/server.js";
import { aNewFlow } from "../support/builders.js";
import { eventually } from "../support/flow-process.js";

const folder = mkdtempSync(join(tmpdir(), "vf-agent-socket-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** How often each log stream was asked for its next chunk, and how many streams ended. */
const logs = { given: 0, ended: 0 };

async function* manyLogs(): AsyncGenerator<LogChunk> {
  try {
    for (let n = 0; ; n += 1) {
      logs.given += 1;
      if (n % 100 === 0) await sleep(0);
      yield { task: "f.n.0", text: `${"x".repeat(10_000)}\n` };
    }
  } finally {
    logs.ended += 1;
  }
}

const services: AgentServices = {
  about: async () => ({ version: "1", pid: 7, host: "h", startedAt: "2026-01-01T00:00:00Z", stateDir: "/s" }),
  snapshot: async () => undefined,
  usage: async (flow) => ({ nowMs: 1, tasks: [], devices: [], flow }) as never,
  explain: async ({ name }) => {
    throw new Error(`no flow ${name}`);
  },
  deadLetters: async () => [],
  letterOutputs: async () => [],
  deadLettersDir: async ({ name }) => `/letters/${name}`,
  logs: ({ tail }) => (tail === undefined ? manyLogs() : someLogs(tail)),
};

async function* someLogs(count: number): AsyncGenerator<LogChunk> {
  for (let n = 0; n < count; n += 1) yield { task: "f.n.0", text: `${n}\n` };
}

let opened = 0;
let path: string;
let owner: EmbeddedStore;
let server: StoreServer;
let client: AgentClient;

beforeEach(async () => {
  opened += 1;
  path = join(folder, `${opened}.sock`);
  owner = await EmbeddedStore.open();
  server = await serveAgent(path, { store: owner, services }, { flows: 3 });
  client = await AgentClient.connect(path);
});
afterEach(async () => {
  await client.close();
  await server.close();
  await owner.close();
});

/** A client that writes what it likes. */
async function rawClient(): Promise<{ readonly socket: Socket; readonly replies: unknown[] }> {
  const socket = connect(path);
  const replies: unknown[] = [];
  readLines(socket, (line) => void replies.push(JSON.parse(line)));
  socket.on("error", () => {});
  await once(socket, "connect");
  return { socket, replies };
}

const until = (isTrue: () => boolean) => eventually(String(isTrue), isTrue);

describe("services over the socket", () => {
  test("answer once, with undefined and errors intact", async () => {
    expect((await client.services.about()).pid).toBe(7);
    expect(await client.services.snapshot({ namespace: "default", name: "f" })).toBeUndefined();
    expect(await client.services.deadLettersDir({ namespace: "default", name: "f" })).toBe("/letters/f");
    await expect(client.services.explain({ namespace: "default", name: "f" })).rejects.toThrow("no flow f");
  });

  test("stream to the end", async () => {
    const texts: string[] = [];
    for await (const { text } of client.services.logs({ flow: { namespace: "default", name: "f" }, tail: 3 })) texts.push(text);
    expect(texts).toEqual(["0\n", "1\n", "2\n"]);
  });

  test("end a stream whose reader stops", async () => {
    const before = logs.ended;
    for await (const _ of client.services.logs({ flow: { namespace: "default", name: "f" } })) break;
    await until(() => logs.ended > before);
    expect((await client.services.about()).pid).toBe(7);
  });

  test("end a stream whose client dies", async () => {
    const before = logs.ended;
    const { socket, replies } = await rawClient();
    socket.write('{"id":1,"method":"stream","service":"logs","args":[{}]}\n');
    await until(() => replies.length > 0);
    socket.destroy();
    await until(() => logs.ended > before);
  });

  test("refuse a stream that fails with its error", async () => {
    const { socket, replies } = await rawClient();
    socket.write('{"id":1,"method":"stream","service":"logs","args":[null]}\n');
    await until(() => replies.length > 0);
    expect(replies[0]).toMatchObject({ id: 1, error: expect.anything() });
    socket.destroy();
  });
});

describe("what clients may write", () => {
  test("is a flow that has the right shape", async () => {
    const flow = await client.store.create(aNewFlow("f"));
    expect(flow.metadata.uid).not.toBe("");
    const wrong = { ...aNewFlow("g"), spec: { nodse: [] } } as never;
    await expect(client.store.create(wrong)).rejects.toThrow("FLOW_INVALID");
  });

  test("is no status, no task, no finalizer", async () => {
    const flow = await client.store.create(aNewFlow("f"));
    await expect(client.store.updateStatus<"VideoFlow">({ ...flow, status: { state: "Succeeded" } })).rejects.toThrow("WRITE_REFUSED");
    await expect(client.store.create({ ...aNewFlow("t"), kind: "FlowTask" } as never)).rejects.toThrow("WRITE_REFUSED");
    const held = await owner.update<"VideoFlow">({ ...flow, metadata: { ...flow.metadata, finalizers: ["videoflow.io/tasks"] } });
    const freed = await client.store.update<"VideoFlow">({ ...held, metadata: { ...held.metadata, finalizers: [], labels: { a: "b" } } });
    expect([freed.metadata.finalizers, freed.metadata.labels]).toEqual([["videoflow.io/tasks"], { a: "b" }]);
  });

  test("keeps the type of a flow", async () => {
    const flow = await client.store.create(aNewFlow("f"));
    const other = { ...flow, spec: { ...flow.spec, flowType: "Realtime" } } as VideoFlow;
    await expect(client.store.update<"VideoFlow">(other)).rejects.toThrow("immutable");
  });

  test("is of a Host whether flows may come, in the words of the API, and its labels", async () => {
    const host = await owner.create<"Host">({
      apiVersion: API_VERSION,
      kind: "Host",
      metadata: { name: "h" },
      spec: { schedulable: true },
    });
    const write = (spec: unknown, labels: Record<string, string> = {}) =>
      client.store.update<"Host">({ ...host, metadata: { ...host.metadata, labels }, spec: spec as Host["spec"] });
    for (const spec of [{ schedulable: "draining" }, {}, { schedulable: true, more: 1 }])
      await expect(write(spec)).rejects.toThrow("WRITE_REFUSED");
    await expect(write({ schedulable: true }, { "a b": "c" })).rejects.toThrow("key of a label");
    expect((await write({ schedulable: "Draining" }, { zone: "yard" })).spec).toEqual({ schedulable: "Draining" });
  });

  test("has a largest size and a largest number", async () => {
    const large = aNewFlow("large");
    const params = { text: "x".repeat(1_100_000) };
    const nodes = large.spec.nodes.map((node) => ({ ...node, params }));
    await expect(client.store.create({ ...large, spec: { ...large.spec, nodes } })).rejects.toThrow("at most 1048576");
    for (const name of ["a", "b", "c"]) await client.store.create(aNewFlow(name));
    await expect(client.store.create(aNewFlow("d"))).rejects.toThrow("there are 3 flows already");
  });

  const node = (fields: object) => ({ ...aNewFlow("g").spec.nodes[0], ...fields });
  const many = (count: number, item: (index: number) => object) => Array.from({ length: count }, (_, index) => item(index));
  test.each<[string, readonly object[], RegExp]>([
    ["nodes", many(257, (index) => node({ name: `n${index}` })), /256/],
    ["tasks", [node({ nbTasks: 257 })], /256/],
    ["a name", [node({ name: "n".repeat(64) })], /63/],
    ["a component", [node({ component: "C".repeat(513) })], /512/],
    ["inputs", [node({ inputs: many(33, String as never) })], /32/],
    ["variables", [node({ env: many(257, (index) => ({ name: `V${index}`, value: "" })) })], /256/],
    ["a variable", [node({ env: [{ name: "V", value: "x".repeat(32_769) }] })], /32768/],
    ["retries", [node({ retries: 1_001 })], /1000/],
  ])("has a limit for %s of a flow, and a flow that is there stays as it was", async (_what, nodes, limit) => {
    const flow = await client.store.create(aNewFlow("f"));
    const { spec, ...other } = aNewFlow("g");
    const wrong = { ...spec, nodes } as never;
    await expect(client.store.create({ ...other, spec: wrong })).rejects.toThrow(limit);
    await expect(client.store.update<"VideoFlow">({ ...flow, spec: wrong })).rejects.toThrow(/FLOW_INVALID/);
    expect(await owner.list("VideoFlow")).toEqual([flow]);
  });

  test.each([65, 50_000])("is not nested %i deep", async (depth) => {
    const flow = await client.store.create(aNewFlow("f"));
    const { socket, replies } = await rawClient();
    const params = `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const text = JSON.stringify({ ...flow, spec: { ...flow.spec, nodes: [node({ params: "HERE" })] } }).replace('"HERE"', params);
    socket.write(`{"id":1,"method":"update","args":[${text}]}\n{"id":2,"method":"create","args":[${text.replace('"f"', '"g"')}]}\n`);
    await until(() => replies.length === 2);
    for (const reply of replies) expect(JSON.stringify(reply)).toMatch(/WRITE_REFUSED.*nested more than 64 deep/);
    expect(await owner.list("VideoFlow")).toEqual([flow]);
    socket.destroy();
  });

  test("does not reach other methods of the store", async () => {
    const { socket, replies } = await rawClient();
    for (const method of ["close", "constructor", "__proto__", "version"]) socket.write(`{"id":1,"method":"${method}","args":[]}\n`);
    socket.write('{"id":2,"method":"call","service":"constructor","args":[]}\n');
    await until(() => replies.length === 5);
    expect(replies).toEqual(Array(5).fill({ id: 0, error: expect.objectContaining({ code: "REQUEST_INVALID" }) }));
    socket.destroy();
    expect(await owner.list("VideoFlow")).toEqual([]);
  });
});

describe("a hostile client", () => {
  test("is told of malformed lines, and everybody else goes on", async () => {
    const { socket, replies } = await rawClient();
    const lines = ["", "x", "null", "[]", "{}", '{"id":1}', '{"id":-1,"method":"get","args":[]}', '{"id":1,"method":"get","args":{}}'];
    socket.write(`${lines.join("\n")}\n{"id":5,"method":"list","args":["VideoFlow"]}\n`);
    await until(() => replies.length === lines.length + 1);
    expect(replies.filter((reply) => "error" in (reply as object))).toHaveLength(lines.length);
    expect(replies).toContainEqual({ id: 5, result: [] });
    expect(await client.store.list("VideoFlow")).toEqual([]);
    socket.destroy();
  });

  test("is disconnected when a line never ends", async () => {
    const { socket, replies } = await rawClient();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const block = "x".repeat(1024 * 1024);
    for (let n = 0; n < 8 && !socket.destroyed; n += 1) socket.write(block);
    await closed;
    expect(replies.every((reply) => (reply as { error?: { code: string } }).error?.code === "REQUEST_INVALID")).toBe(true);
    expect(await client.store.list("VideoFlow")).toEqual([]);
  });

  test("that reads nothing is not worked for", async () => {
    const flow = await client.store.create(aNewFlow("f"));
    const silent = connect(path);
    silent.on("error", () => {});
    await once(silent, "connect");
    silent.pause();
    let listed = 0;
    const list = owner.list.bind(owner);
    Object.defineProperty(owner, "list", {
      value: (...args: Parameters<typeof list>) => {
        listed += 1;
        return list(...args);
      },
    });
    const asked = 200_000;
    silent.write('{"id":1,"method":"list","args":["VideoFlow"]}\n'.repeat(asked));
    for (let before = -1; listed === 0 || listed !== before; await sleep(200)) before = listed;
    const replyLength = JSON.stringify([flow]).length;

    // What lies in the buffers of both ends, and not more.
    expect(listed * replyLength).toBeLessThan(8 * 1024 * 1024);
    expect(await client.store.list("VideoFlow")).toHaveLength(1);
    silent.destroy();
  });

  test("that watches and reads nothing gets the present state when it reads, not every step", async () => {
    const first = await owner.create(aNewFlow("f"));
    const { socket, replies } = await rawClient();
    socket.write('{"id":1,"method":"watch","args":["VideoFlow",{}]}\n');
    await until(() => replies.length >= 2);
    socket.pause();
    const annotations = { text: "x".repeat(20_000) };
    let flow = first;
    const steps = 1_000;
    for (let step = 1; step <= steps; step += 1) {
      flow = await owner.update<"VideoFlow">({ ...flow, metadata: { ...flow.metadata, annotations, labels: { step: String(step) } } });
    }
    socket.resume();
    const stepOf = (reply: unknown) => (reply as { event?: { object: VideoFlow } }).event?.object.metadata.labels?.["step"];
    await until(() => stepOf(replies.at(-1)) === String(steps));
    expect(replies.length).toBeLessThan(steps / 2);
    socket.destroy();
  });

  test("has only so many watches", async () => {
    const { socket, replies } = await rawClient();
    for (let id = 1; id <= 80; id += 1) socket.write(`{"id":${id},"method":"watch","args":["VideoFlow"]}\n`);
    await until(() => replies.length === 80);
    expect(replies.filter((reply) => "error" in (reply as object))).toHaveLength(16);
    socket.destroy();
  });

  test("is one of so many: others are turned away, those that are there are served, and one that goes makes room", async () => {
    const sockets = await Promise.all(Array.from({ length: 140 }, async () => (await rawClient()).socket));
    const turnedAway = () => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
    await until(() => turnedAway() === 140 - 127);
    expect(await client.store.list("VideoFlow")).toEqual([]);
    for (const socket of sockets) socket.destroy();
    const answers = async () => {
      const later = await AgentClient.connect(path);
      const about = await later.services.about().catch(() => undefined);
      await later.close();
      return about?.pid;
    };
    expect(await eventually("room for one", answers)).toBe(7);
  });
});
