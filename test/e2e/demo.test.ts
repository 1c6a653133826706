import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { type Ended, type Workplace, workplace } from "../support/flow-process.js";
import { readAll } from "../support/video-context.js";

// The demo runs in a copy of the project, so that what it writes is seen, and what lies in the project's own out/ is left alone.
const LINKED = ["src", "dist", "node_modules", "manifests"];
let place: Workplace;
let ended: Ended;

beforeAll(async () => {
  place = workplace();
  for (const name of ["package.json", "scripts"]) cpSync(resolve(name), place.path(name), { recursive: true });
  for (const name of LINKED) symlinkSync(resolve(name), place.path(name));
  ended = await place.start([], { program: ["scripts/demo.mjs"] }).ended;
});

afterAll(() => place.remove());

const framesOf = async (name: string) => (await readAll(new VideoFileReader({ path: place.path(`out/demo/${name}`) }))).length;

test("the demo ends well and says where its time went and where its outputs are", () => {
  const { code, out, err } = ended;
  expect([code, err]).toEqual([0, expect.not.stringMatching(/error/i)]);
  expect(out).toMatch(/NODE +TASKS +FRAMES +ACTUAL\/S +POSSIBLE\/S/);
  expect(out).toMatch(/^detector +2 +\d+/m);
  expect(out).toMatch(/^bottleneck: \w+/m);
  expect(out).toContain("out/demo/faces-annotated.mp4");
  expect(out).toContain("out/demo/faces.jsonl");
});

test("its progress is plain lines where there is no terminal", () => {
  expect(ended.err).toMatch(/^\d+\.\d s Running: reader \d+ /m);
  expect(ended.err).not.toContain("\x1b");
});

test("its video has as many frames as the clip, and a line of JSON for each", async () => {
  const [clip, annotated] = [await framesOf("faces.mp4"), await framesOf("faces-annotated.mp4")];
  expect(clip).toBeGreaterThan(30);
  expect([annotated, place.lines("out/demo/faces.jsonl").length]).toEqual([clip, clip]);
});

test("it follows faces in most frames", () => {
  const lines = place.lines("out/demo/faces.jsonl").map((line) => JSON.parse(line) as { payload: { tracks: unknown[] } });
  expect(lines.filter(({ payload }) => payload.tracks.length > 0).length).toBeGreaterThan(lines.length * 0.8);
});

test("it writes into out/demo and nowhere else, and leaves no process and no temporary file", () => {
  expect(readdirSync(place.dir).toSorted()).toEqual([...LINKED, "out", "package.json", "scripts", "tmp"].toSorted());
  expect(readdirSync(place.path("out"))).toEqual(["demo"]);
  expect(place.leftovers()).toEqual([]);
});
