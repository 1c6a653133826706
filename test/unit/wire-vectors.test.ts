import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { OperatorError } from "../../src/base/errors.js";
import { decodeEnvelope, EMPTY_ENVELOPE, type Envelope, encodeEnvelope } from "../../src/transport/wire/envelope.js";
import { messageId, partitionOwner, sanitizePart } from "../../src/transport/wire/identity.js";
import { decodePayload, encodePayload, type WirePayload } from "../../src/transport/wire/payload.js";
import type { WireTensor, WireValue } from "../../src/transport/wire/value.js";

const FOLDER = "test/fixtures/wire";
const json = (path: string) => JSON.parse(readFileSync(join(FOLDER, path), "utf8")) as never;
const bytesOf = (path: string) => new Uint8Array(readFileSync(join(FOLDER, path)));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

interface TensorText {
  readonly shape: number[];
  readonly dtype: string;
  readonly data_b64: string;
}
type ValueText = Readonly<Record<string, never>>;
interface Vector {
  readonly name: string;
  readonly file: string;
  readonly type: "data" | "eos";
  readonly producer_name: string;
  readonly flow_id: string;
  readonly run_id: string;
  readonly trace_id: string;
  readonly seq: number;
  readonly event_ts: number | null;
  readonly replica_id: number;
  readonly metadata: { readonly map: Readonly<Record<string, ValueText>> };
  readonly payload: Readonly<Record<string, never>>;
}

type IdVector = Pick<Vector, "flow_id" | "run_id" | "producer_name" | "trace_id" | "seq"> & {
  readonly msg_type: "data" | "eos";
  readonly expected_id: string;
};

const base64 = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const tensorOf = ({ shape, dtype, data_b64 }: TensorText): WireTensor => ({ shape, dtype, data: base64(data_b64) });

/** The manifest's notation of a value. */
const VALUES: Readonly<Record<string, (value: never) => WireValue>> = {
  null: () => ({ kind: "null" }),
  d: (value) => ({ kind: "double", value }),
  i: (value) => ({ kind: "int", value: BigInt(value) }),
  s: (value) => ({ kind: "text", value }),
  bool: (value) => ({ kind: "bool", value }),
  list: (values: ValueText[]) => ({ kind: "list", values: values.map(wireValueOf) }),
  map: (fields: Record<string, ValueText>) => ({ kind: "map", fields: fieldsOf(fields) }),
  tensor: (tensor: TensorText) => ({ kind: "tensor", tensor: tensorOf(tensor) }),
};
function wireValueOf(text: ValueText): WireValue {
  const [kind, value] = Object.entries(text)[0] as [string, never];
  return (VALUES[kind] as (value: never) => WireValue)(value);
}
function fieldsOf(fields: Readonly<Record<string, ValueText>>): Map<string, WireValue> {
  return new Map(Object.entries(fields).map(([key, value]) => [key, wireValueOf(value)]));
}

const PAYLOADS: Readonly<Record<string, (value: never) => WirePayload | undefined>> = {
  tensor: (tensor: TensorText) => ({ kind: "tensor", tensor: tensorOf(tensor) }),
  value: (value: ValueText) => ({ kind: "value", value: wireValueOf(value) }),
  none: () => undefined,
};
const payloadOf = ({ payload }: Vector) => {
  const [kind, value] = Object.entries(payload)[0] as [string, never];
  return (PAYLOADS[kind] as (value: never) => WirePayload | undefined)(value);
};
const decodedPayload = (envelope: Envelope) =>
  [decodePayload(envelope.payloadType, envelope.payload)].filter(() => envelope.payloadType !== "")[0];

const vectors = json("envelope/manifest.json") as Vector[];
const named = vectors.map((vector) => [vector.name, vector] as const);

