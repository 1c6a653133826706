// The nodes of the benchmarks: ordinary user components. Messages carry the time they were made (ns, bytes 0 to 7) and their number (bytes 8 to 11).
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { ConsumerNode, END, Message, ProcessorNode, ProducerNode, Tensor } from "videoflow";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function sleepUntil(ms) {
  const waitMs = ms - performance.now();
  if (waitMs > 0) await sleep(waitMs);
}

/** Nanoseconds of the monotonic clock, the same in every process; exact up to 2^53, 104 days of uptime. */
const nowNs = () => Number(process.hrtime.bigint());

function stamped(buffer, number) {
  buffer.writeBigUInt64LE(process.hrtime.bigint(), 0);
  buffer.writeUInt32LE(number, 8);
  return buffer;
}

const numberOf = (bytes) => (bytes[8] | (bytes[9] << 8) | (bytes[10] << 16) | (bytes[11] << 24)) >>> 0;
const stampOf = (bytes) => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

/** Until `tasks` others have written that they are open: starting is not part of what is measured. */
async function waitForStages({ ready, tasks }) {
  if (ready === undefined) return;
  while (!existsSync(ready) || readdirSync(ready).length < tasks) await sleep(2);
}

/** `count` messages of `bytes`: the first `warm` of them at once, the others `perSecond`; writes down when it ended. */
export class Paced extends ProducerNode {
  #next = 0;
  #startMs = 0;

