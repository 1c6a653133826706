/** The payload types of the wire. What is not known stays as it is. Pure. */
import { FIXED64, LENGTH, ProtoReader, ProtoWriter, VARINT } from "./protobuf.js";
import {
  readMapping,
  readTensor,
  readValue,
  type WireMapping,
  type WireTensor,
  type WireValue,
  writeMapping,
  writeTensor,
  writeValue,
} from "./value.js";

/** A decoded payload. */
export type WirePayload =
  | { readonly kind: "tensor"; readonly tensor: WireTensor }
  | { readonly kind: "frame"; readonly pixels: WireTensor; readonly pixelFormat: string; readonly captureTs?: number }
  /** boxes: [n, 6] = x1, y1, x2, y2, score, class. */
  | { readonly kind: "detections"; readonly boxes: WireTensor; readonly classNames: readonly string[] }
  /** tracks: [n, 5] = x1, y1, x2, y2, track id. */
  | { readonly kind: "tracks"; readonly tracks: WireTensor }
  | { readonly kind: "blob"; readonly ref: string; readonly innerPayloadType: string; readonly sizeBytes: bigint }
  | { readonly kind: "value"; readonly value: WireValue }
  | { readonly kind: "mapping"; readonly mapping: WireMapping }
  /** Of a type that this program does not know: passed on, never decoded. */
  | { readonly kind: "opaque"; readonly payloadType: string; readonly bytes: Uint8Array };

/** Full names; those of `videoflow.host.v1` exist only between processes of one host. */
export const PAYLOAD_TYPES = {
  tensor: "videoflow.v1.Tensor",
  frame: "videoflow.v1.Frame",
  detections: "videoflow.v1.Detections",
  tracks: "videoflow.v1.Tracks",
  blob: "videoflow.v1.BlobRef",
  value: "videoflow.v1.Value",
  mapping: "videoflow.host.v1.Mapping",
} as const;

const NO_TENSOR: WireTensor = { shape: [], dtype: "", data: new Uint8Array() };

/** What goes into the fields `payload_type` and `payload` of an envelope. */
export function encodePayload(payload: WirePayload): { payloadType: string; payload: Uint8Array } {
  if (payload.kind === "opaque") return { payloadType: payload.payloadType, payload: payload.bytes };
  const to = new ProtoWriter();
  writePayload(to, payload);
  return { payloadType: PAYLOAD_TYPES[payload.kind], payload: to.finish() };
}

function writePayload(to: ProtoWriter, payload: Exclude<WirePayload, { kind: "opaque" }>): void {
  switch (payload.kind) {
    case "tensor":
      return writeTensor(to, payload.tensor);
    case "frame":
      to.message(1, (inner) => writeTensor(inner, payload.pixels));
      if (payload.pixelFormat !== "") to.tag(2, LENGTH).text(payload.pixelFormat);
      if (payload.captureTs !== undefined) to.tag(3, FIXED64).double(payload.captureTs);
      return;
    case "detections":
      to.message(1, (inner) => writeTensor(inner, payload.boxes));
      for (const name of payload.classNames) to.tag(2, LENGTH).text(name);
      return;
    case "tracks":
      to.message(1, (inner) => writeTensor(inner, payload.tracks));
      return;
    case "blob":
      if (payload.ref !== "") to.tag(1, LENGTH).text(payload.ref);
      if (payload.innerPayloadType !== "") to.tag(2, LENGTH).text(payload.innerPayloadType);
      if (payload.sizeBytes !== 0n) to.tag(3, VARINT).bigint(payload.sizeBytes);
      return;
    case "value":
      return writeValue(to, payload.value);
    case "mapping":
      return writeMapping(to, payload.mapping);
    default:
      payload satisfies never;
  }
}

/** @throws OperatorError WIRE_INVALID for bytes that are not of the type. */
export function decodePayload(payloadType: string, bytes: Uint8Array): WirePayload {
  const from = new ProtoReader(bytes);
  switch (payloadType) {
    case PAYLOAD_TYPES.tensor:
      return { kind: "tensor", tensor: readTensor(from) };
    case PAYLOAD_TYPES.frame:
      return readFrame(from);
    case PAYLOAD_TYPES.detections:
      return readDetections(from);
    case PAYLOAD_TYPES.tracks:
      return { kind: "tracks", tracks: readDetections(from).boxes };
    case PAYLOAD_TYPES.blob:
      return readBlob(from);
    case PAYLOAD_TYPES.value:
      return { kind: "value", value: readValue(from, 0) };
    case PAYLOAD_TYPES.mapping:
      return { kind: "mapping", mapping: readMapping(from) };
    default:
      return { kind: "opaque", payloadType, bytes };
  }
}

function readFrame(from: ProtoReader): WirePayload {
  let [pixels, pixelFormat] = [NO_TENSOR, ""];
  let captureTs: number | undefined;
  from.fields((field, type) => {
    if (field === 1 && type === LENGTH) pixels = readTensor(from.message());
    else if (field === 2 && type === LENGTH) pixelFormat = from.text();
    else if (field === 3 && type === FIXED64) captureTs = from.double();
    else return false;
    return true;
  });
  return { kind: "frame", pixels, pixelFormat, ...(captureTs === undefined ? {} : { captureTs }) };
}

/** Tracks have the same first field and no second. */
function readDetections(from: ProtoReader): Extract<WirePayload, { kind: "detections" }> {
  let boxes = NO_TENSOR;
  const classNames: string[] = [];
  from.fields((field, type) => {
    if (field === 1 && type === LENGTH) boxes = readTensor(from.message());
    else if (field === 2 && type === LENGTH) classNames.push(from.text());
    else return false;
    return true;
  });
  return { kind: "detections", boxes, classNames };
}

function readBlob(from: ProtoReader): WirePayload {
  let [ref, innerPayloadType, sizeBytes] = ["", "", 0n];
  from.fields((field, type) => {
    if (field === 1 && type === LENGTH) ref = from.text();
    else if (field === 2 && type === LENGTH) innerPayloadType = from.text();
    else if (field === 3 && type === VARINT) sizeBytes = from.bigint();
    else return false;
    return true;
  });
  return { kind: "blob", ref, innerPayloadType, sizeBytes };
}
