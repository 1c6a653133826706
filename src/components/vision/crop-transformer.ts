import { OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import type { Box } from "../payloads.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { frameSize } from "./frame.js";

/** See the descriptions in the descriptor. */
export interface CropTransformerParams {
  readonly box: Box;
}

/** Cuts a fixed box out of each frame. */
export class CropTransformer extends ProcessorNode<[Frame], Frame, CropTransformerParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.CropTransformer;

  constructor(params: CropTransformerParams, options: ProcessorOptions = {}) {
    super(params, options);
  }

  /** @param frame uint8 [h, w, 3]. @returns the part of it inside the box. @throws OperatorError CROP_EMPTY if there is none. */
  process(frame: Frame): Frame {
    const { width, height } = frameSize("CropTransformer", frame);
    const [x1, y1, x2, y2] = clipBox(this.params.box, width, height);
    const output = this.context.allocate([y2 - y1, x2 - x1, 3], "uint8");
    const rowBytes = (x2 - x1) * 3;
    for (let y = y1; y < y2; y++) {
      const from = (y * width + x1) * 3;
      output.data.set(frame.data.subarray(from, from + rowBytes), (y - y1) * rowBytes);
    }
    return output;
  }
}

/** @returns the box in whole pixels inside a frame. @throws OperatorError CROP_EMPTY if no pixel is left. */
export function clipBox(box: Box, width: number, height: number): Box {
  const clip = (value: number, limit: number) => Math.min(limit, Math.max(0, Math.round(value)));
  const [x1, y1, x2, y2] = [clip(box[0], width), clip(box[1], height), clip(box[2], width), clip(box[3], height)];
  if (x2 <= x1 || y2 <= y1) throw new OperatorError("CROP_EMPTY", { box: [...box], width, height });
  return [x1, y1, x2, y2];
}
