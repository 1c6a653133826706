import { OperatorError } from "../../base/errors.js";
import { type Frame, Tensor } from "../../base/tensor.js";
import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { TRACK_COLUMNS, type Tracks } from "../payloads.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { colourOf, drawLabelledBox } from "./drawing.js";
import { frameSize } from "./frame.js";

/** See the descriptions in the descriptor. */
export interface TrackerAnnotatorParams {
  readonly thickness?: number;
}

/** Draws tracks on a copy of their frame: boxes and ids, a colour per id. */
export class TrackerAnnotator extends ProcessorNode<[Frame, Tracks], Frame, TrackerAnnotatorParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.TrackerAnnotator;

  constructor(params: TrackerAnnotatorParams = {}, options: ProcessorOptions = {}) {
    super(params, options);
  }

  /** @param frame uint8 [h, w, 3]; left as it is. @param tracks in its pixels. @returns a frame of the same size. */
  process(frame: Frame, { tracks }: Tracks): Frame {
    const size = frameSize("TrackerAnnotator", frame);
    if (!(tracks instanceof Tensor)) {
      throw new OperatorError("INPUT_TYPE", { component: "TrackerAnnotator", expected: "tracks", got: typeof tracks });
    }
    const output = this.context.allocate(frame.shape, "uint8");
    output.data.set(frame.data);
    const canvas = { data: output.data, ...size };
    for (let row = 0; row < (tracks.shape[0] ?? 0); row++) {
      const [x1, y1, x2, y2, id] = tracks.data.subarray(row * TRACK_COLUMNS) as unknown as [number, number, number, number, number];
      drawLabelledBox(canvas, [x1, y1, x2, y2], `#${id}`, colourOf(id), this.params.thickness ?? 2);
    }
    return output;
  }
}
