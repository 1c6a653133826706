import { OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { type NodeContext, ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { type Inference, openInference } from "../inference.js";
import { findModelFile, type ModelSource } from "../model-file.js";
import type { Detections } from "../payloads.js";
import { suppressOverlaps, toDetections } from "./boxes.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { type FaceHead, findFaceHead } from "./face-heads.js";
import { frameSize } from "./frame.js";
import { Letterboxer } from "./letterbox.js";

/** See the descriptions in the descriptor. */
export interface OnnxFaceDetectorParams extends ModelSource {
  readonly minScore?: number;
  readonly nms?: number;
  readonly threads?: number;
}

const CLASS_NAMES = ["face"] as const;

interface Opened {
  readonly inference: Inference;
  readonly head: FaceHead;
  readonly letterboxer: Letterboxer;
}

/** Finds faces with a BlazeFace (front or back) or a YuNet model; which one is seen from its outputs. */
export class OnnxFaceDetector extends ProcessorNode<[Frame], Detections, OnnxFaceDetectorParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.OnnxFaceDetector;
  #opened: Opened | undefined;

  constructor(params: OnnxFaceDetectorParams, options: ProcessorOptions = {}) {
    super(params, options);
  }

  /** @throws OperatorError MODEL_… if the model cannot be found, fetched or used. */
  override async open(context: NodeContext): Promise<void> {
    const path = await findModelFile(this.params);
    const inference = await openInference(path, context, this.params.threads);
    context.reportDevice(inference.device);
    const head = findFaceHead(inference.inputShape, inference.outputShapes);
    if (head === undefined) {
      throw new OperatorError("MODEL_UNSUPPORTED", { model: path, problem: "its outputs are neither BlazeFace's nor YuNet's" });
    }
    this.#opened = { inference, head, letterboxer: new Letterboxer(head.layout, inference.input, head.width, head.height) };
  }

  /** @param frame uint8 [h, w, 3], RGB. @returns faces, best first, of the one class "face"; none is an empty tensor. */
  async process(frame: Frame): Promise<Detections> {
    if (this.#opened === undefined) throw new TypeError(`node "${this.name}": process() before open()`);
    const { inference, head, letterboxer } = this.#opened;
    const size = frameSize("OnnxFaceDetector", frame);
    const fit = letterboxer.write(frame.data, size.width, size.height);
    const candidates = head.decode(await inference.run(), this.params.minScore ?? head.minScore);
    return toDetections(suppressOverlaps(candidates, this.params.nms ?? 0.3), fit, CLASS_NAMES);
  }

  override async close(): Promise<void> {
    await this.#opened?.inference.close();
    this.#opened = undefined;
  }
}
