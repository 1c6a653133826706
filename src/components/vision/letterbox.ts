/** Frames into the input of a detector: scaled to fit, padded at the right and at the bottom, and the way back for boxes. */

/** Where the frame lies inside the model's input: at the top left, `width` x `height` of it. */
export interface Letterbox {
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** Pixels of the input that the frame covers. */
  readonly width: number;
  readonly height: number;
}

/** Order and range of a model's input. */
export interface InputLayout {
  /** "planar" is [1, 3, h, w], "interleaved" is [1, h, w, 3]. */
  readonly order: "planar" | "interleaved";
  readonly channels: "rgb" | "bgr";
  /** Value of an element = pixel x gain + bias. */
  readonly gain: number;
  readonly bias: number;
  /** Pixel value around the frame. */
  readonly pad: number;
}

/** @returns how a frame fits into the input with its aspect kept; sizes in pixels. */
export function fitLetterbox(frameWidth: number, frameHeight: number, inputWidth: number, inputHeight: number): Letterbox {
  const scale = Math.min(inputWidth / frameWidth, inputHeight / frameHeight);
  const width = Math.max(1, Math.min(inputWidth, Math.round(frameWidth * scale)));
  const height = Math.max(1, Math.min(inputHeight, Math.round(frameHeight * scale)));
  return { frameWidth, frameHeight, inputWidth, inputHeight, width, height };
}

/** @returns the x of the frame for an x of the input. */
export function frameX(box: Letterbox, x: number): number {
  return (x * box.frameWidth) / box.width;
}

/** @returns the y of the frame for a y of the input. */
export function frameY(box: Letterbox, y: number): number {
  return (y * box.frameHeight) / box.height;
}

/** Writes frames into one input buffer that is reused; keeps what depends on the frame's size only. */
export class Letterboxer {
  readonly #layout: InputLayout;
  readonly #target: Float32Array;
  readonly #inputWidth: number;
  readonly #inputHeight: number;
  #fit: Letterbox | undefined;
  #columns: Taps = makeTaps(1, 1, 1);
  #rows: Taps = makeTaps(1, 1, 1);

  /** @param target 3 x inputHeight x inputWidth elements; owned by the caller, written by {@link write}. */
  constructor(layout: InputLayout, target: Float32Array, inputWidth: number, inputHeight: number) {
    this.#layout = layout;
    this.#target = target;
    this.#inputWidth = inputWidth;
    this.#inputHeight = inputHeight;
  }

  /** @param pixels uint8 [height, width, 3], RGB. @returns the geometry, to map boxes back. */
  write(pixels: Uint8Array, width: number, height: number): Letterbox {
    const fit = this.#prepare(width, height);
    const { order, channels, gain, bias } = this.#layout;
    const plane = this.#inputWidth * this.#inputHeight;
    const [step, channelStep] = order === "planar" ? [1, plane] : [3, 1];
    const red = channels === "rgb" ? 0 : 2 * channelStep;
    const blue = channels === "rgb" ? 2 * channelStep : 0;
    const target = { data: this.#target, rowStep: this.#inputWidth * step, step, red, green: channelStep, blue };
    sampleBilinear(pixels, this.#columns, this.#rows, target, gain, bias);
    return fit;
  }

  #prepare(width: number, height: number): Letterbox {
    if (this.#fit?.frameWidth === width && this.#fit.frameHeight === height) return this.#fit;
    const fit = fitLetterbox(width, height, this.#inputWidth, this.#inputHeight);
    this.#columns = makeTaps(width, fit.width, 3);
    this.#rows = makeTaps(height, fit.height, width * 3);
    this.#target.fill(this.#layout.pad * this.#layout.gain + this.#layout.bias);
    this.#fit = fit;
    return fit;
  }
}

/** For each output index: offsets of its two neighbours in the source and the weight of the second. */
export interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float32Array;
}

/** Bilinear taps with pixel centres at .5 (as OpenCV's INTER_LINEAR), clamped at the borders. @param stride offset of one source step. */
export function makeTaps(sourceSize: number, targetSize: number, stride: number): Taps {
  const taps = { first: new Int32Array(targetSize), second: new Int32Array(targetSize), weight: new Float32Array(targetSize) };
  for (let i = 0; i < targetSize; i++) {
    const at = Math.min(sourceSize - 1, Math.max(0, ((i + 0.5) * sourceSize) / targetSize - 0.5));
    const low = Math.floor(at);
    taps.first[i] = low * stride;
    taps.second[i] = Math.min(sourceSize - 1, low + 1) * stride;
    taps.weight[i] = at - low;
  }
  return taps;
}

interface FloatTarget {
  readonly data: Float32Array;
  /** Elements from one row to the next, from one pixel to the next. */
  readonly rowStep: number;
  readonly step: number;
  /** Offsets of the channels inside a pixel. */
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

/** The hot loop of preprocessing: standalone and on locals only, because closures cost it a third of its speed. */
function sampleBilinear(source: Uint8Array, columns: Taps, rows: Taps, target: FloatTarget, gain: number, bias: number): void {
  const { data, rowStep, step, red, green, blue } = target;
  const { first: x0, second: x1, weight: wx } = columns;
  const { first: y0, second: y1, weight: wy } = rows;
  const width = x0.length;
  for (let y = 0; y < y0.length; y++) {
    const top = y0[y]!;
    const bottom = y1[y]!;
    const v = wy[y]! * gain;
    const u = gain - v;
    let at = y * rowStep;
    for (let x = 0; x < width; x++) {
      const w = wx[x]!;
      const a = top + x0[x]!;
      const b = top + x1[x]!;
      const c = bottom + x0[x]!;
      const d = bottom + x1[x]!;
      const r0 = source[a]!;
      const r1 = source[c]!;
      const g0 = source[a + 1]!;
      const g1 = source[c + 1]!;
      const b0 = source[a + 2]!;
      const b1 = source[c + 2]!;
      data[at + red] = u * (r0 + (source[b]! - r0) * w) + v * (r1 + (source[d]! - r1) * w) + bias;
      data[at + green] = u * (g0 + (source[b + 1]! - g0) * w) + v * (g1 + (source[d + 1]! - g1) * w) + bias;
      data[at + blue] = u * (b0 + (source[b + 2]! - b0) * w) + v * (b1 + (source[d + 2]! - b1) * w) + bias;
      at += step;
    }
  }
}
