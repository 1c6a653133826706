/** Rectangles and text on frames, clipped at the borders. Knows pixels; must not know detections. */
import type { Box } from "../payloads.js";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from "./font.js";

/** red, green, blue, 0..255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What is drawn on: uint8 [height, width, 3], RGB, writable. */
export interface Canvas {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Fills x1 <= x < x2, y1 <= y < y2. */
export function fillRectangle({ data, width, height }: Canvas, [x1, y1, x2, y2]: Box, [red, green, blue]: Colour): void {
  const left = Math.max(0, Math.round(x1));
  const right = Math.min(width, Math.round(x2));
  const bottom = Math.min(height, Math.round(y2));
  for (let y = Math.max(0, Math.round(y1)); y < bottom; y++) {
    for (let at = (y * width + left) * 3; at < (y * width + right) * 3; at += 3) {
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
    }
  }
}

/** Draws the outline of a box, `thickness` pixels to the inside. */
export function drawRectangle(canvas: Canvas, [x1, y1, x2, y2]: Box, colour: Colour, thickness: number): void {
  fillRectangle(canvas, [x1, y1, x2, y1 + thickness], colour);
  fillRectangle(canvas, [x1, y2 - thickness, x2, y2], colour);
  fillRectangle(canvas, [x1, y1, x1 + thickness, y2], colour);
  fillRectangle(canvas, [x2 - thickness, y1, x2, y2], colour);
}

/** @returns width and height of a text in pixels, with one unscaled pixel of margin around it. */
export function textSize(text: string, scale: number): { width: number; height: number } {
  return { width: (text.length * (GLYPH_WIDTH + 1) + 1) * scale, height: (GLYPH_HEIGHT + 2) * scale };
}

/** Draws text on a filled background. @param x,y top left of the background. @param scale pixels per pixel of the font. */
export function drawText(canvas: Canvas, text: string, x: number, y: number, colour: Colour, background: Colour, scale: number): void {
  const { width, height } = textSize(text, scale);
  fillRectangle(canvas, [x, y, x + width, y + height], background);
  [...text].forEach((letter, i) => {
    drawGlyph(canvas, glyphRows(letter), x + (1 + i * (GLYPH_WIDTH + 1)) * scale, y + scale, colour, scale);
  });
}

function drawGlyph(canvas: Canvas, rows: Uint8Array, x: number, y: number, colour: Colour, scale: number): void {
  rows.forEach((bits, row) => {
    for (let column = 0; column < GLYPH_WIDTH; column++) {
      if ((bits & (1 << (GLYPH_WIDTH - 1 - column))) === 0) continue;
      const [left, top] = [x + column * scale, y + row * scale];
      fillRectangle(canvas, [left, top, left + scale, top + scale], colour);
    }
  });
}

/** Draws a box with a label above it, or inside it where there is no room above. */
export function drawLabelledBox(canvas: Canvas, box: Box, label: string, colour: Colour, thickness: number): void {
  drawRectangle(canvas, box, colour, thickness);
  const scale = Math.max(1, Math.round(canvas.height / 360));
  const { width, height } = textSize(label, scale);
  const x = Math.max(0, Math.min(Math.round(box[0]), canvas.width - width));
  const y = Math.round(box[1]) - height < 0 ? Math.max(0, Math.round(box[1])) : Math.round(box[1]) - height;
  drawText(canvas, label, x, y, inkOn(colour), colour, scale);
}

/** @returns a colour for a class or a track: the same for the same number, far apart for neighbours. */
export function colourOf(index: number): Colour {
  const hue = (index * 0.618_034) % 1;
  const channel = (shift: number) => Math.round(255 * Math.min(1, Math.max(0, Math.abs(((hue + shift) % 1) * 6 - 3) - 1)));
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}

/** Black on light colours, white on dark ones. */
function inkOn([red, green, blue]: Colour): Colour {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128 ? [0, 0, 0] : [255, 255, 255];
}
