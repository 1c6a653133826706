/** Which frames of a video become messages. */
export interface Selection {
  /** Frames left out at the start. */
  readonly startFrame?: number;
  /** Frames given at most. */
  readonly maxFrames?: number;
  /** Frames per second given at most; frames are left out, never doubled. */
  readonly fps?: number;
}

/** Answer for one frame. */
export type Choice = "take" | "skip" | "end";

/** Chooses frames by number and time. Pure: the same frames give the same choices, so a restart can count on them. */
export class FrameSelector {
  readonly #selection: Selection;
  #taken = 0;
  #lastSlot = Number.NEGATIVE_INFINITY;

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  /** Whether no further frame can be taken. */
  get isDone(): boolean {
    return this.#taken >= (this.#selection.maxFrames ?? Number.POSITIVE_INFINITY);
  }

  /**
   * @param index number of the frame in the video, from 0.
   * @param seconds time of the frame; never goes back.
   */
  choose(index: number, seconds: number): Choice {
    if (this.isDone) return "end";
    if (index < (this.#selection.startFrame ?? 0)) return "skip";
    if (!this.#startsSlot(seconds)) return "skip";
    this.#taken += 1;
    return "take";
  }

  /** Time is cut into slots of 1/fps; the first frame of each slot is taken. */
  #startsSlot(seconds: number): boolean {
    const { fps } = this.#selection;
    if (fps === undefined) return true;
    const slot = Math.floor(seconds * fps + 1e-6);
    if (slot <= this.#lastSlot) return false;
    this.#lastSlot = slot;
    return true;
  }
}
