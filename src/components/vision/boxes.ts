/** Boxes: overlap, suppression of duplicates, and from a model's input to the frame. Pure. */
import { Tensor } from "../../base/tensor.js";
import { BOX_COLUMNS, type Box, type Detections } from "../payloads.js";
import { frameX, frameY, type Letterbox } from "./letterbox.js";

/** A box that a model proposes, in pixels of the model's input. */
export interface Candidate {
  readonly box: Box;
  /** 0..1. */
  readonly score: number;
  readonly classId: number;
}

/** @returns intersection over union, 0..1; 0 for boxes without an area. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (area(a) + area(b) - intersection);
}

function area(box: Box): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

/**
 * Greedy non-maximum suppression, over all classes together.
 *
 * @param maxOverlap of two candidates that overlap by more than this IoU the better one stays.
 * @returns the survivors, best score first, ties in the order given.
 */
export function suppressOverlaps(candidates: readonly Candidate[], maxOverlap: number): Candidate[] {
  const kept: Candidate[] = [];
  const bestFirst = [...candidates].sort((a, b) => b.score - a.score);
  for (const candidate of bestFirst) {
    if (kept.every((better) => overlap(better.box, candidate.box) <= maxOverlap)) kept.push(candidate);
  }
  return kept;
}

/** @returns candidates as detections in pixels of the frame, clipped to it; those without a pixel in it are left out. */
export function toDetections(candidates: readonly Candidate[], fit: Letterbox, classNames: readonly string[]): Detections {
  const rows = candidates.map((candidate) => frameRow(candidate, fit)).filter(([x1, y1, x2, y2]) => x2 > x1 && y2 > y1);
  return { boxes: Tensor.from("float32", [rows.length, BOX_COLUMNS], rows.flat()), classNames };
}

type Row = readonly [x1: number, y1: number, x2: number, y2: number, score: number, classId: number];

function frameRow({ box, score, classId }: Candidate, fit: Letterbox): Row {
  const x = (value: number) => Math.min(fit.frameWidth, Math.max(0, frameX(fit, value)));
  const y = (value: number) => Math.min(fit.frameHeight, Math.max(0, frameY(fit, value)));
  return [x(box[0]), y(box[1]), x(box[2]), y(box[3]), score, classId];
}

/** @returns the box with this centre and size. */
export function boxAround(centreX: number, centreY: number, width: number, height: number): Box {
  return [centreX - width / 2, centreY - height / 2, centreX + width / 2, centreY + height / 2];
}
