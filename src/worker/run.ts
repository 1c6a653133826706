/**
 * The loop inside a task's process: messages in, node, messages out.
 * Knows one task and its port; must not know the store, the agent, or which host it is on.
 */
import { errorText, OperatorError } from "../base/errors.js";
import { type ConsumerNode, END, type NodeLogger, type ProducerNode } from "../flow/node.js";
import type { InputMessage, TaskPort, TimeGroup, Unit } from "../transport/port.js";
import { type Lineage, NO_LINEAGE } from "./context.js";
import { crashPoint } from "./crash-points.js";
import type { Burial, DeadLetters } from "./dead-letters.js";
import { type Item, itemsOf, type Member, type Pipeline } from "./members.js";
import { lineageOf, Output, ProducerLineage, timeLineage } from "./outputs.js";
import { Settlement } from "./settlement.js";
import type { TaskStates } from "./states.js";

/** Look at the stop flag so often while a producer is blocked in `next()`. */
const STOP_LOOK_MS = 50;
/** Let timers and sockets of user code run after so long a stretch of work. */
const YIELD_AFTER_MS = 20;
/** A wake-up costs the writer and the reader about this much together. */
const LOOK_LONGER_MS = 0.02;
const MOST_SKIPPED = 255;

/** How the work of a process ended: the stream is over, or the next process of the task goes on with it. */
export type Outcome = "ended" | "retired";

/** A producer that is blocked in `next()` for so long after it was asked to make way is closed under way. */
const RETIRE_PATIENCE_MS = 1_000;

/** What the loops have in common. */
export interface TaskLoop {
  readonly port: TaskPort;
  readonly retries: number;
  readonly deadLetters: DeadLetters;
  readonly states: TaskStates;
  /** How the process before died. */
  readonly lastDeath?: string | undefined;
  readonly logger: NodeLogger;
}

/**
 * Runs a producer to its end. A failure ends the stream first, so that everything given out so far is processed.
 *
 * @throws what `next()` threw.
 */
export async function runProducer(loop: TaskLoop, member: Member): Promise<Outcome> {
  const { port } = loop;
  const node = member.node as ProducerNode<unknown>;
  if (!loop.states.isContinued) await skipCommitted(member, port);
  if (!member.descriptor.replayable) closeBegun(port);
  const lineage = new ProducerLineage(member.member.name);
  const pace = new Pace();
  while (!port.stopRequested) {
    if (port.retiring) return leave(port);
    if (!port.reserve()) {
      await port.waitForSpace();
      continue;
    }
    port.attempt();
    const next = nextOrStop(node, port);
    const output = next instanceof Promise ? await next : next; // Awaiting what is there already costs as much as a small message.
    port.returned();
    crashPoint("worker.produced");
    if (output === ABANDONED) return leave(port);
    if (output === END) break;
    const written = writeAll(port, itemsOf(output), lineage.become(port.committed + 1), oneTrace);
    if (written !== undefined) await written;
    crashPoint("worker.written");
    const committed = loop.states.commit();
    if (committed !== undefined) await committed;
    crashPoint("worker.committed");
    const turn = pace.breathe();
    if (turn !== undefined) await turn;
  }
  port.end();
  crashPoint("worker.ended");
  return "ended";
}

function leave(port: TaskPort): Outcome {
  port.leave();
  return "retired";
}

/** A live source does not give the rest of what its last incarnation had begun to give: what is out is all of it. */
function closeBegun(port: TaskPort): void {
  if (port.outputsDone > 0) port.commit();
}

/** A replayable producer that cannot seek gives its first messages again; they are out already. */
async function skipCommitted({ node, descriptor }: Member, port: TaskPort): Promise<void> {
  if (descriptor.seekable || !descriptor.replayable) return;
  for (let i = 0; i < port.committed; i += 1) {
    if ((await (node as ProducerNode<unknown>).next()) === END) return;
  }
}

/** Bad data ends the stream for good: what was given out is kept. Any other failure may pass, so the stream stays open. */
function endAfterFailure(port: TaskPort, error: unknown): never {
  port.returned();
  if (error instanceof OperatorError && !error.retryable) port.end();
  throw error;
}

function nextOrStop(node: ProducerNode<unknown>, port: TaskPort): unknown {
  try {
    const next = node.next();
    return next instanceof Promise ? untilStop(next, node, port).catch((error) => endAfterFailure(port, error)) : next;
  } catch (error) {
    return endAfterFailure(port, error);
  }
}

/** What a call of `next()` gives that was given up because the process makes way. */
const ABANDONED = Symbol("abandoned");

/**
 * A live source may block for ever: when the flow stops, or the process makes way, it is closed under way and what it still
 * gives is not taken.
 */
