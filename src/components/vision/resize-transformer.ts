import type { Frame } from "../../base/tensor.js";
import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { frameSize } from "./frame.js";
import { makeTaps, type Taps } from "./letterbox.js";

/** See the descriptions in the descriptor. */
export interface ResizeTransformerParams {
  readonly width: number;
  readonly height: number;
  readonly keepAspect?: boolean;
}

/** Scales frames, bilinear. */
export class ResizeTransformer extends ProcessorNode<[Frame], Frame, ResizeTransformerParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.ResizeTransformer;

  constructor(params: ResizeTransformerParams, options: ProcessorOptions = {}) {
    super(params, options);
  }

  /** @param frame uint8 [h, w, 3]. @returns uint8 [height, width, 3]. */
  process(frame: Frame): Frame {
    const source = frameSize("ResizeTransformer", frame);
    const target = targetSize(source, this.params);
    const output = this.context.allocate([target.height, target.width, 3], "uint8");
    if (target.width === source.width && target.height === source.height) output.data.set(frame.data);
    else resizeBilinear(frame.data, source.width, source.height, output.data, target.width, target.height);
    return output;
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** @returns the size of the output in pixels, at least 1 x 1. */
export function targetSize(source: Size, { width, height, keepAspect = false }: ResizeTransformerParams): Size {
  if (!keepAspect) return { width, height };
  const scale = Math.min(width / source.width, height / source.height);
  return { width: Math.max(1, Math.round(source.width * scale)), height: Math.max(1, Math.round(source.height * scale)) };
}

/** Scales uint8 [height, width, 3] into `target`, uint8 [targetHeight, targetWidth, 3]; bilinear, pixel centres at .5. */
export function resizeBilinear(
  source: Uint8Array,
  width: number,
  height: number,
  target: Uint8Array,
  targetWidth: number,
  targetHeight: number,
): void {
  sampleBytes(source, makeTaps(width, targetWidth, 3), makeTaps(height, targetHeight, width * 3), target);
}

/** The hot loop: on locals only. */
function sampleBytes(source: Uint8Array, columns: Taps, rows: Taps, target: Uint8Array): void {
  const { first: x0, second: x1, weight: wx } = columns;
  const { first: y0, second: y1, weight: wy } = rows;
  let at = 0;
  for (let y = 0; y < y0.length; y++) {
    const top = y0[y]!;
    const bottom = y1[y]!;
    const v = wy[y]!;
    for (let x = 0; x < x0.length; x++) {
      const w = wx[x]!;
      const left = x0[x]!;
      const right = x1[x]!;
      for (let c = 0; c < 3; c++) {
        const a = source[top + left + c]!;
        const b = source[bottom + left + c]!;
        const upper = a + (source[top + right + c]! - a) * w;
        const lower = b + (source[bottom + right + c]! - b) * w;
        target[at++] = upper + (lower - upper) * v + 0.5;
      }
    }
  }
}
