/** The flow whose tasks are killed at random, and what must arrive at its end, computed from the spec alone. */
import { resolve } from "node:path";
import { type Workplace, writeManifest } from "./flow-process.js";

const NODES = resolve("test/fixtures/components/chaos.mjs");
const PATIENT = {
  retries: 1000,
  restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 1_000_000 },
};

/** One message as the consumer must see it. */
export interface Arrival {
  /** With the index of the output, as in `source:12#2`. */
  readonly traceId: string;
  /** Number, index, hash of the content and hash of all that came before. */
  readonly text: string;
}

/**
 * source → work (3 tasks) ─┐
 *      └─→ pick (filter) ──┴→ join (2 tasks) → many → chain (state) → sink
 *
 * @param sink component and parameters of the consumer.
 * @returns path of the manifest. The source ends when the file `until` of the place says after how many messages.
 */
export function writeChaosFlow(place: Workplace, sink: object): string {
  return writeManifest(place, chaosNodes(place, sink));
}

/** The nodes of {@link writeChaosFlow}. */
export function chaosNodes(place: Workplace, sink: object): readonly object[] {
  const ms = (milliseconds: number) => ({ params: { ms: milliseconds } });
  const processor = (name: string, inputs: readonly string[], component: string, more: object) => ({
    ...PATIENT,
    ...{ name, role: "Processor", component: `${NODES}#${component}`, inputs, ...more },
  });
  const until = place.path("until");
  return [
    { ...PATIENT, name: "source", role: "Producer", component: `${NODES}#Source`, params: { ms: 4, until } },
    processor("work", ["source"], "Invert", { nbTasks: 3, ...ms(15) }),
    processor("pick", ["source"], "Pick", ms(5)),
    processor("join", ["work", "pick"], "Meet", { nbTasks: 2, partitionBy: "trace_id", ...ms(10) }),
    processor("many", ["join"], "Many", ms(5)),
    processor("chain", ["many"], "Chain", ms(4)),
    { ...PATIENT, name: "sink", role: "Consumer", inputs: ["chain"], ...sink },
  ];
}

/** Appends lines; what its death repeats is not taken back. */
export function linesSink(place: Workplace): object {
  return { component: `${NODES}#Lines`, params: { path: place.path("lines") } };
}

/** Cuts what its death would repeat. */
export function fileSink(place: Workplace): object {
  return { component: "FileAppender", params: { path: place.path("lines") } };
}

/** What has arrived, in order, by either sink. */
export function readArrivals(place: Workplace): Arrival[] {
  return place.lines("lines").map((line) => {
    if (!line.startsWith("{")) return { traceId: line.split(" ", 1)[0] ?? "", text: line.slice(line.indexOf(" ") + 1) };
    const { traceId, payload } = JSON.parse(line) as { traceId: string; payload: string };
    return { traceId, text: payload };
  });
}

/** What arrives, in order, when the source has given this many messages. */
export function expectedArrivals(messages: number): Arrival[] {
  let all = 0;
  return Array.from({ length: messages }, (_, number) => number)
    .filter((number) => number % 5 !== 3)
    .flatMap((number) => {
      const content = fnv1a(invertedBytes(number));
      return Array.from({ length: number % 100 === 50 ? 140 : number % 4 }, (_, index) => {
        all = fnv1a(Buffer.from(`${all} ${number} ${index} ${content}`));
        const trace = `source:${number + 1}`;
        return { traceId: index === 0 ? trace : `${trace}#${index}`, text: `${number} ${index} ${content} ${all}` };
      });
    });
}

function invertedBytes(number: number): Uint8Array {
  const bytes = Buffer.alloc(4 + ((number * 7919) % 3000));
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = number * 31 + i * 17;
  bytes.writeUInt32LE(number);
  return bytes.map((byte) => ~byte);
}

export function fnv1a(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