describe("the golden vectors of the wire", () => {
  test.each(named)("%s is read as its manifest says", (_name, vector) => {
    const envelope = decodeEnvelope(bytesOf(`envelope/${vector.file}`));

    expect(envelope).toMatchObject({ type: vector.type, producerName: vector.producer_name, flowId: vector.flow_id, runId: vector.run_id });
    expect(envelope).toMatchObject({ traceId: vector.trace_id, seq: BigInt(vector.seq), replicaId: vector.replica_id });
    expect(envelope.eventTs ?? null).toBe(vector.event_ts);
    expect(envelope.metadata).toEqual(fieldsOf(vector.metadata.map));
    expect(decodedPayload(envelope)).toEqual(payloadOf(vector));
  });

  test.each(named)("%s is written byte for byte", (_name, vector) => {
    const bytes = bytesOf(`envelope/${vector.file}`);
    const envelope = decodeEnvelope(bytes);
    const payload = decodedPayload(envelope);
    const again = { ...envelope, ...(payload === undefined ? {} : encodePayload(payload)) };

    expect(hex(encodeEnvelope(again))).toBe(hex(bytes));
  });

  test("an envelope of the old msgpack format is refused by its name", () => {
    expect(() => decodeEnvelope(bytesOf("reject/legacy_msgpack.bin"))).toThrow(/msgpack/);
  });

  test("a payload of unknown type passes through untouched", () => {
    const bytes = bytesOf("reject/unknown_payload_type.bin");
    const [, { expect: wanted }] = json("reject/manifest.json") as [
      unknown,
      { expect: { opaque: { payload_type: string; data_b64: string } } },
    ];
    const envelope = decodeEnvelope(bytes);
    const payload = decodePayload(envelope.payloadType, envelope.payload);

    expect(payload).toEqual({ kind: "opaque", payloadType: wanted.opaque.payload_type, bytes: base64(wanted.opaque.data_b64) });
    expect(hex(encodeEnvelope({ ...envelope, ...encodePayload(payload) }))).toBe(hex(bytes));
  });

  test.each(json("message_id/vectors.json") as IdVector[])("the id of message $trace_id is $expected_id", (vector) => {
    const { flow_id: flowId, run_id: runId, producer_name: producerName, trace_id: traceId, seq, msg_type: type } = vector;

    expect(messageId({ flowId, runId, producerName, traceId, seq: BigInt(seq), type })).toBe(vector.expected_id);
  });
});

describe("an envelope", () => {
  const codeOf = (bytes: Uint8Array) => {
    try {
      return decodeEnvelope(bytes);
    } catch (error) {
      return (error as OperatorError).message;
    }
  };

  test("of another version is refused with both numbers", () => {
    const bytes = encodeEnvelope(EMPTY_ENVELOPE);
    bytes[1] = 5;
    expect(codeOf(bytes)).toMatch(/WIRE_INVALID.*version 5, this program speaks 4/);
  });

  test("without a version or a type is refused", () => {
    expect(codeOf(new Uint8Array())).toMatch(/version 0/);
    expect(codeOf(new Uint8Array([8, 4]))).toMatch(/message type 0/);
  });

  test("that is cut off anywhere is refused, or is another whole envelope, but never crashes its reader", () => {
    const bytes = bytesOf("envelope/data_value_map.bin");
    const results = Array.from({ length: bytes.length }, (_, end) => codeOf(bytes.subarray(0, end)));
    expect(results.filter((result) => typeof result === "string" && !result.startsWith("WIRE_INVALID"))).toEqual([]);
  });

  test("with fields of a later version is read without them", () => {
    const known = encodeEnvelope({ ...EMPTY_ENVELOPE, traceId: "t" });
    const later = new Uint8Array([...known, 0xf8, 0x07, 0x01, 0xfa, 0x07, 0x02, 0x41, 0x42]);
    expect(decodeEnvelope(later)).toMatchObject({ traceId: "t", type: "data" });
  });

  test("keeps an event time of 0 apart from none", () => {
    expect(decodeEnvelope(encodeEnvelope({ ...EMPTY_ENVELOPE, eventTs: 0 })).eventTs).toBe(0);
    expect(decodeEnvelope(encodeEnvelope(EMPTY_ENVELOPE)).eventTs).toBeUndefined();
  });
});

describe("names and owners", () => {
  test("each run of other characters becomes one underscore", () => {
    expect(["a.b c", "caméra-Ω", "ok_1-x"].map(sanitizePart)).toEqual(["a_b_c", "cam_ra-_", "ok_1-x"]);
  });

  test("a key belongs to the replica that its digest names, a missing one to that of None", () => {
    expect([partitionOwner("cam:1", 4), partitionOwner("cam:2", 4), partitionOwner("ключ", 5)]).toEqual([0, 1, 2]);
    expect(partitionOwner(undefined, 7)).toBe(3);
  });
});
