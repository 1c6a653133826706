import { OperatorError } from "../../base/errors.js";
import { Tensor } from "../../base/tensor.js";
import { OneTaskProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BOX_COLUMNS, type Box, type Detections, TRACK_COLUMNS, type Tracks } from "../payloads.js";
import { VISION_DESCRIPTORS } from "./descriptors.js";
import { Sort, type SortParams } from "./sort.js";

/** See the descriptions in the descriptor. */
export type BoundingBoxTrackerParams = Partial<SortParams>;

const DEFAULTS = { maxAge: 7, minHits: 3, iouThreshold: 0.3 } as const satisfies SortParams;

/** Gives each object an id that it keeps over the frames: Kalman filter and assignment by overlap, as SORT does. */
export class BoundingBoxTracker extends OneTaskProcessorNode<[Detections], Tracks, BoundingBoxTrackerParams> {
  static override readonly descriptor = VISION_DESCRIPTORS.BoundingBoxTracker;
  readonly #sort: Sort;

  constructor(params: BoundingBoxTrackerParams = {}, options: ProcessorOptions = {}) {
    super(params, options);
    this.#sort = new Sort({ ...DEFAULTS, ...params });
  }

  /** @param detections of the next frame, also when there are none. @returns the confirmed tracks that were seen in it, by id. */
  process(detections: Detections): Tracks {
    const rows = this.#sort.update(readBoxes(detections)).map(({ id, box }) => [...box, id]);
    return { tracks: Tensor.from("float32", [rows.length, TRACK_COLUMNS], rows.flat()) };
  }

  override snapshot(): Uint8Array {
    return this.#sort.snapshot();
  }

  override restore(bytes: Uint8Array): void {
    this.#sort.restore(bytes);
  }
}

function readBoxes(detections: Detections): Box[] {
  if (!(detections?.boxes instanceof Tensor)) {
    throw new OperatorError("INPUT_TYPE", { component: "BoundingBoxTracker", expected: "detections", got: typeof detections });
  }
  const { data, shape } = detections.boxes;
  return Array.from({ length: shape[0] ?? 0 }, (_, row): Box => {
    const at = row * BOX_COLUMNS;
    return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
  });
}
