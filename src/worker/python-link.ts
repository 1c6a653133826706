/** The conversation with one Python node: open, one call per input, close. docs/wire.md shows its envelopes. */
import { OperatorError } from "../base/errors.js";
import type { DType, Tensor } from "../base/tensor.js";
import { Message, type NodeContext, Outputs } from "../flow/node.js";
import type { PythonComponent } from "../flow/python-component.js";
import { formatPython } from "../flow/python-component.js";
import { placeOf } from "../transport/files.js";
import { decodeEnvelope, EMPTY_ENVELOPE, type Envelope, encodeEnvelope } from "../transport/wire/envelope.js";
import { decodePayload } from "../transport/wire/payload.js";
import { fromWire, mapFromWire, tensorFromWire, toWire } from "../transport/wire/plain.js";
import { invalid } from "../transport/wire/protobuf.js";
import { decodeValue, encodeValue, NULL, type WireMapping, type WireValue } from "../transport/wire/value.js";
import { crashPoint } from "./crash-points.js";
import { PythonProcess, pythonProgram } from "./python-process.js";

/** Smaller arrays travel inside their envelope. */
const INLINE_BYTES = 1024;
const HOST = "videoflow.host.v1.";

/** An exception of the user's Python code; its stack is the traceback. */
export class PythonError extends Error {
  /** Which part of the node's life it ended. */
  readonly stage: string;
  /** What the class says of itself and the spec does not. */
  readonly disagreement: Disagreement | undefined;

  constructor({ stage, type, message, traceback, disagreement }: Failure) {
    super(message);
    this.name = type;
    this.stage = stage;
    this.stack = traceback;
    this.disagreement = disagreement;
  }
}

interface Disagreement {
  readonly what: string;
  readonly spec: string | number;
  readonly found: string;
}

/** Payload of a Failure envelope. */
interface Failure {
  readonly stage: string;
  readonly type: string;
  readonly message: string;
  readonly traceback: string;
  readonly disagreement?: Disagreement;
}

/** What one call gave. */
export interface Reply {
  /** The outputs as a node of ours would return them. */
  readonly output: unknown;
  /** The producer has nothing more to give. */
  readonly ended: boolean;
}

interface PendingCall {
  readonly outputs: unknown[];
  ended: boolean;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** What the worker's own context has beside what users see. */
type LinkContext = NodeContext & { reportStateLost?(): void };

export type Role = "Producer" | "Processor" | "Consumer";

export class PythonLink {
  readonly #component: PythonComponent;
  readonly #role: Role;
  readonly #params: object;
  readonly #oneTask: boolean;
  readonly #grants = new Map<string, Tensor>();
  #context: NodeContext | undefined;
  #process: PythonProcess | undefined;
  #pending: PendingCall | undefined;
  /** Of a class that keeps state: as it is after the last call that was answered. */
  #state: Uint8Array | undefined;
  /** What the node goes on from at the next call. */
  #toRestore: Uint8Array | undefined;
  /** It may keep something between its inputs, and cannot tell what. */
  #isForgetful = false;
  #hasAnswered = false;
  #closing = false;

  /** @param oneTask the spec says that the class keeps state. */
  constructor(component: PythonComponent, role: Role, params: object, oneTask = false) {
    this.#component = component;
    this.#role = role;
    this.#params = params;
    this.#oneTask = oneTask;
  }

