import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DType, type Frame, Tensor } from "../../src/base/tensor.js";
import { type ConsumerNode, END, type Message, type NodeContext, type ProducerNode } from "../../src/flow/node.js";

/** A task's surroundings without a task: tensors in private memory, log lines in a list. */
export function aContext(fields: Partial<NodeContext> = {}, lines: string[] = []): NodeContext {
  const log = (text: string): void => void lines.push(text);
  return {
    flow: "f",
    run: "r",
    node: "n",
    taskIndex: 0,
    nbTasks: 1,
    devices: [],
    logger: { info: log, warn: log, error: log },
    committed: 0,
    traceId: "t",
    seq: 1,
    eventTs: undefined,
    metadata: {},
    partitionKey: undefined,
    allocate: <D extends DType>(shape: readonly number[], dtype: D) => Tensor.zeros(dtype, shape),
    reportDevice: () => {},
    ...fields,
  };
}

/** Attaches and opens a node. */
export async function open<N extends ProducerNode<Frame> | ConsumerNode<[Frame]>>(node: N, fields: Partial<NodeContext> = {}): Promise<N> {
  const context = aContext(fields);
  node.attach(context);
  await node.open(context);
  return node;
}

/** All messages of a producer, which is opened and closed; an error after some messages is the last element. */
export async function readAll(node: ProducerNode<Frame>, fields: Partial<NodeContext> = {}): Promise<(Message<Frame> | Error)[]> {
  const got: (Message<Frame> | Error)[] = [];
  try {
    await open(node, fields);
    for (let message = await node.next(); message !== END; message = await node.next()) got.push(message as Message<Frame>);
  } catch (error) {
    got.push(error as Error);
  }
  await node.close();
  return got;
}

/** Writes frames with an opened consumer and closes it. */
export async function writeAll(node: ConsumerNode<[Frame]>, frames: Iterable<Frame>, fields: Partial<NodeContext> = {}): Promise<void> {
  await open(node, fields);
  for (const frame of frames) await node.consume(frame);
  await node.close();
}

/** A folder that exists while `use` runs. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A frame with a gradient and a bright square whose place tells the number of the frame. */
export function aFrame(index: number, height = 96, width = 128): Frame {
  const frame = Tensor.zeros("uint8", [height, width, 3]);
  const { data } = frame;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      data[at] = (x * 255) / width;
      data[at + 1] = (y * 255) / height;
      data[at + 2] = 64;
    }
  }
  const [left, top] = [(index * 8) % (width - 8), 8 * Math.floor((index * 8) / (width - 8))];
  for (let y = top; y < Math.min(height, top + 8); y++) data.fill(250, (y * width + left) * 3, (y * width + left + 8) * 3);
  return frame;
}

/** `count` frames of {@link aFrame}. */
export function someFrames(count: number, height?: number, width?: number): Frame[] {
  return Array.from({ length: count }, (_, index) => aFrame(index, height, width));
}

/** Peak signal-to-noise ratio in decibels; above 30 two pictures look alike. */
export function psnr(a: Frame, b: Frame): number {
  const [left, right] = [a.data, b.data];
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i]! - right[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / Math.max(1e-9, sum / left.length));
}
