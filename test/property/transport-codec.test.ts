import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { DTYPES, itemSizeBytes, Tensor, viewElements } from "../../src/base/tensor.js";
import { openTaskPort } from "../../src/transport/open.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const PLAN = aPlan([aNode("a"), aNode("b", ["a"], { slots: 0 })]);

const tensor = fc
  .tuple(fc.constantFrom(...DTYPES), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), fc.nat(255))
  .map(([dtype, shape, fill]) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const bytes = new Uint8Array(length * itemSizeBytes(dtype)).fill(fill);
    return new Tensor(dtype, shape, viewElements(dtype, bytes.buffer, 0, length));
  });

const bytes = fc.uint8Array({ maxLength: 3_000 });
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, tie("leaf"), tie("array"), tie("object")),
  leaf: fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.bigInt(), fc.string({ unit: "binary" }), tensor, bytes),
  array: fc.array(tie("value"), { maxLength: 8 }),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("$", "__proto__", "a")), tie("value"), { maxKeys: 8 }),
}));

const message = fc.record({
  traceId: fc.string({ unit: "binary", maxLength: 400 }),
  seq: fc.maxSafeInteger(),
  eventTs: fc.option(fc.double({ noNaN: true }), { nil: undefined }),
  metadata: fc.dictionary(fc.string(), value as fc.Arbitrary<unknown>, { maxKeys: 3 }),
  payload: value as fc.Arbitrary<unknown>,
});

/** Tensors and bytes as plain data that toEqual compares. */
function plain(found: unknown): unknown {
  if (found instanceof Tensor) return { tensor: found.dtype, shape: found.shape, bytes: [...found.bytes] };
  if (ArrayBuffer.isView(found)) return { bytes: [...(found as Uint8Array)] };
  if (Array.isArray(found)) return found.map(plain);
  if (typeof found !== "object" || found === null) return found;
  return Object.entries(found).map(([key, inner]) => [key, plain(inner)]);
}

test("what is written into a slot is read from it", async () => {
  await withMemory(PLAN, (dir) => {
    const a = openTaskPort(dir, PLAN, "a", 0, { scrub: true });
    const b = openTaskPort(dir, PLAN, "b", 0);
    fc.assert(
      fc.property(message, (sent) => {
        a.write(sent);
        a.commit();
        const read = b.take()?.inputs[0]?.[0];
        const { traceId, seq, eventTs, metadata, payload } = read ?? {};
        b.attempt();
        expect(plain({ traceId, seq, eventTs, metadata, payload })).toEqual(plain(sent));
        b.commit();
      }),
      { numRuns: 300 },
    );
  });
});

test.each<[string, unknown, string]>([
  ["a function", { a: [1, () => 1] }, "a function at payload.a[1]"],
  ["a class instance", { when: new Date(0) }, "an instance of Date at payload.when"],
  ["undefined", [undefined], "undefined at payload[0]"],
  ["a symbol", Symbol("x"), "a symbol at payload"],
])("%s cannot be sent, and the message says where it is", async (_name, payload, problem) => {
  await withMemory(PLAN, (dir) => {
    const a = openTaskPort(dir, PLAN, "a", 0);
    expect(() => a.write({ traceId: "t", seq: 1, payload })).toThrow(problem);
    a.discard();
    a.write({ traceId: "t", seq: 1, payload: "fine" });
    a.commit();
    expect(a.committed).toBe(1);
  });
});

test("a cycle cannot be sent", async () => {
  const payload: { self?: unknown } = {};
  payload.self = payload;
  await withMemory(PLAN, (dir) => {
    expect(() => openTaskPort(dir, PLAN, "a", 0).write({ traceId: "t", seq: 1, payload })).toThrow("PAYLOAD_UNSUPPORTED");
  });
});

test("a slot grows with its payload, and a reader follows", async () => {
  await withMemory(PLAN, (dir) => {
    const a = openTaskPort(dir, PLAN, "a", 0);
    const b = openTaskPort(dir, PLAN, "b", 0);
    for (const sizeBytes of [10, 5_000, 100_000, 700, 3_000_000]) {
      a.write({ traceId: "t", seq: 1, payload: new Uint8Array(sizeBytes).fill(sizeBytes % 251) });
      a.commit();
      const payload = b.take()?.inputs[0]?.[0]?.payload as Uint8Array;
      expect([payload.length, payload[sizeBytes - 1]]).toEqual([sizeBytes, sizeBytes % 251]);
      b.commit();
    }
  });
});