  async next() {
    const { count, perSecond, bytes = 100, warm = 0, ended } = this.params;
    if (this.#next === warm) this.#startMs = performance.now();
    if (this.#next === count) {
      if (ended !== undefined) writeFileSync(ended, String(nowNs()));
      return END;
    }
    if (this.#next > warm) await sleepUntil(this.#startMs + ((this.#next - warm) * 1000) / perSecond);
    this.#next += 1;
    return stamped(Buffer.alloc(bytes), this.#next - 1);
  }
}

/** `count` messages of `bytes`, as fast as they are taken. */
export class Burst extends ProducerNode {
  #next = 0;
  #buffer = Buffer.alloc(0);

  async open() {
    this.#buffer = Buffer.alloc(this.params.bytes ?? 100, 7);
    await waitForStages(this.params);
  }

  next() {
    if (this.#next === this.params.count) return END;
    this.#buffer.writeUInt32LE(this.#next, 8);
    if (this.#next === 0) this.#buffer.writeBigUInt64LE(process.hrtime.bigint(), 0);
    this.#next += 1;
    return this.#buffer;
  }
}

/** `count` messages as fast as they are taken, each with the number of the key it belongs to. */
export class Keyed extends ProducerNode {
  #next = 0;

  async open() {
    await waitForStages(this.params);
  }

  next() {
    if (this.#next === this.params.count) return END;
    this.#next += 1;
    return new Message(stamped(Buffer.alloc(100), this.#next - 1), {
      metadata: { key: `k${this.#next - 1}` },
    });
  }
}

/** 1080p frames from 12 private buffers in turn. The number of the frame is in its first bytes. Writes down in which place each went out, if asked. */
export class Frames extends ProducerNode {
  #next = 0;
  #frames = [];
  #lastOffset;
  #offsets = [];

  async open() {
    const { statistics, offsets } = this.params;
    if (offsets !== undefined) this.#lastOffset = (await import(statistics)).writtenOffsets(this.name);
    const { height, width } = this.params;
    this.#frames = Array.from({ length: 12 }, (_, i) => new Tensor("uint8", [height, width, 3], Buffer.alloc(height * width * 3, i)));
  }

  next() {
    if (this.#lastOffset !== undefined && this.#next > 0) this.#offsets.push(this.#lastOffset());
    if (this.#next === this.params.count) return END;
    const frame = this.#frames[this.#next % 12];
    frame.data.writeUInt32LE(this.#next, 8);
    this.#next += 1;
    return frame;
  }

  close() {
    if (this.params.offsets !== undefined) writeFileSync(this.params.offsets, JSON.stringify(this.#offsets));
  }
}

/** `count` events, `perSecond` of them, each with its event time; without every third one if `sparse`. */
export class Events extends ProducerNode {
  #next = 0;

  async next() {
    const { count, perSecond, startMs, sparse } = this.params;
    if (sparse && this.#next % 3 === 2) this.#next += 1;
    if (this.#next >= count) return END;
    const eventMs = startMs + (this.#next * 1000) / perSecond;
    await sleep(Math.max(0, eventMs - Date.now()));
    this.#next += 1;
    return new Message(this.#next - 1, { eventTs: eventMs / 1000 });
  }
}

/** Says nothing for `seconds`, then ends. */
export class Silent extends ProducerNode {
  async next() {
    await sleep(this.params.seconds * 1000);
    return END;
  }
}

/** Gives its input on. */
export class Same extends ProcessorNode {
  process(value) {
    return value;
  }
}

/** Which of the two halves of a group are there, and whether they belong together. */
export class Halves extends ProcessorNode {
  process(a, b) {
    if (a !== null && b !== null && a !== b) return "wrong";
    return a === null ? "onlyB" : b === null ? "onlyA" : "complete";
  }
}

/** Blocks its process, as a computation would. */
export class Stage extends ProcessorNode {
  #lock = new Int32Array(new SharedArrayBuffer(4));
  #calls = 0;

  open() {
    const { ready } = this.params;
    if (ready !== undefined) writeFileSync(`${ready}/${this.context.taskIndex}`, "");
  }

  process(value) {
    this.#calls += 1;
    this.#tell();
    Atomics.wait(this.#lock, 0, 0, this.params.stageMs);
    return value;
  }

  /** For the one who kills: where task 0 is, and when its replacement has its first message. */
  #tell() {
    const { victim } = this.params;
    if (victim === undefined || this.context.taskIndex !== 0) return;
    const died = existsSync(victim.died);
    if (died && this.#calls === 1) writeFileSync(victim.back, String(nowNs()));
    if (!died && this.#calls === victim.call) writeFileSync(victim.here, String(process.pid));
  }
}

/** Joins the two halves of a diamond; says which task did it. */
export class Pair extends Stage {
  process(left, right) {
    const number = numberOf(left);
    const output = super.process(Buffer.from(left));
    output.writeUInt32LE(this.context.taskIndex, 12);
    output.writeUInt32LE(numberOf(right) === number ? 1 : 0, 16);
    return output;
  }
}

/** Writes down what it saw when it closes: numbers in order, latencies, times of the first and of the last message. */
export class Sink extends ConsumerNode {
  #numbers = [];
  #latenciesMs = [];
  #arrivalsMs = [];
  #tasks = [];
  #pairs = 0;
  #firstMadeNs = 0;
  #lastNs = 0;

  consume(message) {
    this.#lastNs = nowNs();
    const madeNs = stampOf(message);
    if (this.#numbers.length === 0) this.#firstMadeNs = madeNs;
    this.#numbers.push(numberOf(message));
    this.#latenciesMs.push((this.#lastNs - madeNs) / 1e6);
    this.#arrivalsMs.push(this.#lastNs / 1e6);
    this.#tasks.push(message[12]);
    this.#pairs += message[16];
  }

  close() {
    const [numbers, latenciesMs, arrivalsMs, tasks] = [this.#numbers, this.#latenciesMs, this.#arrivalsMs, this.#tasks];
    const seen = { numbers, latenciesMs, arrivalsMs, tasks, pairs: this.#pairs, firstMadeNs: this.#firstMadeNs, lastNs: this.#lastNs };
    writeFileSync(this.params.out, JSON.stringify(seen));
  }
}

/** Counts, checks that every number follows the one before, and looks at the clock only at the first and the last message. */
export class Counter extends ConsumerNode {
  #count = 0;
  #faults = 0;
  #firstNs = 0;
  #lastNs = 0;

  consume(message) {
    this.look(message instanceof Tensor ? message.data : message);
    this.#count += 1;
    if (this.#count === 1) this.#firstNs = nowNs();
    if (this.#count === this.params.count) this.#lastNs = nowNs();
  }

  /** Checks one message; what follows the count is right. */
  look(bytes) {
    this.check(numberOf(bytes) !== this.#count);
  }

  /** @param wrong whether the content is not what the producer wrote. */
  check(wrong) {
    if (wrong) this.#faults += 1;
  }

  get count() {
    return this.#count;
  }

  async close() {
    const { out, statistics } = this.params;
    const seen = { count: this.#count, faults: this.#faults, firstNs: this.#firstNs, lastNs: this.#lastNs };
    const copied = statistics === undefined ? undefined : (await import(statistics)).copiedBytes();
    writeFileSync(out, JSON.stringify({ ...seen, copied }));
  }
}

/** Checks 64 bytes of a frame in place. */
export class Handover extends Counter {
  look(bytes) {
    super.look(bytes);
    const expected = this.count % 12;
    let wrong = 0;
    for (let at = 12; at < 76; at += 1) wrong |= bytes[at] ^ expected;
    this.check(wrong !== 0);
  }
}

/** Writes down in which place each frame is, as the kernel says. */
export class Located extends Handover {
  #placeOf;
  #offsets = [];

  async open() {
    this.#placeOf = (await import(this.params.statistics)).placeOf;
  }

  look(bytes) {
    super.look(bytes);
    const { path, offset } = this.#placeOf(bytes);
    this.check(!path.endsWith("/pool-frames-0"));
    this.#offsets.push(offset);
  }

  async close() {
    await super.close();
    writeFileSync(this.params.offsets, JSON.stringify(this.#offsets));
  }
}

/** Copies a frame into private memory. */
export class ReadOut extends Handover {
  #target = new Uint8Array(0);

  look(bytes) {
    if (this.#target.length !== bytes.length) this.#target = new Uint8Array(bytes.length);
    this.#target.set(bytes);
    super.look(this.#target);
  }
}

/** Checks the means of the frames that {@link Frames} gives. */
export class Means extends Counter {
  look(mean) {
    this.check(Math.abs(mean - (this.count % 12)) > 0.01);
  }
}
