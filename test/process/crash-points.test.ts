import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CRASH_POINTS, STORE_POINTS } from "../../src/base/crash-point.js";
import { CrashDriver, inOrderOfLife, leadFlow } from "../support/crash-driver.js";
import { type DaemonPlace, daemonPlace, writeSmallFlow } from "../support/daemon.js";
import { gpus, gpuUuid, type Workplace, workplace } from "../support/flow-process.js";

const drivers: CrashDriver[] = [];
let place: Workplace;
let daemon: DaemonPlace;

beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
});
afterEach(async () => {
  for (const driver of drivers.splice(0)) driver.end();
  await daemon.destroy();
  await place.remove();
});

const MAX_FLOWS = 16;

async function crashEverywhere(points: readonly string[], who: "agent" | "keeper" = "agent"): Promise<CrashDriver> {
  const args = gpus(place, 2); // Of which the agent may grant the second.
  const file = writeSmallFlow(place, {}, { pick: { deviceType: "GPU" } });
  const driver = new CrashDriver(place, daemon, args, inOrderOfLife(points), [gpuUuid(1)], who);
  drivers.push(driver);
  for (let flows = 0; !driver.isDone && flows < MAX_FLOWS; flows += 1) await leadFlow(driver, place, daemon, file, flows % 2 === 0);
  return driver;
}

const AGENT_POINTS = [...STORE_POINTS, ...CRASH_POINTS.filter((point) => point.startsWith("agent."))];

test(`the agent is killed at each of ${AGENT_POINTS.length} points: P1, P3 to P6, D1 to D6 hold, no message is lost or repeated`, async () => {
  const driver = await crashEverywhere(AGENT_POINTS);
  driver.end();
  process.stderr.write(`crash points of the agent: ${AGENT_POINTS.length}, hit ${driver.hit.length}\n`);
  expect(driver.violations).toEqual([]);
  expect(AGENT_POINTS.filter((point) => !driver.hit.includes(point))).toEqual([]);
}, 300_000);

const KEEPER_POINTS = CRASH_POINTS.filter((point) => point.startsWith("keeper."));

test(`the keeper is killed at each of ${KEEPER_POINTS.length} points: P1, P3 to P6, D1 to D6 hold, no message is lost or repeated`, async () => {
  const driver = await crashEverywhere(KEEPER_POINTS, "keeper");
  driver.end();
  process.stderr.write(`crash points of the keeper: ${KEEPER_POINTS.length}, hit ${driver.hit.length}\n`);
  expect(driver.violations).toEqual([]);
  expect(KEEPER_POINTS.filter((point) => !driver.hit.includes(point))).toEqual([]);
}, 300_000);
