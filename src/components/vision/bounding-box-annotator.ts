import { OperatorError } from "../../base/errors.js";
import { type Frame, Tensor } from "../../base/tensor.js";
import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BOX_COLUMNS, type Detections } from "../payloads.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { colourOf, drawLabelledBox } from "./drawing.js";
import { frameSize } from "./frame.js";

/** See the descriptions in the descriptor. */
export interface BoundingBoxAnnotatorParams {
  readonly showScores?: boolean;
  readonly thickness?: number;
}

/** Draws detections on a copy of their frame: boxes, class names and scores, a colour per class. */
export class BoundingBoxAnnotator extends ProcessorNode<[Frame, Detections], Frame, BoundingBoxAnnotatorParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.BoundingBoxAnnotator;

  constructor(params: BoundingBoxAnnotatorParams = {}, options: ProcessorOptions = {}) {
    super(params, options);
  }

  /** @param frame uint8 [h, w, 3]; left as it is. @param detections in its pixels. @returns a frame of the same size. */
  process(frame: Frame, detections: Detections): Frame {
    const size = frameSize("BoundingBoxAnnotator", frame);
    if (!(detections?.boxes instanceof Tensor)) {
      throw new OperatorError("INPUT_TYPE", { component: "BoundingBoxAnnotator", expected: "detections", got: typeof detections });
    }
    const output = this.context.allocate(frame.shape, "uint8");
    output.data.set(frame.data);
    const canvas = { data: output.data, ...size };
    const { data, shape } = detections.boxes;
    for (let row = (shape[0] ?? 0) - 1; row >= 0; row--) {
      const [x1, y1, x2, y2, score, classId] = data.subarray(row * BOX_COLUMNS) as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const label = this.#label(detections.classNames[classId] ?? `${classId}`, score);
      drawLabelledBox(canvas, [x1, y1, x2, y2], label, colourOf(classId), this.params.thickness ?? 2);
    }
    return output;
  }

  #label(className: string, score: number): string {
    return (this.params.showScores ?? true) ? `${className} ${score.toFixed(2)}` : className;
  }
}
