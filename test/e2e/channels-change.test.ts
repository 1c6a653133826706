import { expect, test } from "@jest/globals";
import { CRASH_AT, CRASH_FILE, CRASH_POINTS } from "../../src/base/crash-point.js";
import { chaosNodes, expectedArrivals, fileSink, readArrivals } from "../support/chaos-flow.js";
import { type DaemonPlace, endAfter } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, liveTasks, NODES, type Workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

type Node = { readonly name: string; readonly nbTasks?: number };
/** An identity, with any number of tasks. */
const pass = (name: string, from: string, more: object = {}) => ({
  ...{ name, role: "Processor", component: `${NODES}#CpuOnly`, inputs: [from], terminationGracePeriodSeconds: 5 },
  ...more,
});
const nodes = () => chaosNodes(place, fileSink(place)) as readonly Node[];
const edited = (changes: Readonly<Record<string, object>>, ...more: Node[]) => [
  ...nodes().map((node) => ({ ...node, ...changes[node.name] })),
  ...more,
];

const cli = (...args: readonly string[]) => daemon.cli(...args);
const apply = (flow: readonly Node[]) => cli("apply", "-f", writeManifest(place, flow));

/** The flow runs as the last spec asks for, and messages have arrived since. */
async function settled(tasks: number): Promise<void> {
  await eventually("the tasks", () => liveTasks(place.flow).length === tasks, 60_000);
  const before = readArrivals(place).length;
  await eventually(
    () => `messages\n${daemon.agent.output}`,
    () => readArrivals(place).length > before + 20,
    60_000,
  );
}

async function finish(): Promise<void> {
  const messages = Number(readArrivals(place).at(-1)?.text.split(" ")[0] ?? 0) + 500; // More than can be in flight.
  endAfter(place, messages);
  const { status } = await daemon.reached("Succeeded", "Failed");
  expect(status).toMatchObject({ state: "Succeeded" });
  expect([status?.begunAgain, status?.run]).toEqual([undefined, 1]);
  expect(readArrivals(place)).toEqual(expectedArrivals(messages));
}

test("M1, M2: nodes come and go and inputs change under load; the run goes on where it was, nothing is lost, repeated or out of order", async () => {
  await daemon.start();
  await apply(nodes());
  await settled(10);
  await apply(edited({ chain: { inputs: ["more"] } }, pass("more", "many", { nbTasks: 2 })));
  await settled(12);
  await apply(edited({ work: { nbTasks: 7 }, pick: { inputs: ["early"] } }, pass("early", "source")));
  await settled(15);
  await apply(nodes());
  await settled(10);
  await finish();
  expect((await daemon.tasks()).map(({ status }) => status?.restarts)).toEqual(
    nodes().flatMap(({ nbTasks = 1 }) => Array(nbTasks).fill(0)),
  );
}, 180_000);

const POINTS = CRASH_POINTS.filter((point) => point.startsWith("carry."));
/** Milliseconds after a change at which the agent is killed: while producers hold back, tasks make way, tasks start. */
const MOMENTS = [30, 150, 400, 900];

test(`M1, M2: an agent that is killed at ${POINTS.length} points of a change, and at any moment of it, or with its keeper, loses and repeats nothing`, async () => {
  await daemon.start();
  await apply(nodes());
  await settled(10);
  const flows = [edited({ chain: { inputs: ["more"] } }, pass("more", "many", { nbTasks: 2 })), nodes()];
  const sizes = [12, 10];
  let turn = 0;
  const change = async () => {
    await apply(flows[turn % 2] as readonly Node[]);
    turn += 1;
  };
  for (const point of POINTS) {
    await daemon.end();
    await daemon.start([], { env: { [CRASH_AT]: point, [CRASH_FILE]: place.path("crashed") } });
    await change();
    await eventually(`death at ${point}`, () => place.lines("crashed").includes(point), 60_000);
    await daemon.agent.ended;
    await daemon.start();
    await settled(sizes[(turn - 1) % 2] as number);
  }
  for (const ms of MOMENTS) {
    await change();
    await new Promise((resume) => setTimeout(resume, ms));
    await daemon.killAgent();
    await daemon.start();
  }
  await settled(10);
  await change();
  process.kill(daemon.keeperPid, "SIGKILL");
  await settled(12);
  await finish();
}, 300_000);
