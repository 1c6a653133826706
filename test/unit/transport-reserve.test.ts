import { statSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { poolPath } from "../../src/transport/files.js";
import { openTaskPort } from "../../src/transport/open.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const MIB = 2 ** 20;
const BLOCK_BYTES = 512;

/** Bytes that a file takes, not those that it could have. */
const takenBytes = (path: string) => statSync(path).blocks * BLOCK_BYTES;

test.each([
  ["all slots of a task alone, where payloads are as large as was admitted", 1, MIB, 4, "Batch"],
  ["as many as were admitted, where payloads are larger", 1, 3 * MIB, 1, "Batch"],
  ["only its own, where none was admitted for so large a payload", 1, 9 * MIB, 1, "Batch"],
  ["its share, where replicas share the places of their ring", 2, MIB, 2, "Batch"],
  ["all its slots, where nothing is shared", 2, MIB, 4, "Realtime"],
  ["none for a payload that fits beside its header", 1, 100, 0, "Batch"],
] as const)("with its first large payloads a task takes the memory of %s", async (_name, tasks, sizeBytes, slots, flowType) => {
  const nodes = [aNode("s"), aNode("a", ["s"], { tasks, slots: 4, slotBytes: MIB }), aNode("b", ["a"], { slots: 0 })];
  const plan = aPlan(nodes, {}, flowType);
  await withMemory(plan, async (dir) => {
    const [s, a] = [openTaskPort(dir, plan, "s", 0), openTaskPort(dir, plan, "a", 0)];
    const pool = poolPath(dir, "a", 0);
    const before = takenBytes(pool);
    s.write({ traceId: "t", seq: 1, payload: 1 });
    s.commit();
    expect(a.take()?.kind).toBe("data");
    a.attempt();

    for (let attempt = 0; attempt < 6; attempt += 1) {
      a.discard();
      a.write({ traceId: "t", seq: 1, payload: new Uint8Array(sizeBytes) });
      if (slots > 0) expect(takenBytes(pool) - before).toBeLessThanOrEqual((attempt + 2) * sizeBytes); // No long stop for all of it.
    }

    expect(takenBytes(pool) - before).toBe(slots * sizeBytes);
    a.commit();
    for (const port of [s, a]) port.close();
  });
});
