/**
 * Messages between processes that share no memory layout: Videoflow's Component Protocol, envelope version 4.
 * Knows bytes and field numbers; must not know sockets, flows or where a message goes.
 */
import { FIXED64, invalid, LENGTH, ProtoReader, ProtoWriter, VARINT } from "./protobuf.js";
import { readEntry, type WireValue, writeMap } from "./value.js";

export const ENVELOPE_VERSION = 4;

/** One message with its sender, scope and lineage. */
export interface Envelope {
  /** `eos`: the sender has ended; the payload is empty. */
  readonly type: "data" | "eos";
  readonly producerName: string;
  readonly flowId: string;
  readonly runId: string;
  readonly traceId: string;
  /** The producer's number of the message, carried along; values beyond 2^53 occur. */
  readonly seq: bigint;
  /** Epoch seconds of the real event; absent is not 0. */
  readonly eventTs?: number | undefined;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly replicaId: number;
  readonly metadata: ReadonlyMap<string, WireValue>;
  /** Full protobuf name of the payload; one that this program does not know passes through untouched. */
  readonly payloadType: string;
  /** Still encoded: {@link ./payload.ts} decodes the types that are known. */
  readonly payload: Uint8Array;
}

const DATA = 1;
const EOS = 2;
const NOTHING = new Uint8Array();

/** An envelope with empty fields, to be spread into. */
export const EMPTY_ENVELOPE: Envelope = {
  type: "data",
  producerName: "",
  flowId: "",
  runId: "",
  traceId: "",
  seq: 0n,
  spanId: "",
  parentSpanId: "",
  replicaId: 0,
  metadata: new Map(),
  payloadType: "",
  payload: NOTHING,
};

/** Fields in the order of their numbers; those with their default are left out. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const to = new ProtoWriter();
  to.tag(1, VARINT).number(ENVELOPE_VERSION);
  to.tag(2, VARINT).number(envelope.type === "data" ? DATA : EOS);
  writeText(to, 3, envelope.producerName);
  writeText(to, 4, envelope.flowId);
  writeText(to, 5, envelope.runId);
  writeText(to, 6, envelope.traceId);
  if (envelope.seq !== 0n) to.tag(7, VARINT).bigint(envelope.seq);
  if (envelope.eventTs !== undefined) to.tag(8, FIXED64).double(envelope.eventTs);
  writeText(to, 9, envelope.spanId);
  writeText(to, 10, envelope.parentSpanId);
  if (envelope.replicaId !== 0) to.tag(11, VARINT).number(envelope.replicaId);
  writeMap(to, 12, envelope.metadata);
  writeText(to, 13, envelope.payloadType);
  if (envelope.payload.length > 0) to.tag(14, LENGTH).bytes(envelope.payload);
  return to.finish();
}

function writeText(to: ProtoWriter, field: number, text: string): void {
  if (text !== "") to.tag(field, LENGTH).text(text);
}

/**
 * @param bytes a whole envelope; the payload of the result is a view of it.
 * @throws OperatorError WIRE_INVALID for what is cut off, of another version, or the msgpack of old versions.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  refuseMsgpack(bytes);
  const from = new ProtoReader(bytes);
  const read: Record<string, unknown> = { ...EMPTY_ENVELOPE };
  const metadata = new Map<string, WireValue>();
  let [version, type] = [0, 0];
  from.fields((field, wireType) => {
    const known = FIELDS[field];
    if (known === undefined || known[1] !== wireType) return false;
    if (field === 1) version = from.number();
    else if (field === 2) type = from.number();
    else if (field === 12) metadata.set(...readEntry(from.message(), 0));
    else read[known[0]] = READ[known[2]](from);
    return true;
  });
  if (version !== ENVELOPE_VERSION) throw invalid(`it has version ${version}, this program speaks ${ENVELOPE_VERSION}`);
  if (type !== DATA && type !== EOS) throw invalid(`it has the unknown message type ${type}`);
  return { ...(read as unknown as Envelope), metadata, type: type === DATA ? "data" : "eos" };
}

const READ = {
  text: (from: ProtoReader) => from.text(),
  number: (from: ProtoReader) => from.number(),
  bigint: (from: ProtoReader) => from.bigint(),
  double: (from: ProtoReader) => from.double(),
  bytes: (from: ProtoReader) => from.bytes(),
} as const;

/** By number: name, wire type, how it is read. */
const FIELDS: Readonly<Record<number, readonly [string, number, keyof typeof READ]>> = {
  1: ["v", VARINT, "number"],
  2: ["type", VARINT, "number"],
  3: ["producerName", LENGTH, "text"],
  4: ["flowId", LENGTH, "text"],
  5: ["runId", LENGTH, "text"],
  6: ["traceId", LENGTH, "text"],
  7: ["seq", VARINT, "bigint"],
  8: ["eventTs", FIXED64, "double"],
  9: ["spanId", LENGTH, "text"],
  10: ["parentSpanId", LENGTH, "text"],
  11: ["replicaId", VARINT, "number"],
  12: ["metadata", LENGTH, "bytes"],
  13: ["payloadType", LENGTH, "text"],
  14: ["payload", LENGTH, "bytes"],
};

/** Versions up to 3 were msgpack maps, whose first byte no envelope of version 4 has. */
function refuseMsgpack(bytes: Uint8Array): void {
  const first = bytes[0] ?? 0;
  if ((first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf) {
    throw invalid("it is a msgpack envelope of version 3 or older");
  }
}