async function untilStop(next: Promise<unknown>, node: ProducerNode<unknown>, port: TaskPort): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  let patienceMs = RETIRE_PATIENCE_MS;
  const stopped = new Promise<typeof END | typeof ABANDONED>((resolve) => {
    timer = setInterval(() => {
      if (port.stopRequested) resolve(END);
      if (port.retiring) patienceMs -= STOP_LOOK_MS;
      if (patienceMs <= 0) resolve(ABANDONED);
    }, STOP_LOOK_MS);
  });
  try {
    const given = await Promise.race([next, stopped]);
    if (given === ABANDONED) await closeUnderWay(next, node);
    return given;
  } finally {
    clearInterval(timer);
    if (port.stopRequested) await closeUnderWay(next, node);
  }
}

async function closeUnderWay(next: Promise<unknown>, node: ProducerNode<unknown>): Promise<void> {
  next.catch(() => {}); // The call was abandoned; its failure from now on is not one.
  await node.close();
}

/** Runs a processor until all its inputs have ended. */
export async function runProcessor(loop: TaskLoop, pipeline: Pipeline): Promise<Outcome> {
  const { port } = loop;
  const outcome = await eachUnit(loop, {
    message: (payloads, lineage) => {
      const items = pipeline.process(payloads, lineage);
      if (items instanceof Promise) return items.then((settled) => writeAll(port, settled, lineage));
      return writeAll(port, items, lineage);
    },
    flush: async (lineage) => {
      const items = await pipeline.flush(lineage);
      crashPoint("worker.flushed");
      return writeAll(port, items, lineage);
    },
    commit: () => loop.states.commit(),
    done: () => pipeline.forget(),
  });
  return finish(port, outcome);
}

function finish(port: TaskPort, outcome: Outcome): Outcome {
  if (outcome === "retired") return leave(port);
  port.end();
  crashPoint("worker.ended");
  return outcome;
}

/** Runs a consumer until all its inputs have ended. */
export async function runConsumer(loop: TaskLoop, member: Member): Promise<Outcome> {
  const node = member.node as ConsumerNode<unknown[]>;
  if (node.settled !== undefined) return runHoldingConsumer(loop, member);
  const outcome = await eachUnit(loop, {
    message: (payloads, lineage) => {
      member.context.lineage = lineage;
      return payloads.length === 1 ? node.consume(payloads[0]) : node.consume(...payloads);
    },
    flush: () => {},
    commit: () => loop.states.commit(),
    done: () => {
      member.context.lineage = NO_LINEAGE;
    },
  });
  return finish(loop.port, outcome);
}

/** A consumer that says by itself which inputs are safe. */
async function runHoldingConsumer(loop: TaskLoop, member: Member): Promise<Outcome> {
  const node = member.node as ConsumerNode<unknown[]>;
  const settlement = new Settlement(loop.port, loop.states, member);
  const outcome = await eachUnit(loop, {
    message: async (payloads, lineage) => {
      member.context.lineage = lineage;
      await node.consume(...payloads);
      settlement.count();
    },
    flush: () => {},
    commit: (unit) => (unit.kind === "flush" ? settlement.allDone() : settlement.unitDone()),
    done: () => {
      member.context.lineage = NO_LINEAGE;
    },
  });
  await (outcome === "retired" ? settlement.giveWay() : settlement.flush());
  return finish(loop.port, outcome);
}

interface UnitWork {
  /** @param payloads what the node is called with. */
  message(payloads: readonly unknown[], lineage: Lineage): void | Promise<void>;
  flush(lineage: Lineage): void | Promise<void>;
  /** Outputs out, inputs acknowledged, state kept. */
  commit(unit: Unit): void | Promise<void>;
  /** The unit was committed: what the nodes know of its messages lies in memory that is no longer theirs. */
  done(): void;
}

async function eachUnit(loop: TaskLoop, work: UnitWork): Promise<Outcome> {
  const { port } = loop;
  const pace = new Pace();
  const patience = new Patience();
  for (;;) {
    const unit = port.take() ?? patience.look(port);
    if (unit === undefined) {
      await port.waitForInput();
      continue;
    }
    if (unit.kind === "end") return "ended";
    if (unit.kind === "retire") return "retired";
    crashPoint("worker.taken");
    const working = workOn(loop, unit, work);
    if (working instanceof Promise) await working; // Awaiting nothing costs as much as a small message.
    crashPoint("worker.written");
    const committed = work.commit(unit);
    if (committed !== undefined) await committed;
    crashPoint("worker.committed");
    work.done();
    const turn = pace.breathe();
    if (turn !== undefined) await turn;
  }
}

