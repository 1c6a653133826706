import { boxAround, type Candidate } from "./boxes.js";

const STRIDES = [8, 16, 32] as const;
const BOX_AND_OBJECTNESS = 5;

/** @returns rows of a YOLOX output for this input size: one per cell of the three grids. */
export function countYoloxRows(inputWidth: number, inputHeight: number): number {
  return STRIDES.reduce((sum, stride) => sum + Math.floor(inputWidth / stride) * Math.floor(inputHeight / stride), 0);
}

/**
 * Reads the candidates of a YOLOX head.
 *
 * @param output  [rows, 5 + classes]: dx, dy, log w, log h in units of the stride, objectness, class scores; sigmoid applied.
 * @param columns 5 + number of classes.
 * @param isWanted says for each class whether it counts; a row's best wanted class names it.
 * @returns candidates with score = objectness x class score of at least `minScore`, boxes in pixels of the input.
 * @see Ge et al., YOLOX: Exceeding YOLO Series in 2021.
 */
export function decodeYolox(
  output: Float32Array,
  columns: number,
  inputWidth: number,
  inputHeight: number,
  minScore: number,
  isWanted: (classId: number) => boolean = () => true,
): Candidate[] {
  const wanted = Array.from({ length: columns - BOX_AND_OBJECTNESS }, (_, id) => id).filter(isWanted);
  const candidates: Candidate[] = [];
  let row = 0;
  for (const stride of STRIDES) {
    const across = Math.floor(inputWidth / stride);
    const cells = across * Math.floor(inputHeight / stride);
    for (let cell = 0; cell < cells; cell++, row++) {
      if (output[row * columns + 4]! < minScore) continue;
      const candidate = readRow(output, row * columns, stride, cell % across, Math.floor(cell / across), wanted);
      if (candidate.score >= minScore) candidates.push(candidate);
    }
  }
  return candidates;
}

function readRow(output: Float32Array, at: number, stride: number, gridX: number, gridY: number, wanted: readonly number[]): Candidate {
  const classId = bestClass(output, at + BOX_AND_OBJECTNESS, wanted);
  const score = classId < 0 ? -1 : output[at + 4]! * output[at + BOX_AND_OBJECTNESS + classId]!;
  const x = (output[at]! + gridX) * stride;
  const y = (output[at + 1]! + gridY) * stride;
  return { box: boxAround(x, y, Math.exp(output[at + 2]!) * stride, Math.exp(output[at + 3]!) * stride), score, classId };
}

function bestClass(output: Float32Array, at: number, wanted: readonly number[]): number {
  let best = wanted[0] ?? -1;
  for (const id of wanted) if (output[at + id]! > output[at + best]!) best = id;
  return best;
}
