/** Either end of a channel with messages of every kind, as a process of its own: argv = folder, node, messages, milliseconds between them. */
import { createHash } from "node:crypto";
import { Tensor } from "../../src/base/tensor.js";
import { readPlan } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { InputMessage, OutputMessage, TaskPort } from "../../src/transport/port.js";

const [dir, node, messages, gapMs] = process.argv.slice(2) as [string, string, string, string];
const plan = readPlan(dir);
const port = openTaskPort(dir, plan, node, 0);
if (plan.nodes.find(({ name }) => name === node)?.inputs.length === 0) await talk(port);
else await listen(port);
port.end();
port.close();

async function talk(talker: TaskPort): Promise<void> {
  while (talker.committed < Number(messages)) {
    while (!talker.reserve()) await talker.waitForSpace();
    for (const message of messagesOf(talker.committed)) talker.write(message);
    talker.commit();
    await pause();
  }
}

/** Small and large, with and without what is optional, and now and then two outputs of one position. */
function messagesOf(position: number): OutputMessage[] {
  const message = { traceId: `talker:${position + 1}`, seq: position + 1 };
  switch (position % 5) {
    case 0:
      return [{ ...message, payload: { number: position, text: "é".repeat(position), nothing: null } }];
    case 1:
      return [{ ...message, eventTs: position / 8, metadata: { camera: "north", lap: position }, payload: frame(position) }];
    case 2:
      return [{ ...message, payload: new Uint8Array(position * 11).fill(position) }];
    case 3:
      return [{ ...message, payload: ["boxes", Tensor.zeros("float32", [position % 7, 4]), new Uint8Array([position & 0xff])] }];
    default:
      return [
        { ...message, payload: position },
        { ...message, traceId: `${message.traceId}#1`, payload: frame(position) },
      ];
  }
}

function frame(position: number): Tensor {
  const tensor = Tensor.zeros("uint8", [3, 40 + position, 3]);
  tensor.data.fill(position);
  return tensor;
}

async function listen(listener: TaskPort): Promise<void> {
  for (;;) {
    const unit = listener.take();
    if (unit === undefined) {
      await listener.waitForInput();
      continue;
    }
    if (unit.kind === "end") return;
    if (unit.kind === "data") {
      listener.attempt();
      for (const [index, input] of (unit.inputs[0] ?? []).entries()) tell(unit.position, index, input);
      await pause();
    }
    listener.commit();
  }
}

/** What Python must find too, told without the words that it reads. */
function tell(position: number, index: number, input: InputMessage): void {
  const { traceId, seq, eventTs = null, metadata, payload } = input;
  const items: unknown[] = [];
  const found = payload instanceof Tensor || payload instanceof Uint8Array ? itemOf(payload, items, "item") : plain(payload, items);
  process.stdout.write(`${JSON.stringify({ position, index, traceId, seq, eventTs, metadata, payload: found, items })}\n`);
}

function plain(value: unknown, items: unknown[]): unknown {
  if (value instanceof Tensor) return itemOf(value, items, "t");
  if (value instanceof Uint8Array) return itemOf(value, items, "b");
  return Array.isArray(value) ? value.map((element) => plain(element, items)) : value;
}

function itemOf(value: Tensor | Uint8Array, items: unknown[], mark: string): unknown {
  const isTensor = value instanceof Tensor;
  const { buffer, byteOffset, byteLength } = isTensor ? value.data : value;
  const hash = createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
  items.push(isTensor ? [value.dtype, [...value.shape], hash] : ["bytes", [byteLength], hash]);
  return { $: [mark, items.length - 1] };
}

function pause(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, Number(gapMs)));
}
