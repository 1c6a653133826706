import { type DType, Tensor } from "../../src/base/tensor.js";
import { type DeviceReport, END, Message, type Node, type NodeContext, type ProducerNode } from "../../src/flow/node.js";

/** The surroundings of a node outside a worker: private memory, a silent logger, device reports kept in a list. */
export interface TestContext extends NodeContext {
  readonly reports: DeviceReport[];
}

export function aContext(given: Partial<NodeContext> = {}): TestContext {
  const reports: DeviceReport[] = [];
  return {
    flow: "flow",
    run: "run",
    node: "node",
    taskIndex: 0,
    nbTasks: 1,
    devices: [],
    logger: { info() {}, warn() {}, error() {} },
    committed: 0,
    traceId: "trace-1",
    seq: 1,
    eventTs: undefined,
    metadata: {},
    partitionKey: undefined,
    allocate: <D extends DType>(shape: readonly number[], dtype: D) => Tensor.zeros(dtype, shape),
    reportDevice: (report) => void reports.push(report),
    reports,
    ...given,
  };
}

/** Attaches a node to a context and opens it, as a worker does. */
export async function openNode<N extends Node>(node: N, given: Partial<NodeContext> = {}): Promise<N> {
  const context = aContext(given);
  node.attach(context);
  await node.open(context);
  return node;
}

/** Every `step`-th output of a producer, to its end. */
export async function readAll<T>(producer: ProducerNode<T>, step = 1): Promise<T[]> {
  const outputs: T[] = [];
  for (let i = 0; ; i++) {
    const output = await producer.next();
    if (output === END) return outputs;
    if (i % step === 0) outputs.push(output instanceof Message ? output.payload : (output as T));
  }
}
