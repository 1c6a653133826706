import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { OperatorError } from "../../src/base/errors.js";
import { Tensor } from "../../src/base/tensor.js";
import { decodeEnvelope, EMPTY_ENVELOPE, encodeEnvelope } from "../../src/transport/wire/envelope.js";
import { decodePayload, encodePayload, type WirePayload } from "../../src/transport/wire/payload.js";
import { fromWire, toWire } from "../../src/transport/wire/plain.js";
import { decodeValue, encodeValue, type WireValue } from "../../src/transport/wire/value.js";

const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const bytes = fc.uint8Array({ maxLength: 9 });
const tensor = fc.record({ shape: fc.array(fc.nat(300), { maxLength: 3 }), dtype: fc.constantFrom("uint8", "float32"), data: bytes });
const mapping = fc.record({ path: fc.string(), offset: fc.maxSafeNat(), shape: fc.array(fc.nat(), { maxLength: 3 }), dtype: fc.string() });

/** Few keys, so that they repeat and differ in order. */
const value: fc.Arbitrary<WireValue> = fc.letrec<{ value: WireValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant<WireValue>({ kind: "null" }),
    fc.record({ kind: fc.constant("double" as const), value: fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -2, max: 2 })) }),
    fc.record({ kind: fc.constant("int" as const), value: fc.oneof(int64, fc.bigInt({ min: -2n, max: 2n })) }),
    fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "grapheme" }) }),
    fc.record({ kind: fc.constant("bytes" as const), value: bytes }),
    fc.record({ kind: fc.constant("bool" as const), value: fc.boolean() }),
    fc.record({ kind: fc.constant("tensor" as const), tensor }),
    fc.record({ kind: fc.constant("mapping" as const), mapping }),
    fc.record({ kind: fc.constant("list" as const), values: fc.array(tie("value"), { maxLength: 3 }) }),
    fc.record({
      kind: fc.constant("map" as const),
      fields: fc
        .array(fc.tuple(fc.constantFrom("b", "a", "1", "__proto__"), tie("value")), { maxLength: 3 })
        .map((entries) => new Map(entries)),
    }),
  ),
})).value;

const text = fc.string({ unit: "grapheme", maxLength: 5 });
const payload: fc.Arbitrary<WirePayload> = fc.oneof(
  fc.record({ kind: fc.constant("tensor" as const), tensor }),
  fc.record({ kind: fc.constant("frame" as const), pixels: tensor, pixelFormat: text, captureTs: fc.double({ noNaN: true }) }),
  fc.record({ kind: fc.constant("detections" as const), boxes: tensor, classNames: fc.array(text) }),
  fc.record({ kind: fc.constant("tracks" as const), tracks: tensor }),
  fc.record({
    kind: fc.constant("blob" as const),
    ref: text,
    innerPayloadType: text,
    sizeBytes: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  }),
  fc.record({ kind: fc.constant("value" as const), value }),
  fc.record({ kind: fc.constant("mapping" as const), mapping }),
);

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.constantFrom(0, -0, 2 ** 53, -(2 ** 53) + 1),
    fc.bigInt({ min: 1n << 53n, max: (1n << 63n) - 1n }),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("b", "a", "__proto__"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

describe("the wire", () => {
  test("completeness: every value comes back as it was, integers and doubles apart, keys in order", () => {
    fc.assert(
      fc.property(value, (sent) => {
        const encoded = encodeValue(sent);
        expect(decodeValue(encoded)).toEqual(sent);
        expect(encodeValue(decodeValue(encoded))).toEqual(encoded);
      }),
    );
  });

  test("completeness: every payload comes back as it was", () => {
    fc.assert(
      fc.property(payload, (sent) => {
        const { payloadType, payload: encoded } = encodePayload(sent);
        expect(decodePayload(payloadType, encoded)).toEqual(sent);
      }),
    );
  });

  test("completeness: an envelope keeps numbers of 64 bits and its metadata", () => {
    const envelope = fc.record({
      traceId: text,
      seq: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      replicaId: fc.nat(),
      payload: bytes,
      value,
    });
    fc.assert(
      fc.property(envelope, ({ value: field, ...fields }) => {
        const sent = { ...EMPTY_ENVELOPE, ...fields, payloadType: "x.Y", metadata: new Map([["k", field]]) };
        expect(decodeEnvelope(encodeEnvelope(sent))).toEqual(sent);
      }),
    );
  });

  test("safety: bytes of any kind are read or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
        const outcome = (read: () => unknown) => {
          try {
            read();
            return "read";
          } catch (error) {
            return (error as OperatorError).code;
          }
        };
        expect(["read", "WIRE_INVALID"]).toContain(outcome(() => decodeValue(noise)));
        expect(["read", "WIRE_INVALID"]).toContain(outcome(() => decodeEnvelope(noise)));
      }),
    );
  });
});

describe("payloads of components", () => {
  test("completeness: what a component sends is what the other side gets", () => {
    fc.assert(fc.property(plain, (sent) => expect(fromWire(decodeValue(encodeValue(toWire(sent))))).toEqual(sent)));
  });

  test("whole numbers travel as integers, others as doubles", () => {
    const kinds = [1, 1.5, -0, 2 ** 53, 7n, Number.NaN].map((sent) => toWire(sent).kind);
    expect(kinds).toEqual(["int", "double", "double", "double", "int", "double"]);
  });

  test("a tensor that lies in the middle of a Buffer is copied out of it", () => {
    const encoded = encodeValue(toWire(Tensor.from("float32", [2], [1.5, -2])));
    const { shape, data } = fromWire(decodeValue(Buffer.concat([Buffer.alloc(3), encoded]).subarray(3))) as Tensor;
    expect([shape, [...data]]).toEqual([[2], [1.5, -2]]);
  });

  test("an integer beyond 64 bits is refused", () => {
    expect(() => encodeValue(toWire(1n << 63n))).toThrow(/more than 64 bits/);
  });

  test("what the wire cannot carry is named with its place", () => {
    expect(() => toWire({ a: [1, () => 1] })).toThrow(/a function at payload\.a\[1\]/);
  });
});
