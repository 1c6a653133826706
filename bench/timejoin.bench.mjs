// Two producers at 50 messages/s, one of which leaves out every third, joined by event time: what is complete, what has one half.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConsumerNode, END, Message, ProducerNode } from "videoflow";
import { consumer, processor, producer, readJson, runFlow } from "./flows.mjs";
import { median, withFolder } from "./measure.mjs";

const HERE = `=${fileURLToPath(import.meta.url)}`;
const JOIN = { mode: "Time", toleranceMs: 12, timeoutMs: 250, quorum: 1 };
const PER_SECOND = 50;

export async function run({ smoke, runs, log }) {
  const count = smoke ? 15 : 150;
  const seen = { complete: [], onlyA: [], onlyB: [] };
  for (let i = 0; i < runs; i += 1) {
    const figures = await withFolder((folder) => joined(folder, count));
    for (const key of Object.keys(seen)) seen[key].push(figures[key]);
    log(`complete ${figures.complete}, only a ${figures.onlyA}, only b ${figures.onlyB}`);
  }
  return Object.fromEntries(Object.entries(seen).map(([key, figures]) => [key, median(figures)]));
}

async function joined(folder, count) {
  const out = join(folder, "seen");
  await runFlow(folder, [
    producer("a", `${HERE}#Sensor`, { count, perSecond: PER_SECOND }),
    producer("b", `${HERE}#Sensor`, { count, perSecond: PER_SECOND, leaveOut: 3 }),
    processor("pairs", "=Joiner", ["a", "b"], {}, { join: JOIN }),
    consumer("sink", `${HERE}#Halves`, ["pairs"], { out }),
  ]);
  return readJson(out);
}

/** Messages whose event times are exactly as far apart as it is asked for; every `leaveOut`-th is not sent. */
export class Sensor extends ProducerNode {
  #next = 0;
  #startMs = performance.now();

  async next() {
    const { count, perSecond, leaveOut = Number.POSITIVE_INFINITY } = this.params;
    if (this.#next === 0) this.#startMs = performance.now();
    if ((this.#next + 1) % leaveOut === 0) this.#next += 1;
    if (this.#next >= count) return END;
    const number = this.#next;
    this.#next += 1;
    const waitMs = this.#startMs + (number * 1000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    return new Message(number, { eventTs: 1_700_000_000 + number / perSecond });
  }
}

/** Counts pairs and halves; a pair of unlike numbers counts as neither. */
export class Halves extends ConsumerNode {
  #seen = { complete: 0, onlyA: 0, onlyB: 0 };

  consume([a, b]) {
    if (a === null) this.#seen.onlyB += 1;
    else if (b === null) this.#seen.onlyA += 1;
    else if (a === b) this.#seen.complete += 1;
  }

  close() {
    writeFileSync(this.params.out, JSON.stringify(this.#seen));
  }
}
