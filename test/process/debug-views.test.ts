import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const SCRUBBED = 0xdb;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

test("with VIDEOFLOW_DEBUG_VIEWS=1 code that looks at bytes after their release sees 0xDB and no old content", async () => {
  const file = writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 40, everyMs: 5 } },
    { name: "fill", role: "Processor", component: `${NODES}#Filler`, inputs: ["source"] },
    { name: "late", role: "Processor", component: `${NODES}#LateReader`, inputs: ["fill"] },
    { name: "lines", role: "Consumer", component: "FileAppender", inputs: ["late"], params: { path: "lines" } },
  ]);

  const { code } = await place.run(file, [], { env: { VIDEOFLOW_DEBUG_VIEWS: "1" } }).ended;

  const seen = place.lines("lines").map((line) => (JSON.parse(line) as { payload: number }).payload);
  expect([code, seen.length]).toEqual([0, 39]);
  expect(seen.filter((byte) => byte === SCRUBBED).length).toBeGreaterThan(20);
}, 30_000);
