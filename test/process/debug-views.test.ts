import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const SCRUBBED = 0xdb;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

test("with VIDEOFLOW_DEBUG_VIEWS=1 code that looks at bytes after their release sees 0xDB and no old content", async () => {
  const file = writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 100_000, everyMs: 5 } },
    { name: "fill", role: "Processor", component: `${NODES}#Filler`, inputs: ["source"] },
    { name: "late", role: "Processor", component: `${NODES}#LateReader`, inputs: ["fill"] },
    { name: "lines", role: "Consumer", component: "FileAppender", inputs: ["late"], params: { path: "lines" } },
  ]);
  const scrubbed = () => place.lines("lines").filter((line) => (JSON.parse(line) as { payload: number }).payload === SCRUBBED);

  const flow = place.run(file, [], { env: { VIDEOFLOW_DEBUG_VIEWS: "1" } });

  // A node that starts late reads what was filled before it came, and nothing scrubs beside it: what follows counts.
  await eventually("20 looks at scrubbed bytes", () => scrubbed().length > 20);
  flow.signal("SIGINT");
  expect(await flow.ended).toMatchObject({ code: 130 });
});
