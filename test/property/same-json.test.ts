import { isDeepStrictEqual } from "node:util";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { sameJson } from "../../src/base/same-json.js";

/** Few names and values, so that two of them are often the same. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.constantFrom(null, true, 0, 1, "", "a"), fc.array(tie("value"), { maxLength: 2 }), tie("object")),
  object: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof(fc.constant(undefined), tie("value")), { maxKeys: 3 }),
}));
const written = (given: unknown): unknown => JSON.parse(JSON.stringify(given));

test("two values are the same exactly when what is written of them is", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(sameJson(a, b)).toBe(isDeepStrictEqual(written(a), written(b)));
      expect(sameJson(a, written(a))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("a list is not the object of its positions", () => {
  expect([sameJson(["a"], { 0: "a" }), sameJson({}, []), sameJson({ a: undefined }, {}), sameJson({ a: undefined }, { b: 1 })]).toEqual([
    false,
    false,
    true,
    false,
  ]);
});
