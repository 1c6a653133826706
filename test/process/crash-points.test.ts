import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { CRASH_AT, CRASH_FILE, CRASH_POINTS, STORE_POINTS } from "../../src/base/crash-point.js";
import { CrashDriver, inOrderOfLife, leadFlow } from "../support/crash-driver.js";
import { type DaemonPlace, writeSmallFlow } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, gpus, gpuUuid, liveTasks, type Workplace } from "../support/flow-process.js";

const drivers: CrashDriver[] = [];
let place: Workplace;
let daemon: DaemonPlace;

afterEach(() => {
  for (const driver of drivers.splice(0)) driver.end();
});
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
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

/** Met at every start of an agent whose flow ended with the one before it. */
const START_POINTS = AGENT_POINTS.filter((point) => /^agent\.(adopt|memory|spawn|go)|updateStatus\.(FlowTask|VideoFlow)/.test(point));

test(`P2: with Terminate nothing is left of a flow whose agent is killed at each of ${START_POINTS.length} points of its start`, async () => {
  await daemon.start();
  await daemon.apply(writeSmallFlow(place, { onAgentLoss: "Terminate" }));
  await daemon.reached("Running");
  await daemon.killAgent();
  const file = place.path("crashed");
  let longestMs = 0;
  for (const point of START_POINTS) {
    const { ended } = await daemon.start([], { env: { [CRASH_AT]: point, [CRASH_FILE]: file } });
    await ended;
    const diedMs = performance.now();
    await eventually(`nothing after ${point}`, () => liveTasks(place.flow).length === 0 && runsIn(place.shm).length === 0);
    longestMs = Math.max(longestMs, performance.now() - diedMs);
  }
  const hit = place.lines("crashed");
  process.stderr.write(
    `crash points with Terminate: ${START_POINTS.length}, hit ${hit.length}; gone after ${Math.round(longestMs)} ms at most\n`,
  );
  expect(START_POINTS.filter((point) => !hit.includes(point))).toEqual([]);
}, 300_000);

/** Runs that have shared memory. */
function runsIn(shm: string): string[] {
  const [user] = readdirSync(shm);
  return user === undefined ? [] : readdirSync(join(shm, user));
}