/** One unit, attempt by attempt; a message that fails too often goes to the dead letters and the others go on. */
function workOn(loop: TaskLoop, unit: Unit, work: UnitWork): void | Promise<void> {
  const trial = tryOf(loop, unit);
  if (trial.rows.length > 0 && trial.dead.size === trial.rows.length) return;
  try {
    const settled = attemptOnce(loop, trial, work);
    if (!(settled instanceof Promise)) return settled;
    return settled.catch((error: unknown) => attemptAgain(loop, trial, work, error));
  } catch (error) {
    return attemptAgain(loop, trial, work, error);
  }
}

type Rows = readonly (readonly InputMessage[])[];

/** A unit that is worked on. */
interface Trial {
  readonly unit: Unit;
  readonly rows: Rows;
  /** Calls that are given up, and how many of their outputs are committed already. */
  dead: ReadonlyMap<number, number>;
  /** The call that has killed its process once too often: it is given up when the attempt comes to it. */
  doomed: number | undefined;
  /** Attempts so far, by this process and by those before it. */
  attempts: number;
}

const NONE_DEAD: Trial["dead"] = new Map();

/** What processes before this one have given up of the unit stands in their letters; the death of the last one may be one too many. */
function tryOf(loop: TaskLoop, unit: Unit): Trial {
  const rows = rowsOf(unit);
  const trial: Trial = { unit, rows, dead: NONE_DEAD, doomed: undefined, attempts: unit.attempts };
  if (unit.kind === "flush" || (unit.attempts === 0 && unit.row === 0)) return trial;
  trial.dead = loop.deadLetters.among(unit.position, rows);
  loop.port.bury(trial.dead.size);
  if (unit.attempts > loop.retries) {
    const row = Math.min(unit.row, rows.length - 1);
    if (!trial.dead.has(row)) trial.doomed = row;
    else if (trial.dead.size < rows.length) countAnew(loop, trial, row, 0); // It died after it had written the letter.
  }
  return trial;
}

/** Attempts at the other messages of the unit do not count those at this one. */
function countAnew({ port }: TaskLoop, trial: Trial, row: number, attempts: number): void {
  port.countAnew(row, attempts);
  trial.attempts = attempts;
}

/** Which message of the unit failed, and how many of its outputs are committed already. */
class RowError extends Error {
  readonly row: number;
  readonly outputs: number;
  constructor(row: number, outputs: number, cause: unknown) {
    super("a message failed", { cause });
    this.row = row;
    this.outputs = outputs;
  }
}

function attemptOnce(loop: TaskLoop, trial: Trial, work: UnitWork): void | Promise<void> {
  const { unit, rows } = trial;
  if (rows.length === 1 && trial.doomed === 0) return giveUp(loop, trial, 0, loop.port.outputsDone);
  loop.port.attempt();
  trial.attempts += 1;
  if (unit.kind === "flush") return work.flush(NO_LINEAGE);
  if (rows.length > 1) return attemptRows(loop, trial, work);
  const row = rows[0] as readonly InputMessage[];
  if (unit.group !== undefined) return work.message(groupPayloads(unit, unit.group), timeLineage(unit.group, row));
  return work.message(payloadsOf(row), lineageOf(row));
}

async function attemptRows(loop: TaskLoop, trial: Trial, work: UnitWork): Promise<void> {
  const { port } = loop;
  for (const [index, inputs] of trial.rows.entries()) {
    const before = port.outputIndex;
    if (index === trial.doomed) {
      giveUp(loop, trial, index, Math.max(0, port.outputsDone - before));
      if (trial.dead.size < trial.rows.length) countAnew(loop, trial, index, 1);
    }
    const outputs = trial.dead.get(index);
    if (outputs !== undefined) {
      port.passOutputs(outputs);
      continue;
    }
    port.workOn(index);
    try {
      await work.message(payloadsOf(inputs), lineageOf(inputs));
    } catch (cause) {
      throw new RowError(index, Math.max(0, port.outputsDone - before), cause);
    }
  }
}

async function attemptAgain(loop: TaskLoop, trial: Trial, work: UnitWork, first: unknown): Promise<void> {
  for (let error = first; ; ) {
    loop.port.returned();
    loop.port.discard();
    loop.states.rollBack();
    const row = error instanceof RowError ? error.row : 0;
    const cause = error instanceof RowError ? error.cause : error;
    if (trial.unit.kind === "flush" || isNoFaultOfInput(cause)) throw cause;
    if (trial.attempts > loop.retries) {
      const outputs = error instanceof RowError ? error.outputs : loop.port.outputsDone;
      bury(loop, trial, { row, outputs, attempts: trial.attempts, cause: "Exception", error: cause });
      if (trial.dead.size === trial.rows.length) return;
      countAnew(loop, trial, row, 0);
    }
    try {
      await attemptOnce(loop, trial, work);
      return;
    } catch (next) {
      error = next;
    }
  }
}

