/** Simple Online and Realtime Tracking: detections of one frame after the other in, identities out. Pure: no I/O, clock or chance. */
import type { Box } from "../payloads.js";
import { assignCheapest } from "./assignment.js";
import { overlap } from "./boxes.js";
import { BoxFilter, FILTER_NUMBERS } from "./kalman.js";

export interface SortParams {
  /** Frames that a track lives without a detection. */
  readonly maxAge: number;
  /** Detections in a row before a track is shown; in the first frames, one in each frame so far. */
  readonly minHits: number;
  /** Least IoU of a detection with the predicted box of its track. */
  readonly iouThreshold: number;
}

interface Track {
  readonly id: number;
  readonly filter: BoxFilter;
  /** Detections in a row. */
  streak: number;
  /** Frames since the last detection. */
  missed: number;
  /** Was shown once; it is shown again as soon as it is detected again. */
  isConfirmed: boolean;
}

/** A tracked object in the current frame. */
export interface TrackedBox {
  readonly id: number;
  readonly box: Box;
}

const TRACK_NUMBERS = 4 + FILTER_NUMBERS;

export class Sort {
  readonly #params: SortParams;
  #tracks: Track[] = [];
  #frames = 0;
  #nextId = 1;

  constructor(params: SortParams) {
    this.#params = params;
  }

  /** @param boxes what was detected in the next frame. @returns the objects seen in it whose track is confirmed, by id. */
  update(boxes: readonly Box[]): TrackedBox[] {
    this.#frames += 1;
    const predicted = this.#tracks.map((track) => track.filter.predict());
    const trackOf = matchBoxes(boxes, predicted, this.#params.iouThreshold);
    const isSeen = this.#tracks.map(() => false);
    boxes.forEach((box, i) => {
      const index = trackOf[i]!;
      if (index < 0) this.#start(box);
      else {
        isSeen[index] = true;
        this.#tracks[index]!.filter.update(box);
      }
    });
    isSeen.forEach((seen, i) => {
      this.#count(this.#tracks[i]!, seen);
    });
    this.#tracks = this.#tracks.filter((track) => track.missed <= this.#params.maxAge);
    return this.#tracks.filter((track) => this.#isShown(track)).map(({ id, filter }) => ({ id, box: filter.box }));
  }

  #start(box: Box): void {
    this.#tracks.push({ id: this.#nextId, filter: new BoxFilter(box), streak: 1, missed: 0, isConfirmed: false });
    this.#nextId += 1;
  }

  #count(track: Track, seen: boolean): void {
    track.streak = seen ? track.streak + 1 : 0;
    track.missed = seen ? 0 : track.missed + 1;
  }

  #isShown(track: Track): boolean {
    const { minHits } = this.#params;
    if (track.missed === 0 && track.streak >= Math.min(minHits, this.#frames)) track.isConfirmed = true;
    return track.missed === 0 && track.isConfirmed;
  }

  /** The whole state; {@link restore} continues from it exactly. */
  snapshot(): Uint8Array {
    const rows = this.#tracks.flatMap((t) => [t.id, t.streak, t.missed, t.isConfirmed ? 1 : 0, ...t.filter.toNumbers()]);
    return new Uint8Array(Float64Array.of(this.#frames, this.#nextId, ...rows).buffer);
  }

  restore(bytes: Uint8Array): void {
    const numbers = Array.from(new Float64Array(bytes.slice().buffer));
    [this.#frames, this.#nextId] = numbers as [number, number];
    this.#tracks = [];
    for (let at = 2; at < numbers.length; at += TRACK_NUMBERS) {
      const [id, streak, missed, confirmed, ...filter] = numbers.slice(at, at + TRACK_NUMBERS) as [number, number, number, number];
      this.#tracks.push({ id, streak, missed, isConfirmed: confirmed === 1, filter: BoxFilter.fromNumbers(filter) });
    }
  }
}

/** @returns for each box the index of its track, or -1; the pairing with the largest total overlap, weak pairs dissolved. */
export function matchBoxes(boxes: readonly Box[], tracks: readonly Box[], iouThreshold: number): number[] {
  const overlaps = boxes.map((box) => tracks.map((track) => overlap(box, track)));
  const pairs = assignCheapest(overlaps.map((row) => row.map((iou) => -iou)));
  return pairs.map((track, i) => (track >= 0 && overlaps[i]![track]! >= iouThreshold && overlaps[i]![track]! > 0 ? track : -1));
}
