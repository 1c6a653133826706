import { OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { type NodeContext, ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { type Inference, openInference } from "../inference.js";
import { findModelFile, type ModelSource } from "../model-file.js";
import type { Detections } from "../payloads.js";
import { suppressOverlaps, toDetections } from "./boxes.js";
import { COCO_CLASSES } from "./coco.js";
import { countYoloxRows, decodeYolox } from "./decode-yolox.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { frameSize } from "./frame.js";
import { Letterboxer } from "./letterbox.js";

/** See the descriptions in the descriptor. */
export interface OnnxObjectDetectorParams extends ModelSource {
  readonly classes?: readonly string[];
  readonly minScore?: number;
  readonly nms?: number;
  readonly threads?: number;
}

/** What YOLOX models were trained on: BGR, 0..255, grey around the frame. */
const YOLOX_INPUT = { order: "planar", channels: "bgr", gain: 1, bias: 0, pad: 114 } as const;

interface Opened {
  readonly inference: Inference;
  readonly letterboxer: Letterboxer;
  readonly width: number;
  readonly height: number;
}

/** Finds objects of COCO's 80 classes with a YOLOX model; its input size is that of the model. */
export class OnnxObjectDetector extends ProcessorNode<[Frame], Detections, OnnxObjectDetectorParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.OnnxObjectDetector;
  readonly #isWanted: (classId: number) => boolean;
  #opened: Opened | undefined;

  /** @throws OperatorError PARAM_INVALID if a class has another name than COCO's. */
  constructor(params: OnnxObjectDetectorParams, options: ProcessorOptions = {}) {
    super(params, options);
    const wanted = params.classes?.map(classIdOf);
    this.#isWanted = wanted === undefined ? () => true : (classId) => wanted.includes(classId);
  }

  /** @throws OperatorError MODEL_… if the model cannot be found, fetched or used. */
  override async open(context: NodeContext): Promise<void> {
    const path = await findModelFile(this.params);
    const inference = await openInference(path, context, this.params.threads);
    context.reportDevice(inference.device);
    const [, , height = 0, width = 0] = inference.inputShape;
    const shape = Object.values(inference.outputShapes)[0] ?? [];
    if (shape[1] !== countYoloxRows(width, height) || shape[2] !== 5 + COCO_CLASSES.length) {
      throw new OperatorError("MODEL_UNSUPPORTED", {
        model: path,
        problem: `its output [${shape.join(", ")}] is not that of a YOLOX of 80 classes`,
      });
    }
    this.#opened = { inference, width, height, letterboxer: new Letterboxer(YOLOX_INPUT, inference.input, width, height) };
  }

  /** @param frame uint8 [h, w, 3], RGB. @returns what was found, best first; none is an empty tensor. */
  async process(frame: Frame): Promise<Detections> {
    if (this.#opened === undefined) throw new TypeError(`node "${this.name}": process() before open()`);
    const { inference, letterboxer, width, height } = this.#opened;
    const size = frameSize("OnnxObjectDetector", frame);
    const fit = letterboxer.write(frame.data, size.width, size.height);
    const output = Object.values(await inference.run())[0] as Float32Array;
    const { minScore = 0.4, nms = 0.45 } = this.params;
    const candidates = decodeYolox(output, 5 + COCO_CLASSES.length, width, height, minScore, this.#isWanted);
    return toDetections(suppressOverlaps(candidates, nms), fit, COCO_CLASSES);
  }

  override async close(): Promise<void> {
    await this.#opened?.inference.close();
    this.#opened = undefined;
  }
}

function classIdOf(name: string): number {
  const id = COCO_CLASSES.indexOf(name);
  if (id < 0) throw new OperatorError("PARAM_INVALID", { param: "classes", problem: `"${name}" is none of COCO's class names` });
  return id;
}
