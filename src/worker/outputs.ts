/** Gives outputs their lineage: trace, number, event time, metadata. Pure. */
import type { InputMessage, OutputMessage, TimeGroup } from "../transport/port.js";
import type { Lineage } from "./context.js";
import type { Item } from "./members.js";

/**
 * Lineage of a set of joined inputs: seq and event time are the minimum, metadata of the first input wins. That of a single
 * input is the input itself: what nobody asks for is never decoded, and it is valid as long as its message.
 */
export function lineageOf(inputs: readonly InputMessage[]): Lineage {
  const first = inputs[0] as InputMessage;
  if (inputs.length === 1) return first;
  const times = inputs.flatMap(({ eventTs }) => (eventTs === undefined ? [] : [eventTs]));
  return {
    traceId: first.traceId,
    seq: Math.min(...inputs.map(({ seq }) => seq)),
    eventTs: times.length === 0 ? undefined : Math.min(...times),
    metadata: mergedMetadata(inputs),
  };
}

/** A group of one time is a new message: its number is its time in microseconds, and its trace is named after that. */
export function timeLineage({ eventTs, number }: TimeGroup, inputs: readonly InputMessage[]): Lineage {
  return { traceId: `tw-${number}`, seq: number, eventTs, metadata: mergedMetadata(inputs) };
}

function mergedMetadata(inputs: readonly InputMessage[]): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...inputs.map(({ metadata }) => metadata).reverse()) as Record<string, unknown>;
}

/** @param index 0 for the first output of an input; the others get a trace of their own, `<trace>#<index>`. */
export function outputMessage(item: Item, lineage: Lineage, index: number): OutputMessage {
  return {
    traceId: index === 0 ? lineage.traceId : `${lineage.traceId}#${index}`,
    seq: lineage.seq,
    eventTs: item.eventTs ?? lineage.eventTs,
    metadata: metadataOf(item, lineage),
    payload: item.payload,
  };
}

/** @returns undefined for none, which need not be encoded. */
function metadataOf({ metadata }: Item, lineage: Lineage): OutputMessage["metadata"] {
  const inherited = isEmpty(lineage.metadata) ? undefined : lineage.metadata;
  return metadata === undefined || inherited === undefined ? (metadata ?? inherited) : { ...inherited, ...metadata };
}

function isEmpty(metadata: Lineage["metadata"]): boolean {
  for (const _ in metadata) return false;
  return true;
}
