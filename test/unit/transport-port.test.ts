import { expect, test } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import { openFlowStats } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const CHAIN = aPlan([aNode("a"), aNode("b", ["a"]), aNode("c", ["b"], { slots: 0 })]);

function produce(port: TaskPort, payload: unknown): void {
  const seq = port.committed + 1;
  port.write({ traceId: `t${seq}`, seq, payload });
  port.commit();
}

test("a message passes through a chain and the stream ends", async () => {
  await withMemory(CHAIN, (dir) => {
    const [a, b, c] = ["a", "b", "c"].map((node) => openTaskPort(dir, CHAIN, node, 0)) as [TaskPort, TaskPort, TaskPort];
    produce(a, { hello: ["world", 1n, Number.NaN] });
    a.end();
    const unit = b.take();
    expect(unit?.inputs[0]?.[0]?.payload).toEqual({ hello: ["world", 1n, Number.NaN] });
    b.attempt();
    b.write({ traceId: "t1", seq: 1, payload: Uint8Array.of(1, 2, 3) });
    b.commit();
    expect(b.take()?.kind).toBe("flush");
    b.commit();
    expect(b.take()?.kind).toBe("end");
    b.end();
    expect(c.take()?.inputs[0]?.[0]?.payload).toEqual(Uint8Array.of(1, 2, 3));
    c.commit();
    expect(c.take()).toMatchObject({ kind: "flush", position: 2 });
    c.commit();
    expect(c.take()?.kind).toBe("end");
    c.end();
    const stats = openFlowStats(dir, CHAIN);
    expect(stats.slotsInUse()).toBe(0);
    expect(stats.edges().map((edge) => edge.inFlight)).toEqual([0, 0]);
    expect(stats.tasks().map((task) => [task.node, task.state, task.messagesIn, task.messagesOut])).toEqual([
      ["a", "ended", 0, 1],
      ["b", "ended", 1, 1],
      ["c", "ended", 1, 0],
    ]);
    for (const port of [a, b, c]) port.close();
  });
});

test("an allocated tensor is not copied, all readers see its slot, and it is invalid after the commit", async () => {
  await withMemory(CHAIN, (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0);
    const b = openTaskPort(dir, CHAIN, "b", 0);
    const frame = a.allocate([2, 3, 3], "uint8");
    frame.data.fill(7);
    produce(a, { frame, boxes: Tensor.from("float32", [1, 2], [1, 2]) });
    expect(() => frame.data).toThrow("MESSAGE_RELEASED");
    expect(openFlowStats(dir, CHAIN).tasks()[0]?.copiedBytes).toBe(8);
    const message = b.take()?.inputs[0]?.[0];
    const payload = message?.payload as { frame: Tensor<"uint8">; boxes: Tensor<"float32"> };
    expect([...payload.frame.data]).toEqual(new Array(18).fill(7));
    expect([...payload.boxes.data]).toEqual([1, 2]);
    expect(payload.frame.shape).toEqual([2, 3, 3]);
    b.commit();
    expect(() => payload.frame.data).toThrow("MESSAGE_RELEASED");
    a.close();
    b.close();
  });
});
