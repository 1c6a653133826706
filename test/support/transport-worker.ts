/** A task as a process of its own, for tests that need real ones: argv = folder, node, task index, JSON of what to do. */
import { appendFileSync } from "node:fs";
import { EXIT_RETIRED } from "../../src/api/launch.js";
import { readPlan } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { InputMessage, TaskPort } from "../../src/transport/port.js";

export interface WorkerOrders {
  /** Producer: how many messages, and bytes of each. */
  readonly messages: number;
  readonly sizeBytes: number;
  /** Consumer: where to write "position:first byte:length" lines at the end; empty: nowhere. */
  readonly log: string;
  /** Milliseconds between messages of the producer, and in user code of the others; 0 = as fast as possible. */
  readonly gapMs: number;
}

const [dir, node, index, json] = process.argv.slice(2) as [string, string, string, string];
const orders = JSON.parse(json) as WorkerOrders;
const plan = readPlan(dir);
const port = openTaskPort(dir, plan, node, Number(index));
const isProducer = plan.nodes.find((candidate) => candidate.name === node)?.inputs.length === 0;
const startedMs = performance.now();
const isOver = await (isProducer ? produce(port) : work(port));
if (isOver) port.end();
else port.leave();
port.close();
if (!isOver) process.exitCode = EXIT_RETIRED;
process.stdout.write(`${JSON.stringify({ node, ms: performance.now() - startedMs })}\n`);

/** @returns whether the stream is over; otherwise the task makes way. */
async function produce(producer: TaskPort): Promise<boolean> {
  const payload = new Uint8Array(orders.sizeBytes);
  while (producer.committed < orders.messages) {
    if (producer.retiring) return false;
    if (!producer.reserve()) {
      await producer.waitForSpace();
      continue;
    }
    const position = producer.committed;
    payload[0] = position & 0xff;
    producer.write({ traceId: `trace-${position}`, seq: position + 1, payload });
    producer.commit();
    if (orders.gapMs > 0) await new Promise((resolve) => setTimeout(resolve, orders.gapMs));
  }
  return true;
}

async function work(worker: TaskPort): Promise<boolean> {
  const lines: string[] = [];
  for (;;) {
    const unit = worker.take();
    if (unit === undefined) {
      await worker.waitForInput();
      continue;
    }
    if (unit.kind === "retire") return false;
    if (unit.kind === "end") break;
    worker.attempt();
    if (orders.gapMs > 0) await new Promise((resolve) => setTimeout(resolve, orders.gapMs));
    for (const message of unit.inputs[0] ?? []) handle(worker, message, unit.position, lines);
    worker.commit();
  }
  if (orders.log !== "") appendFileSync(orders.log, lines.join("\n"));
  return true;
}

function handle(worker: TaskPort, message: InputMessage, position: number, lines: string[]): void {
  const bytes = message.payload as Uint8Array;
  if (orders.log !== "") lines.push(`${position}:${bytes[0]}:${bytes.length}:${message.traceId}`);
  worker.write({ traceId: message.traceId, seq: message.seq, payload: bytes });
}
