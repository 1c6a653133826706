/** One onnxruntime session with buffers that are reused for each input. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { OperatorError } from "../../base/errors.js";
import { elementCount } from "../../base/tensor.js";
import type { DeviceReport } from "../../flow/node.js";

export type Runtime = typeof import("onnxruntime-node");

/** onnxruntime otherwise sends usage data to its maker and leaves files in the temporary folder; a value that the user set counts. */
const NO_TELEMETRY = "ORT_DISABLE_TELEMETRY";

/** Loads onnxruntime. Its errors reach us as exceptions; what it prints besides would fill the task's log. */
export async function loadRuntime(): Promise<Runtime> {
  process.env[NO_TELEMETRY] ??= "1"; // Read when the library is loaded.
  const module = await import("onnxruntime-node");
  const runtime = ("default" in module ? module.default : module) as Runtime;
  runtime.env.logLevel = "fatal";
  return runtime;
}

/** A model that is ready to run. */
export interface Inference {
  /** Where it really computes. */
  readonly device: DeviceReport;
  /** Extents of the input. */
  readonly inputShape: readonly number[];
  /** Write the input here before {@link run}; row-major. */
  readonly input: Float32Array;
  /** Extents of the outputs by name; empty where the model does not fix them. */
  readonly outputShapes: Readonly<Record<string, readonly number[]>>;
  /** Computes the outputs of {@link input}. @returns outputs by name, valid until the next call. */
  run(): Promise<Readonly<Record<string, Float32Array>>>;
  close(): Promise<void>;
}

export class OrtInference implements Inference {
  readonly device: DeviceReport;
  readonly inputShape: readonly number[];
  readonly input: Float32Array;
  readonly outputShapes: Readonly<Record<string, readonly number[]>>;
  readonly #session: InferenceSession;
  readonly #feeds: Record<string, OrtTensor>;
  /** Preallocated outputs; null where a shape is not fixed. */
  readonly #fetches: Record<string, OrtTensor | null>;

  /** @throws OperatorError MODEL_UNSUPPORTED unless the model has exactly one float32 input of a fixed shape and float32 outputs. */
  constructor(runtime: Runtime, model: string, session: InferenceSession, device: DeviceReport) {
    const input = onlyInput(model, session);
    this.device = device;
    this.#session = session;
    this.inputShape = input.shape;
    this.input = new Float32Array(elementCount(input.shape));
    this.#feeds = { [input.name]: new runtime.Tensor("float32", this.input, input.shape) };
    const shapes = session.outputMetadata.map(
      (output) => [output.name, output.isTensor && isFixed(output.shape) ? output.shape : []] as const,
    );
    this.outputShapes = Object.fromEntries(shapes);
    this.#fetches = Object.fromEntries(shapes.map(([name, shape]) => [name, zeroTensor(runtime, shape)]));
  }

  async run(): Promise<Readonly<Record<string, Float32Array>>> {
    const outputs = await this.#session.run(this.#feeds, this.#fetches);
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]));
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function onlyInput(model: string, session: InferenceSession): { name: string; shape: readonly number[] } {
  const [input, ...others] = session.inputMetadata;
  const isFloat = session.outputMetadata.every((output) => output.isTensor && output.type === "float32");
  if (input === undefined || others.length > 0 || !input.isTensor || input.type !== "float32" || !isFixed(input.shape) || !isFloat) {
    throw new OperatorError("MODEL_UNSUPPORTED", { model, problem: "it needs one float32 input of a fixed shape and float32 outputs" });
  }
  return { name: input.name, shape: input.shape };
}

function zeroTensor(runtime: Runtime, shape: readonly number[]): OrtTensor | null {
  return shape.length === 0 ? null : new runtime.Tensor("float32", new Float32Array(elementCount(shape)), shape);
}

function isFixed(shape: readonly (number | string)[]): shape is readonly number[] {
  return shape.length > 0 && shape.every((extent) => typeof extent === "number" && extent > 0);
}
