import { type Frame, Tensor } from "../../base/tensor.js";
import { writeClip } from "./clip.js";
import { loadFfmpeg } from "./ffmpeg.js";
import { ImageDecoder } from "./image-file.js";

/** Part of a photograph that the camera looks at, in fractions of its width and height. */
interface View {
  /** Centre, 0..1. */
  readonly x: number;
  readonly y: number;
  /** Width of the view over that of the largest view that fits. */
  readonly scale: number;
}

/** A slow move of the camera over one photograph. */
export interface Shot {
  readonly path: string;
  readonly from: View;
  readonly to: View;
}

export interface DemoClipOptions {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** Length of each shot. */
  readonly secondsPerShot?: number;
}

const DEFAULTS = { width: 640, height: 360, fps: 25, secondsPerShot: 2.5 } as const;

/** Slow moves that keep the middle of a group picture in view, one after the other. */
const MOVES: readonly Pick<Shot, "from" | "to">[] = [
  { from: { x: 0.46, y: 0.5, scale: 0.95 }, to: { x: 0.54, y: 0.48, scale: 0.82 } },
  { from: { x: 0.54, y: 0.48, scale: 0.82 }, to: { x: 0.46, y: 0.5, scale: 0.95 } },
];

/**
 * Makes a short clip from photographs: the camera moves slowly over one after the other, so that what is on them moves.
 *
 * @param path        the video file to write.
 * @param photographs image files.
 * @returns the number of frames.
 * @throws OperatorError IMAGE_UNREADABLE, VIDEO_OUTPUT_UNWRITABLE.
 */
export async function makeDemoClip(path: string, photographs: readonly string[], options: DemoClipOptions = {}): Promise<number> {
  const shots = photographs.map((photograph, index) => ({ path: photograph, ...MOVES[index % MOVES.length]! }));
  const pictures = await readImages(shots.map((shot) => shot.path));
  const { fps } = { ...DEFAULTS, ...options };
  return writeClip(path, shootAll(shots, pictures, options), fps);
}

async function readImages(paths: readonly string[]): Promise<Frame[]> {
  const decoder = new ImageDecoder(await loadFfmpeg());
  const images: Frame[] = [];
  for (const path of paths) images.push(await decoder.read(path, (shape, dtype) => Tensor.zeros(dtype, shape)));
  decoder.close();
  return images;
}

function* shootAll(shots: readonly Shot[], pictures: readonly Frame[], options: DemoClipOptions): Generator<Frame> {
  const { width, height, fps, secondsPerShot } = { ...DEFAULTS, ...options };
  const frame = Tensor.zeros("uint8", [height, width, 3]);
  const count = Math.round(fps * secondsPerShot);
  for (const [index, shot] of shots.entries()) {
    for (let i = 0; i < count; i++) {
      sampleView(pictures[index]!, mix(shot.from, shot.to, i / (count - 1)), frame);
      yield frame;
    }
  }
}

function mix(from: View, to: View, share: number): View {
  const blend = (a: number, b: number) => a + (b - a) * share;
  return { x: blend(from.x, to.x), y: blend(from.y, to.y), scale: blend(from.scale, to.scale) };
}

/** Fills a frame with a view of a picture, between pixels by bilinear interpolation, so that the move is smooth. */
function sampleView(picture: Frame, view: View, frame: Frame): void {
  const [sourceHeight = 1, sourceWidth = 1] = picture.shape;
  const [height = 1, width = 1] = frame.shape;
  const step = view.scale * Math.min(sourceWidth / width, sourceHeight / height);
  const left = clamp(view.x * sourceWidth - (step * width) / 2, sourceWidth - 1 - step * width);
  const top = clamp(view.y * sourceHeight - (step * height) / 2, sourceHeight - 1 - step * height);
  sampleBilinear(picture.data, sourceWidth, sourceHeight, left, top, step, frame.data, width, height);
}

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(value, max));
}

function sampleBilinear(
  source: Uint8Array,
  sourceWidth: number,
  sourceHeight: number,
  left: number,
  top: number,
  step: number,
  target: Uint8Array,
  width: number,
  height: number,
): void {
  const row = sourceWidth * 3;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const sourceY = top + y * step;
    const y0 = Math.min(sourceHeight - 2, sourceY | 0);
    const down = sourceY - y0;
    for (let x = 0; x < width; x++) {
      const sourceX = left + x * step;
      const x0 = Math.min(sourceWidth - 2, sourceX | 0);
      const right = sourceX - x0;
      const at = y0 * row + x0 * 3;
      for (let c = 0; c < 3; c++) {
        const above = source[at + c]! * (1 - right) + source[at + 3 + c]! * right;
        const below = source[at + row + c]! * (1 - right) + source[at + row + 3 + c]! * right;
        target[to++] = above * (1 - down) + below * down + 0.5;
      }
    }
  }
}
