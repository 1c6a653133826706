/**
 * SORT's Kalman filter of a box: state x, y (centre), s (area), r (aspect), vx, vy, vs.
 *
 * Its noise matrices are diagonal and only (x, vx), (y, vy), (s, vs) are coupled, so the filter of seven states is exactly
 * three filters of two states and one of a single state.
 * @see Bewley et al., Simple Online and Realtime Tracking, 2016.
 */
import type { Box } from "../payloads.js";

/** A value with its speed per frame; `p…` is their covariance. */
interface Motion {
  value: number;
  speed: number;
  pValue: number;
  pCross: number;
  pSpeed: number;
}

const START_VARIANCE = 10;
const START_SPEED_VARIANCE = 10_000;
/** Measurement noise: centre, area and aspect. */
const CENTRE_NOISE = 1;
const SHAPE_NOISE = 10;
/** Process noise: values, speed of the centre, speed of the area. */
const VALUE_DRIFT = 1;
const CENTRE_SPEED_DRIFT = 0.01;
const AREA_SPEED_DRIFT = 0.0001;

/** Numbers of a filter in {@link BoxFilter.toNumbers}. */
export const FILTER_NUMBERS = 17;

/** Follows one box. */
export class BoxFilter {
  readonly #x: Motion;
  readonly #y: Motion;
  readonly #area: Motion;
  #aspect: number;
  #pAspect = START_VARIANCE;

  constructor(box: Box) {
    const [x, y, area, aspect] = measure(box);
    this.#x = startMotion(x);
    this.#y = startMotion(y);
    this.#area = startMotion(area);
    this.#aspect = aspect;
  }

  /** The box that the state stands for. */
  get box(): Box {
    const width = Math.sqrt(Math.max(0, this.#area.value) * this.#aspect);
    const height = width === 0 ? 0 : this.#area.value / width;
    const [x, y] = [this.#x.value, this.#y.value];
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
  }

  /** Moves the state one frame on. @returns the predicted box. */
  predict(): Box {
    if (this.#area.value + this.#area.speed <= 0) this.#area.speed = 0;
    advance(this.#x, CENTRE_SPEED_DRIFT);
    advance(this.#y, CENTRE_SPEED_DRIFT);
    advance(this.#area, AREA_SPEED_DRIFT);
    this.#pAspect += VALUE_DRIFT;
    return this.box;
  }

  /** Corrects the state by a measured box. */
  update(box: Box): void {
    const [x, y, area, aspect] = measure(box);
    correct(this.#x, x, CENTRE_NOISE);
    correct(this.#y, y, CENTRE_NOISE);
    correct(this.#area, area, SHAPE_NOISE);
    const gain = this.#pAspect / (this.#pAspect + SHAPE_NOISE);
    this.#aspect += gain * (aspect - this.#aspect);
    this.#pAspect *= 1 - gain;
  }

  /** The whole state, {@link FILTER_NUMBERS} numbers. */
  toNumbers(): number[] {
    const motions = [this.#x, this.#y, this.#area].flatMap((m) => [m.value, m.speed, m.pValue, m.pCross, m.pSpeed]);
    return [...motions, this.#aspect, this.#pAspect];
  }

  /** A filter with the state that {@link toNumbers} gave. */
  static fromNumbers(numbers: readonly number[]): BoxFilter {
    const filter = new BoxFilter([0, 0, 1, 1]);
    [filter.#x, filter.#y, filter.#area].forEach((motion, i) => {
      const [value, speed, pValue, pCross, pSpeed] = numbers.slice(i * 5, i * 5 + 5) as [number, number, number, number, number];
      Object.assign(motion, { value, speed, pValue, pCross, pSpeed });
    });
    filter.#aspect = numbers[15]!;
    filter.#pAspect = numbers[16]!;
    return filter;
  }
}

/** Box to centre x, centre y, area, width / height. */
function measure([x1, y1, x2, y2]: Box): [x: number, y: number, area: number, aspect: number] {
  const width = Math.max(x2 - x1, 1e-3);
  const height = Math.max(y2 - y1, 1e-3);
  return [x1 + width / 2, y1 + height / 2, width * height, width / height];
}

function startMotion(value: number): Motion {
  return { value, speed: 0, pValue: START_VARIANCE, pCross: 0, pSpeed: START_SPEED_VARIANCE };
}

/** x' = F x, P' = F P Fᵀ + Q with F = [1 1; 0 1]. */
function advance(motion: Motion, speedDrift: number): void {
  motion.value += motion.speed;
  motion.pValue += 2 * motion.pCross + motion.pSpeed + VALUE_DRIFT;
  motion.pCross += motion.pSpeed;
  motion.pSpeed += speedDrift;
}

/** The update with H = [1 0]. */
function correct(motion: Motion, measured: number, noise: number): void {
  const innovation = measured - motion.value;
  const gain = motion.pValue / (motion.pValue + noise);
  const speedGain = motion.pCross / (motion.pValue + noise);
  motion.value += gain * innovation;
  motion.speed += speedGain * innovation;
  motion.pSpeed -= speedGain * motion.pCross;
  motion.pCross *= 1 - gain;
  motion.pValue *= 1 - gain;
}