  /**
   * Starts the interpreter, imports the class, makes the node and opens it.
   *
   * @throws OperatorError PYTHON_MISSING, COMPONENT_NOT_FOUND, COMPONENT_DISAGREES; PythonError that open() raised.
   */
  async open(context: NodeContext): Promise<void> {
    this.#context = context;
    this.#process = new PythonProcess(context.node, pythonProgram(process.env), {
      envelope: (bytes) => this.#receive(bytes),
      ended: (error) => this.#take()?.reject(error),
    });
    try {
      await this.#request({ ...EMPTY_ENVELOPE, payloadType: `${HOST}Open`, payload: encodeValue(toWire(this.#start(context))) });
    } catch (error) {
      this.#closing = true; // It ends by itself.
      await this.#process.exited;
      throw this.#asLoadError(error);
    }
  }

  #start(context: NodeContext): object {
    const { flow, run, node, committed } = context;
    const surroundings = {
      flow,
      run,
      node,
      task_index: context.taskIndex,
      nb_tasks: context.nbTasks,
      one_task: this.#oneTask,
      devices: [...context.devices],
      committed,
    };
    return { ...this.#component, role: this.#role, params: this.#params, ...surroundings };
  }

  #asLoadError(error: unknown): unknown {
    if (!(error instanceof PythonError) || error.stage !== "load") return error;
    const { node, logger } = this.#context as NodeContext;
    const component = formatPython(this.#component);
    const { disagreement } = error;
    if (disagreement !== undefined) {
      const { what, spec, found } = disagreement;
      return new OperatorError("COMPONENT_DISAGREES", { node, component, what, spec: String(spec), found }, { cause: error });
    }
    logger.error(error.stack ?? error.message);
    return new OperatorError("COMPONENT_NOT_FOUND", { node, component, detail: error.message }, { cause: error });
  }

  /**
   * One input, or one look for the next message of a producer.
   *
   * @throws PythonError what the node raised; OperatorError PYTHON_ENDED if the process died meanwhile.
   */
  async call(inputs: readonly unknown[], type: "Call" | "Flush" = "Call"): Promise<Reply> {
    if (this.#process?.alive !== true) await this.#comeBack();
    if (this.#toRestore !== undefined) await this.#sendRestore(this.#toRestore);
    const values = inputs.map((input) => toWire(input, placeOfLarge));
    const reply = await this.#request({ ...this.#lineage(), payloadType: HOST + type, payload: encodeValue({ kind: "list", values }) });
    this.#hasAnswered = true;
    return reply;
  }

  /** The state of a class with snapshot() and restore(), after the last call; undefined for any other class. */
  get state(): Uint8Array | undefined {
    return this.#toRestore ?? this.#state;
  }

  /** Whether a death of the process loses what the node has kept. */
  get isForgetful(): boolean {
    return this.#isForgetful;
  }

  /** The next call goes on from this state. */
  restore(state: Uint8Array): void {
    this.#toRestore = state;
  }

  async #sendRestore(state: Uint8Array): Promise<void> {
    await this.#request({ ...EMPTY_ENVELOPE, payloadType: `${HOST}Restore`, payload: encodeValue(toWire(state)) });
    this.#toRestore = undefined;
  }

  #lineage(): Envelope {
    const { flow, run, node, taskIndex, traceId, seq, eventTs, metadata } = this.#context as NodeContext;
    const fields = toWire(metadata) as Extract<WireValue, { kind: "map" }>;
    const scope = { ...EMPTY_ENVELOPE, producerName: node, flowId: flow, runId: run, replicaId: taskIndex };
    return { ...scope, traceId, seq: BigInt(seq), eventTs, metadata: fields.fields };
  }

  /** After a death in the middle of an input a new process takes the next attempt; if that cannot open, the task ends. */
  async #comeBack(): Promise<void> {
    const context = this.#context as NodeContext;
    if (this.#role === "Producer") throw new OperatorError("PYTHON_ENDED", { node: context.node, how: "it is gone" });
    const { state } = this;
    context.logger.warn(`the Python process starts again${state === undefined ? "; what it kept between inputs is lost" : ""}`);
    try {
      await this.open(context);
      this.#toRestore = state;
      if (this.#isForgetful && this.#hasAnswered) (context as LinkContext).reportStateLost?.();
    } catch (error) {
      setImmediate(() => {
        throw error; // As an attempt of the message it would send every one of them to the dead letters.
      });
      await new Promise(() => {});
    }
  }

  #request(envelope: Envelope): Promise<Reply> {
    this.#grants.clear();
    return new Promise((resolve, reject) => {
      this.#pending = { outputs: [], ended: false, resolve, reject };
      (this.#process as PythonProcess).send(encodeEnvelope(envelope));
      if (envelope.payloadType === `${HOST}Call`) crashPoint("worker.python.sent");
    });
  }

  #take(): PendingCall | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#understand(decodeEnvelope(bytes));
    } catch (error) {
      this.#take()?.reject(error);
    }
  }

  #understand(envelope: Envelope): void {
    const pending = this.#pending;
    if (envelope.payloadType === `${HOST}Ask`) return this.#grant(envelope);
    if (pending === undefined) return; // The call was abandoned.
    if (envelope.type === "eos") pending.ended = true;
    else if (envelope.payloadType === `${HOST}Failure`) this.#take()?.reject(failureOf(envelope));
    else if (envelope.payloadType === `${HOST}Ack`) this.#answer(pending, envelope);
    else pending.outputs.push(this.#payloadOf(envelope));
  }

  #answer({ outputs, ended }: PendingCall, { payload }: Envelope): void {
    if (payload.length > 0) this.#takeState(fromWire(decodeValue(payload)) as Uint8Array | null);
    crashPoint("worker.python.answered");
    this.#take()?.resolve({ output: outputOf(outputs), ended });
  }

  /** @param state null: there may be one, and it cannot be told. */
  #takeState(state: Uint8Array | null): void {
    this.#isForgetful = state === null;
    this.#state = state ?? undefined;
  }

  /** Hands out room in the slot of the next output, which the child maps and fills. */
  #grant(envelope: Envelope): void {
    const { shape, dtype } = fromWire(decodeValue(envelope.payload)) as { shape: number[]; dtype: DType };
    const answer = this.#allocate(shape, dtype);
    (this.#process as PythonProcess).send(encodeEnvelope({ ...EMPTY_ENVELOPE, payloadType: `${HOST}Grant`, payload: encodeValue(answer) }));
  }

  /** Null where there is no slot: the output then travels in its envelope, and fails, if it must, when it is written. */
  #allocate(shape: readonly number[], dtype: DType): WireValue {
    try {
      const tensor = (this.#context as NodeContext).allocate(shape, dtype);
      const place = placeOf(tensor.data);
      if (place === undefined) return NULL;
      this.#grants.set(keyOf(place), tensor);
      return { kind: "mapping", mapping: { ...place, shape, dtype } };
    } catch {
      return NULL;
    }
  }

  #payloadOf(envelope: Envelope): unknown {
    const mappingOf = (mapping: WireMapping) => this.#granted(mapping);
    const payload = payloadOf(envelope, mappingOf);
    if (envelope.eventTs === undefined && envelope.metadata.size === 0) return payload;
    const eventTs = envelope.eventTs === undefined ? {} : { eventTs: envelope.eventTs };
    return new Message(payload, { ...eventTs, ...(envelope.metadata.size === 0 ? {} : { metadata: mapFromWire(envelope.metadata) }) });
  }

  #granted(mapping: WireMapping): Tensor {
    const tensor = this.#grants.get(keyOf(mapping));
    if (tensor === undefined) throw invalid(`${mapping.path} at ${mapping.offset} was not handed out for this input`);
    return tensor;
  }

  /**
   * Lets the node close, or breaks it off in a call that was abandoned.
   *
   * @throws PythonError that close() raised.
   */
  async close(): Promise<void> {
    const child = this.#process;
    if (child === undefined || this.#closing) return;
    this.#closing = true;
    if (this.#take() !== undefined) return child.stop();
    if (child.alive) await this.#sayEnd(child);
    await child.exited;
  }

  async #sayEnd(child: PythonProcess): Promise<void> {
    try {
      await this.#request({ ...EMPTY_ENVELOPE, type: "eos" });
    } finally {
      await child.exited;
    }
  }
}

function placeOfLarge(bytes: Uint8Array) {
  return bytes.length < INLINE_BYTES ? undefined : placeOf(bytes);
}

function keyOf({ path, offset }: { readonly path: string; readonly offset: number }): string {
  return `${path}:${offset}`;
}

function payloadOf({ payloadType, payload }: Envelope, mappingOf: (mapping: WireMapping) => unknown): unknown {
  const decoded = decodePayload(payloadType, payload);
  switch (decoded.kind) {
    case "value":
      return fromWire(decoded.value, mappingOf);
    case "tensor":
      return tensorFromWire(decoded.tensor);
    case "mapping":
      return mappingOf(decoded.mapping);
    default:
      throw invalid(`an output has the payload type ${payloadType}`);
  }
}

function outputOf(outputs: readonly unknown[]): unknown {
  if (outputs.length < 2) return outputs[0];
  return new Outputs(outputs);
}

function failureOf({ payload }: Envelope): PythonError {
  return new PythonError(fromWire(decodeValue(payload)) as Failure);
}
