import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { DaemonPlace } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, NODES, type Workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

const cli = (...args: readonly string[]) => daemon.cli(...args);

/** Numbers 0 to 9, of which one cannot be processed. */
/** The log of a flow that is gone; its last line is a year old. */
function leaveOldLog(): string {
  const folder = join(daemon.stateDir, "logs", "here", "gone");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "gone.a.0.log"), "a line\n");
  for (const path of [join(folder, "gone.a.0.log"), folder])
    utimesSync(path, Date.now() / 1_000 - 31_536_000, Date.now() / 1_000 - 31_536_000);
  return folder;
}

const nodes = (bad: number) => [
  { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 1, count: 10 } },
  { name: "work", role: "Processor", component: `${NODES}#Thrower`, inputs: ["tick"], params: { at: [bad] }, retries: 0 },
  { name: "see", role: "Consumer", component: `${NODES}#Collector`, inputs: ["work"] },
];

test("flows of one name in two namespaces have logs, dead letters and figures of their own; old logs of flows that are gone are removed", async () => {
  const old = leaveOldLog();
  await daemon.start();
  await eventually("the old log to go", () => !existsSync(old));
  for (const [namespace, bad] of [
    ["here", 3],
    ["there", 7],
  ] as const) {
    await cli("apply", "-n", namespace, "-f", writeManifest(place, nodes(bad)));
    await cli("wait", "-n", namespace, "vf", place.flow, "--for=condition=Succeeded", "--timeout=120s");
  }
  for (const [namespace, bad] of [
    ["here", 3],
    ["there", 7],
  ] as const) {
    const letters = await cli("deadletters", "list", place.flow, "-n", namespace);
    expect([letters.includes(`no code for ${bad}`), letters.split("\n").filter((line) => line.includes("no code for")).length]).toEqual([
      true,
      1,
    ]);
    const logs = await cli("logs", place.flow, "-n", namespace);
    expect(logs.match(/no code for \d/g)?.every((text) => text === `no code for ${bad}`)).toBe(true);
  }
});
