import { expect, test } from "@jest/globals";
import type { FlowTask, Host } from "../../src/api/kinds.js";
import { usedOf } from "../../src/controller/flow/hosts.js";
import { placeFlow } from "../../src/controller/flow/place.js";
import { channelsOf, memoryBytes } from "../../src/flow/channels.js";
import { graphOf } from "../../src/flow/graph.js";
import { memoryAdvice } from "../../src/flow/memory-advice.js";
import { type NodeDraft, specOf } from "./flow-samples.js";

const MIB = 2 ** 20;
const nodes = (messages: number): NodeDraft[] => [
  { name: "reader", role: "Producer", buffer: { messages: 2 } },
  { name: "big", role: "Processor", inputs: ["reader"], buffer: { messages, bytes: messages * 4 * MIB } },
  { name: "sink", role: "Consumer", inputs: ["big"] },
];
const graph = (messages: number) => graphOf(specOf(nodes(messages)), () => undefined);
const needed = (messages: number) => memoryBytes(graph(messages), channelsOf(graph(messages)));

test.each([32, 31, 9, 2])("the advice for room for %d messages names the node and the largest buffer that fits", (messages) => {
  const room = needed(messages);
  expect(memoryAdvice(graph(64), room)).toBe(
    `set buffer.messages of node big to ${messages} and its buffer.bytes to ${messages * 4 * MIB}`,
  );
  expect(memoryAdvice(graph(64), room - 1)).not.toContain(`to ${messages} and`);
});

test("where no buffer alone is small enough, the least that the flow needs is told", () => {
  expect(memoryAdvice(graph(64), MIB)).toMatch(
    /^with buffer.messages: 1 on every node it still needs \d+ MiB; most of it is for node big$/,
  );
});

test("what other flows may need is not there, although they do not use it yet", () => {
  const host = { metadata: { name: "h" }, status: { shmBytes: 100 * MIB, devices: [] } } as unknown as Host;
  const channels = new Map(channelsOf(graph(8)).map((entry) => [entry.node, entry.channels]));
  const tasks = [...channels].map(([node, own]) => {
    const spec = { node, nbTasks: 1, run: "other-1", host: "h", flowType: "Batch", channels: own };
    return { metadata: { namespace: "default", name: node }, spec } as unknown as FlowTask;
  });
  const { shmBytes } = usedOf("h", tasks);
  expect(shmBytes).toBe(needed(8));
  const done = tasks.map((task) => ({ ...task, status: { phase: "Succeeded" } }) as FlowTask);
  expect(usedOf("h", done).shmBytes).toBe(0);
  const needs = { cpu: 0, memoryMiB: 0, requests: [], shmBytes: 80 * MIB, advice: (free: number) => `fit into ${free}` };
  const candidate = { host, held: [], used: { cpu: 0, memoryMiB: 0 }, tasks: 0 };
  expect(placeFlow([candidate], needs).admitted).toBe(true);
  expect(placeFlow([{ ...candidate, shmBytes }], needs)).toMatchObject({
    admitted: false,
    reason: "SharedMemoryUnavailable",
    message: expect.stringMatching(
      /needs 80 MiB of shared memory, host h has 65 MiB free \(100 MiB, of which other flows may need 35\): fit into \d+; or enlarge/,
    ),
  });
});
