/** How players turn a picture before they show it: pure. */

/** Clockwise degrees. */
export type Rotation = 0 | 90 | 180 | 270;

/**
 * The rotation of a display matrix, rounded to a quarter turn.
 *
 * @param matrix 9 little-endian int32, as FFmpeg's side data holds it; null for none.
 * @see ISO/IEC 14496-12, 6.2.2; a phone that films upright stores one.
 */
export function parseRotation(matrix: Uint8Array | null): Rotation {
  if (matrix === null || matrix.byteLength < 36) return 0;
  const view = new DataView(matrix.buffer, matrix.byteOffset);
  const degrees = (Math.atan2(view.getInt32(4, true), view.getInt32(0, true)) * 180) / Math.PI;
  const quarters = Math.round(degrees / 90) & 3;
  return (quarters * 90) as Rotation;
}

/** Height and width of the picture after the turn. */
export function rotatedSize(height: number, width: number, rotation: Rotation): readonly [height: number, width: number] {
  return rotation === 90 || rotation === 270 ? [width, height] : [height, width];
}

/**
 * Turns a picture clockwise.
 *
 * @param source RGB, `height` x `width` x 3.
 * @param target RGB of the turned size; must not overlap the source.
 */
export function rotateRgb(source: Uint8Array, height: number, width: number, rotation: Rotation, target: Uint8Array): void {
  const [start, stepX, stepY] = walk(height, width, rotation);
  let from = 0;
  for (let y = 0; y < height; y++) {
    let to = start + y * stepY;
    for (let x = 0; x < width; x++) {
      target[to] = source[from]!;
      target[to + 1] = source[from + 1]!;
      target[to + 2] = source[from + 2]!;
      from += 3;
      to += stepX;
    }
  }
}

/** Where the first pixel goes, and how far a step right and a step down in the source moves in the target, in bytes. */
function walk(height: number, width: number, rotation: Rotation): readonly [start: number, stepX: number, stepY: number] {
  if (rotation === 90) return [(height - 1) * 3, height * 3, -3];
  if (rotation === 180) return [(height * width - 1) * 3, -3, -width * 3];
  if (rotation === 270) return [(width - 1) * height * 3, -height * 3, 3];
  return [0, 3, width * 3];
}
