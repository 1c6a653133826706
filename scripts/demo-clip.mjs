// Makes the clip of the demo from photographs of people that a development dependency ships.
// Use: node scripts/demo-clip.mjs [out.mp4]; or import { makeClip } from here.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tsImport } from "tsx/esm/api";

/** Photographs with faces that are large enough for a detector with 256 x 256 pixels. */
const PHOTOGRAPHS = ["sample6.jpg", "sample3.jpg"];

/** @returns the number of frames written to `outPath`. */
export async function makeClip(outPath) {
  const { makeDemoClip } = await tsImport("../src/components/video/demo-clip.ts", import.meta.url);
  return makeDemoClip(outPath, photographs());
}

/** Paths of the photographs. */
export function photographs() {
  const folder = join(dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")), "demo");
  const paths = PHOTOGRAPHS.map((name) => join(folder, name));
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`${missing} is missing: run npm ci with development dependencies`);
  return paths;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const outPath = process.argv[2] ?? "demo-clip.mp4";
  console.log(`${outPath}: ${await makeClip(outPath)} frames`);
}
