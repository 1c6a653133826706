import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { giveBack } from "../../src/agent/restart.js";
import { loadValue, saveValue } from "../../src/base/saved-value.js";
import { Tensor } from "../../src/base/tensor.js";

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, -0, Number.NaN, Number.POSITIVE_INFINITY, "", "$tensor", 12n),
  fc.double(),
  fc.string(),
  fc.uint8Array({ maxLength: 5 }),
  fc.float32Array({ minLength: 2, maxLength: 2, noNaN: true }).map((data) => new Tensor("float32", [1, 2], data)),
);
const payload = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "$tensor", "$object", "b"), tie("value"), { noNullPrototype: true }),
  ),
})).value;

/** Tensors keep their elements where no comparison looks. */
function opened(value: unknown): unknown {
  if (value instanceof Tensor) return { dtype: value.dtype, shape: value.shape, data: value.data };
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? value.map(opened) : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, opened(item)]));
}

test("a payload that was saved as JSON comes back as it was, tensors, bytes and odd numbers included", () => {
  fc.assert(
    fc.property(payload, (value) => {
      const files: Uint8Array[] = [];
      const text = JSON.stringify(saveValue(value, (bytes) => String(files.push(bytes.slice()) - 1)));
      expect(opened(loadValue(JSON.parse(text), (name) => files[Number(name)] as Uint8Array))).toEqual(opened(value));
    }),
  );
});

test("deaths of inputs that went to the dead letters are given back, others are not", () => {
  const death = (position?: number) => ({
    atMs: 0,
    ranMs: 0,
    progressed: false,
    chance: 0,
    ...(position === undefined ? {} : { position }),
  });
  expect(giveBack([death(1), death(2), death(), death(1)], new Set([1]))).toEqual([death(2), death()]);
});
