/** One task from its launch file to its exit: load, open, run, close. */
import { errorText, OperatorError } from "../base/errors.js";
import { waitForTurn } from "../base/process-signal.js";
import type { DType, Tensor } from "../base/tensor.js";
import { openTaskPort } from "../transport/open.js";
import type { TaskPort } from "../transport/port.js";
import { refuseDisagreement } from "./agreement.js";
import { TaskContext } from "./context.js";
import { crashPoint, portStep } from "./crash-points.js";
import { DeadLetters } from "./dead-letters.js";
import type { TaskLaunch } from "./launch.js";
import { type LoadedNode, loadMember } from "./load.js";
import { type Member, Pipeline } from "./members.js";
import type { Reporter } from "./report.js";
import { type Outcome, runConsumer, runProcessor, runProducer, type TaskLoop } from "./run.js";
import { checkDevices } from "./self-check.js";
import { TaskStates } from "./states.js";

/** Set to 1, payloads that all readers have released are overwritten: code that still looks at one sees 0xDB. */
const DEBUG_VIEWS = "VIDEOFLOW_DEBUG_VIEWS";

/**
 * Runs the task to its end, or until it is asked to make way.
 *
 * @throws what kept it from running or ended it early; the port is closed, nodes are closed.
 */
export async function runTask(launch: TaskLaunch, reporter: Reporter): Promise<Outcome> {
  const loaded: LoadedNode[] = [];
  for (const member of launch.members) loaded.push(await loadMember(member, launch.graphHash));
  refuseDisagreement(launch, loaded);
  const isPrivate = loaded.some(({ descriptor }) => descriptor.changesInputs);
  const naps = isOneOfMany(launch);
  if (naps) waitForTurn();
  const port = openTaskPort(launch.memoryDir, launch.plan, launch.node, launch.index, {
    private: isPrivate,
    naps,
    ...(launch.planHash === undefined ? {} : { planHash: launch.planHash }),
    scrub: process.env[DEBUG_VIEWS] === "1",
    ...(portStep === undefined ? {} : { step: portStep }),
  });
  try {
    port.setState("opening");
    const members = attach(launch, loaded, port, reporter);
    return await runOpened(launch, members, port, reporter);
  } finally {
    port.close();
  }
}

/**
 * Whether other nodes read what this one reads, in batch. Each message wakes all of them at once; if there are fewer cores than that
 * they would take the parent's turn by turn, and it would not come to the next message.
 */
function isOneOfMany({ node, plan }: TaskLaunch): boolean {
  const parents = plan.edges.filter(({ to }) => to === node).map(({ from }) => from);
  return plan.flowType === "Batch" && plan.edges.some(({ from, to }) => parents.includes(from) && to !== node);
}

function attach(launch: TaskLaunch, loaded: readonly LoadedNode[], port: TaskPort, reporter: Reporter): Member[] {
  const partitionBy = launch.plan.nodes.find(({ name }) => name === launch.node)?.partitionBy;
  return loaded.map((item, i) => {
    const isExit = i === loaded.length - 1 && item.member.role !== "Consumer";
    const allocate = <D extends DType>(shape: readonly number[], dtype: D): Tensor<D> => port.allocate(shape, dtype);
    const context = new TaskContext({
      launch,
      node: item.member.name,
      committed: port.committed,
      partitionBy,
      allocate: isExit ? allocate : undefined,
      reportDevice: (report) => reporter.device(report),
      reportStateLost: () => reporter.stateLost([item.member.name]),
    });
    item.node.attach(context);
    return { ...item, context };
  });
}

async function runOpened(launch: TaskLaunch, members: readonly Member[], port: TaskPort, reporter: Reporter): Promise<Outcome> {
  const opened: Member[] = [];
  let isReady = false;
  let outcome: Outcome;
  try {
    for (const member of members) {
      opened.push(member);
      await member.node.open(member.context);
    }
    const states = new TaskStates(members, port);
    crashPoint("worker.opened");
    await states.restore();
    crashPoint("worker.restored");
    reporter.stateLost(states.lost);
    checkDevices(launch);
    port.setState("working");
    reporter.ready();
    isReady = true;
    outcome = await Promise.race([run(launch, members, port, states), terminated()]);
  } catch (error) {
    if (!isReady) endUnopened(members, port, error);
    await closeAll(opened, (closing) => members[0]?.context.logger.warn(`close() failed too: ${errorText(closing)}`));
    throw error;
  }
  await closeAll(opened, (error) => {
    throw error;
  });
  return outcome;
}

/** A producer that can never open has an empty stream: its children end instead of waiting for it. */
function endUnopened([first]: readonly Member[], port: TaskPort, error: unknown): void {
  if (first?.member.role === "Producer" && error instanceof OperatorError && !error.retryable) port.end();
}

/** The process was asked to end before its work was done. */
export class TaskTerminated extends Error {}

/** Rejects at SIGTERM. The nodes are closed then, so that a file keeps what it has. */
function terminated(): Promise<never> {
  return new Promise((_done, end) => process.once("SIGTERM", () => end(new TaskTerminated("asked to end"))));
}

async function closeAll(members: readonly Member[], onError: (error: unknown) => void): Promise<void> {
  for (const { node } of members) {
    try {
      await node.close();
    } catch (error) {
      onError(error);
    }
  }
}

async function run(launch: TaskLaunch, members: readonly Member[], port: TaskPort, states: TaskStates): Promise<Outcome> {
  const [first] = members as readonly [Member];
  const loop: TaskLoop = {
    port,
    retries: launch.retries,
    deadLetters: new DeadLetters(launch),
    lastDeath: launch.lastDeath,
    logger: first.context.logger,
    states,
  };
  if (first.member.role === "Producer") return runProducer(loop, first);
  if (first.member.role === "Consumer") return runConsumer(loop, first);
  const inputs = launch.plan.nodes.find(({ name }) => name === launch.node)?.inputs ?? [];
  return runProcessor(loop, new Pipeline(members, inputs));
}