/** The host lacks memory: the next input would fare no better, so none is given up for it. */
function isNoFaultOfInput(error: unknown): boolean {
  return error instanceof OperatorError && error.code === "SHM_FULL";
}

/** The message at which the last process of the task died once too often. */
function giveUp(loop: TaskLoop, trial: Trial, row: number, outputs: number): void {
  const how = loop.lastDeath === undefined ? "" : `; its last process ended with ${loop.lastDeath}`;
  trial.doomed = undefined;
  const { attempts } = trial.unit;
  bury(loop, trial, { row, outputs, attempts, cause: "Death", error: `the process of the task died while it processed this input${how}` });
}

type Cause = Pick<Burial, "outputs" | "attempts" | "cause" | "error"> & { readonly row: number };

function bury(loop: TaskLoop, trial: Trial, { row, ...why }: Cause): void {
  const { unit, rows, dead } = trial;
  const inputs = rows[row] as readonly InputMessage[];
  loop.deadLetters.add(inputs, { position: unit.position, index: row, ...why });
  crashPoint("worker.buried");
  trial.dead = new Map([...dead, [row, why.outputs]]);
  loop.port.bury(1);
  loop.logger.error(`input ${inputs[0]?.traceId} goes to the dead letters: ${errorText(why.error)}`);
}

/** The unit as calls of `process(...inputs)`: one per message of a single input, or one of a join. */
function rowsOf({ inputs, group }: Unit): readonly (readonly InputMessage[])[] {
  if (group !== undefined) return [inputs.flat()];
  if (inputs.length !== 1) return [inputs.map((messages) => messages[0] as InputMessage)];
  const [messages] = inputs as readonly [readonly InputMessage[]];
  return messages.length === 1 ? inputs : messages.map((message) => [message]);
}

function payloadsOf(inputs: readonly InputMessage[]): readonly unknown[] {
  return inputs.length === 1 ? [(inputs[0] as InputMessage).payload] : inputs.map(({ payload }) => payload);
}

/** What a group of one time gives to the node: a list for each collect input, null for what is missing. */
function groupPayloads({ inputs }: Unit, { lists }: TimeGroup): readonly unknown[] {
  return inputs.map((messages, i) => (lists[i] === true ? messages.map(({ payload }) => payload) : (messages[0]?.payload ?? null)));
}

/** What one call gave: index k of an output is part of its trace, but all messages of a producer's one turn have the same. */
function writeAll(port: TaskPort, items: readonly Item[], lineage: Lineage, indexOf = numbered): void | Promise<void> {
  crashPoint("worker.processed");
  for (let index = 0; index < items.length; index += 1) {
    if (port.isFull) return writeInParts(port, items, lineage, indexOf, index);
    port.write(new Output(items[index] as Item, lineage, indexOf(index)));
  }
}

const numbered = (index: number): number => index;
const oneTrace = (): number => 0;

/** More outputs than one commit has: what is written goes out, and the rest when its readers have made room. */
async function writeInParts(
  port: TaskPort,
  items: readonly Item[],
  lineage: Lineage,
  indexOf: typeof numbered,
  from: number,
): Promise<void> {
  for (let index = from; index < items.length; index += 1) {
    if (port.isFull) await commitPart(port);
    port.write(new Output(items[index] as Item, lineage, indexOf(index)));
  }
}

async function commitPart(port: TaskPort): Promise<void> {
  port.commitPart();
  crashPoint("worker.part");
  while (!port.hasRoomForMore()) await port.waitForRoom();
}

/**
 * In a busy stream the next message is microseconds away: a moment's look saves the writer a system call and this task its
 * sleep. Looks that found nothing make it rarer, up to one in {@link MOST_SKIPPED} + 1 waits, so a slow stream costs next to nothing.
 */
class Patience {
  #skipped = 0;
  #skip = 0;

  look(port: TaskPort): Unit | undefined {
    if (this.#skipped < this.#skip) {
      this.#skipped += 1;
      return undefined;
    }
    const endMs = performance.now() + LOOK_LONGER_MS;
    this.#skipped = 0;
    do {
      const unit = port.take();
      if (unit !== undefined) {
        this.#skip = 0;
        return unit;
      }
    } while (performance.now() < endMs);
    this.#skip = Math.min(MOST_SKIPPED, this.#skip * 2 + 1);
    return undefined;
  }
}

/** Gives the event loop a turn from time to time, however busy the task is. */
class Pace {
  #last = performance.now();
  #units = 0;

  breathe(): Promise<void> | undefined {
    this.#units += 1;
    if (this.#units % 16 !== 0 || performance.now() - this.#last < YIELD_AFTER_MS) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#last = performance.now();
        resolve();
      }),
    );
  }
}
