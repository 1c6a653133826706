/** The heads of the face detectors: outputs of a model to candidates. Pure. */
import { boxAround, type Candidate } from "./boxes.js";

const YUNET_STRIDES = [8, 16, 32] as const;
/** BlazeFace: two anchors in each cell of a 16 x 16 grid, then six in each cell of 8 x 8. */
const BLAZEFACE_GRIDS = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
] as const;
const BLAZEFACE_COLUMNS = 16;

/** Outputs of a model by name. */
export type ModelOutputs = Readonly<Record<string, Float32Array>>;

/** @returns true if the outputs have YuNet's names. */
export function isYunet(names: readonly string[]): boolean {
  return YUNET_STRIDES.every((stride) => ["cls", "obj", "bbox"].every((head) => names.includes(`${head}_${stride}`)));
}

/**
 * Reads the faces of YuNet's heads: score = sqrt(cls x obj); box in units of the stride, sizes as logarithms.
 *
 * @returns candidates of at least `minScore`, in pixels of the input.
 * @see Wu et al., YuNet: A Tiny Millisecond-level Face Detector, 2023.
 */
export function decodeYunet(outputs: ModelOutputs, inputWidth: number, inputHeight: number, minScore: number): Candidate[] {
  return YUNET_STRIDES.flatMap((stride) =>
    decodeYunetHead(outputs, stride, Math.floor(inputWidth / stride), Math.floor(inputHeight / stride), minScore),
  );
}

function decodeYunetHead(outputs: ModelOutputs, stride: number, across: number, down: number, minScore: number): Candidate[] {
  const cls = outputs[`cls_${stride}`]!;
  const obj = outputs[`obj_${stride}`]!;
  const bbox = outputs[`bbox_${stride}`]!;
  const candidates: Candidate[] = [];
  for (let cell = 0; cell < across * down; cell++) {
    const score = Math.sqrt(clampUnit(cls[cell]!) * clampUnit(obj[cell]!));
    if (score < minScore) continue;
    const x = ((cell % across) + bbox[cell * 4]!) * stride;
    const y = (Math.floor(cell / across) + bbox[cell * 4 + 1]!) * stride;
    const box = boxAround(x, y, Math.exp(bbox[cell * 4 + 2]!) * stride, Math.exp(bbox[cell * 4 + 3]!) * stride);
    candidates.push({ box, score, classId: 0 });
  }
  return candidates;
}

/**
 * Reads the faces of BlazeFace's heads: scores are logits, boxes are offsets in pixels from the anchors' centres.
 *
 * @param scores one array per grid, one element per anchor.
 * @param boxes  one array per grid, 16 elements per anchor: centre x, centre y, width, height, then keypoints.
 * @returns candidates of at least `minScore`, in pixels of the input.
 * @see Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019.
 */
export function decodeBlazeface(
  scores: readonly Float32Array[],
  boxes: readonly Float32Array[],
  inputSize: number,
  minScore: number,
): Candidate[] {
  return BLAZEFACE_GRIDS.flatMap((grid, i) => decodeBlazefaceGrid(scores[i]!, boxes[i]!, inputSize, grid, minScore));
}

function decodeBlazefaceGrid(
  scores: Float32Array,
  boxes: Float32Array,
  inputSize: number,
  grid: { readonly cells: number; readonly anchors: number },
  minScore: number,
): Candidate[] {
  const candidates: Candidate[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = 1 / (1 + Math.exp(-scores[i]!));
    if (score < minScore) continue;
    const cell = Math.floor(i / grid.anchors);
    const anchorX = (((cell % grid.cells) + 0.5) / grid.cells) * inputSize;
    const anchorY = ((Math.floor(cell / grid.cells) + 0.5) / grid.cells) * inputSize;
    const at = i * BLAZEFACE_COLUMNS;
    candidates.push({ box: boxAround(anchorX + boxes[at]!, anchorY + boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!), score, classId: 0 });
  }
  return candidates;
}

/** @returns BlazeFace's outputs in the order of its grids, found by their shapes; undefined if this is another model. */
export function findBlazefaceOutputs(
  shapes: Readonly<Record<string, readonly number[]>>,
): { scores: string[]; boxes: string[] } | undefined {
  const named = (columns: number) =>
    BLAZEFACE_GRIDS.map(({ cells, anchors }) =>
      Object.keys(shapes).find((name) => shapes[name]?.[1] === cells * cells * anchors && shapes[name]?.[2] === columns),
    ).filter((name) => name !== undefined);
  const scores = named(1);
  const boxes = named(BLAZEFACE_COLUMNS);
  return scores.length === 2 && boxes.length === 2 ? { scores, boxes } : undefined;
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
