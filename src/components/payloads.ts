/** What the vision components exchange: plain objects with tensors, so that they cross processes as they are. */
import type { Tensor } from "../base/tensor.js";

/** Objects found in one frame. */
export interface Detections {
  /** float32 [n, 6]: x1, y1, x2, y2 in pixels of the frame, score in 0..1, index into `classNames`; best score first. */
  readonly boxes: Tensor<"float32">;
  readonly classNames: readonly string[];
}

/** Objects followed over frames. */
export interface Tracks {
  /** float32 [n, 5]: x1, y1, x2, y2 in pixels of the frame, track id (a whole number from 1, never reused in a run). */
  readonly tracks: Tensor<"float32">;
}

/** Columns of a row of {@link Detections.boxes}. */
export const BOX_COLUMNS = 6;
/** Columns of a row of {@link Tracks.tracks}. */
export const TRACK_COLUMNS = 5;

/** x1, y1, x2, y2 in pixels; x2 and y2 are the first outside. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];
