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

/** The hot loop: on locals only, one channel after the other written out. Integer weights of 11 bits, as in OpenCV. */
function sampleBytes(source: Uint8Array, columns: Taps, rows: Taps, target: Uint8Array): void {
  const { first: x0, second: x1 } = columns;
  const { first: y0, second: y1 } = rows;
  const wx = Int32Array.from(columns.weight, (weight) => Math.round(weight * 2_048));
  const wy = Int32Array.from(rows.weight, (weight) => Math.round(weight * 2_048));
  const width = x0.length;
  let at = 0;
  for (let y = 0; y < y0.length; y++) {
    const top = y0[y]!;
    const bottom = y1[y]!;
    const v = wy[y]!;
    const u = 2_048 - v;
    for (let x = 0; x < width; x++) {
      const r = wx[x]!;
      const l = 2_048 - r;
      const a = top + x0[x]!;
      const b = top + x1[x]!;
      const c = bottom + x0[x]!;
      const d = bottom + x1[x]!;
      target[at] = (u * (source[a]! * l + source[b]! * r) + v * (source[c]! * l + source[d]! * r) + 2_097_152) >> 22;
      target[at + 1] = (u * (source[a + 1]! * l + source[b + 1]! * r) + v * (source[c + 1]! * l + source[d + 1]! * r) + 2_097_152) >> 22;
      target[at + 2] = (u * (source[a + 2]! * l + source[b + 2]! * r) + v * (source[c + 2]! * l + source[d + 2]! * r) + 2_097_152) >> 22;
      at += 3;
    }
  }
}
