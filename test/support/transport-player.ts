/** Plays every task of a random flow, step by step, with deaths at labelled steps if asked. */
import type { Prng } from "../../src/base/prng.js";
import { ledgerProblems } from "../../src/transport/ledger-check.js";
import { clearRetire, openFlowStats, recoverTask, requestRetire, setTasks } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { NodePlan } from "../../src/transport/plan.js";
import type { InputMessage, TaskPort, Unit } from "../../src/transport/port.js";
import { type Behaviour, fold, type RandomFlow, respond, respondFlush } from "./transport-dag.js";

class Death extends Error {}

export interface PlayOptions {
  /** Chance of a death at each labelled step. */
  readonly deaths?: number;
  /** Chance that, between two steps, some task is asked to make way for its next incarnation. */
  readonly retires?: number;
  /** Chance that, between two steps, some node gets another number of replicas. */
  readonly scales?: number;
  readonly scrub?: boolean;
  /** Outputs of one commit. */
  readonly partSize?: number;
}

export interface Played {
  /** Per consumer, in the order of receipt: "position content". */
  readonly received: Map<string, string[]>;
  readonly ends: Map<string, number>;
  readonly deaths: Map<string, number>;
  /** Incarnations that made way. */
  readonly retired: number;
  /** How often the number of replicas of a node changed, and what it is at the end. */
  readonly scaled: number;
  readonly tasks: ReadonlyMap<string, number>;
  readonly slotsInUse: number;
  readonly inFlight: number;
  /** What does not add up in the ledgers of the edges. */
  readonly problems: readonly string[];
  /** Commits of parts of a unit's outputs. */
  readonly parts: number;
}

interface Actor {
  readonly node: NodePlan;
  readonly task: number;
  port: TaskPort | undefined;
  done: boolean;
  /** Not among the replicas of its node: it has no process. */
  parked: boolean;
  /** State as far as this incarnation knows: a checksum, or for a consumer how many lines it has. */
  sum: number;
  /** A unit whose outputs go out in parts, and the outputs that are not written yet. */
  begun: { readonly unit: Unit; readonly rest: [index: number, content: string][] } | undefined;
  /** Of a consumer that acknowledges later: how many lines there were after each unit set aside. */
  linesAfter: number[];
}

/** @throws Error when no task can move and some have not ended. */
export function play(dir: string, flow: RandomFlow, prng: Prng, options: PlayOptions = {}): Played {
  const player = new Player(dir, flow, prng, options);
  return player.run();
}

class Player {
  readonly #dir: string;
  readonly #flow: RandomFlow;
  readonly #prng: Prng;
  readonly #options: PlayOptions;
  readonly #received = new Map<string, string[]>();
  readonly #ends = new Map<string, number>();
  readonly #deaths = new Map<string, number>();
  readonly #actors: Actor[];
  #retired = 0;
  #parts = 0;
  #scaled = 0;
  readonly #live: Map<string, number>;
  /** Partitioned nodes that wait for all their replicas to make way, and the number that they get. */
  readonly #repartitions = new Map<string, number>();

  constructor(dir: string, flow: RandomFlow, prng: Prng, options: PlayOptions) {
    this.#dir = dir;
    this.#flow = flow;
    this.#prng = prng;
    this.#options = options;
    this.#live = new Map(flow.plan.nodes.map((node) => [node.name, node.tasks]));
    this.#actors = flow.plan.nodes.flatMap((node) =>
      Array.from({ length: node.capacity ?? node.tasks }, (_, task) => ({
        node,
        task,
        port: undefined,
        done: false,
        parked: task >= node.tasks,
        sum: 0,
        begun: undefined,
        linesAfter: [],
      })),
    );
  }

  run(): Played {
    let idle = 0;
    for (;;) {
      const open = this.#actors.filter((actor) => !actor.done && !actor.parked);
      if (open.length === 0 && this.#repartitions.size === 0) break;
      if (this.#prng.chance(this.#options.scales ?? 0)) this.#scaleAny();
      this.#repartition();
      if (open.length === 0) continue;
      if (this.#prng.chance(this.#options.retires ?? 0)) this.#askToRetire(this.#prng.pick(open));
      const moved = this.#step(this.#prng.pick(open));
      idle = moved ? 0 : idle + 1;
      if (idle > 40 * open.length && !open.some((actor) => this.#step(actor))) throw new Error(`stuck: ${this.#picture()}`);
    }
    const stats = openFlowStats(this.#dir, this.#flow.plan);
    const inFlight = stats.edges().reduce((sum, edge) => sum + edge.inFlight, 0);
    const slotsInUse = stats.slotsInUse();
    const problems = this.#flow.plan.flowType === "Batch" ? ledgerProblems(stats.edges()) : [];
    const tasks = new Map(stats.nodes().map((node) => [node.node, node.tasks]));
    stats.close();
    return {
      problems,
      parts: this.#parts,
      received: this.#received,
      ends: this.#ends,
      deaths: this.#deaths,
      retired: this.#retired,
      scaled: this.#scaled,
      tasks,
      slotsInUse,
      inFlight,
    };
  }

  #askToRetire({ node, task }: Actor): void {
    requestRetire(this.#dir, this.#flow.plan, node.name, task);
  }

  /** Makes way; the next step opens the successor, unless there is to be none. */
  #retire(actor: Actor, port: TaskPort): boolean {
    port.leave();
    port.close();
    actor.port = undefined;
    this.#retired += 1;
    const { name } = actor.node;
    actor.parked = this.#repartitions.has(name) || actor.task >= (this.#live.get(name) as number);
    if (!this.#repartitions.has(name)) clearRetire(this.#dir, this.#flow.plan, name, actor.task);
    return true;
  }

  #scaleAny(): void {
    const scalable = this.#flow.plan.nodes.filter((node) => (node.capacity ?? node.tasks) > 1 && !this.#repartitions.has(node.name));
    if (scalable.length === 0) return;
    const node = this.#prng.pick(scalable);
    const count = this.#prng.range(1, node.capacity ?? node.tasks);
    if (node.partitionBy === undefined) return this.#scale(node, count);
    this.#repartitions.set(node.name, count);
    for (const actor of this.#actorsOf(node.name)) {
      this.#askToRetire(actor);
      if (actor.port === undefined && !actor.done) actor.parked = true;
    }
  }

  #actorsOf(node: string): Actor[] {
    return this.#actors.filter((actor) => actor.node.name === node);
  }

  /** Once all of its replicas made way, or ended. */
  #repartition(): void {
    for (const [name, count] of this.#repartitions) {
      const actors = this.#actorsOf(name);
      if (actors.some(({ port }) => port !== undefined)) continue;
      this.#repartitions.delete(name);
      this.#scale((actors[0] as Actor).node, count);
      for (const actor of actors) clearRetire(this.#dir, this.#flow.plan, name, actor.task);
    }
  }

  /** Whoever sets the number may die on the way and begin again. */
  #scale(node: NodePlan, count: number): void {
    const now = this.#surviving(() => setTasks(this.#dir, this.#flow.plan, node.name, count, { step: this.#die }));
    this.#scaled += now === this.#live.get(node.name) ? 0 : 1;
    this.#live.set(node.name, now);
    for (const actor of this.#actorsOf(node.name)) if (actor.port === undefined) actor.parked = actor.task >= now;
  }

  #surviving<T>(work: () => T): T {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof Death)) throw error;
      }
    }
  }

  #picture(): string {
    const stats = openFlowStats(this.#dir, this.#flow.plan);
    return JSON.stringify({ tasks: stats.tasks().map((t) => [t.node, t.taskIndex, t.state, t.inHand, t.committed]), edges: stats.edges() });
  }

  /** @returns whether the task did something. */
  #step(actor: Actor): boolean {
    try {
      actor.port ??= this.#open(actor);
      return actor.node.inputs.length === 0 ? this.#produce(actor, actor.port) : this.#work(actor, actor.port);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      actor.port = undefined;
      actor.begun = undefined;
      this.#recover(actor);
      return true;
    }
  }

  #open(actor: Actor): TaskPort {
    const { name } = actor.node;
    const { scrub = true, partSize } = this.#options;
    const options = { scrub, step: this.#die, ...(partSize === undefined ? {} : { partSize }) };
    const port = openTaskPort(this.#dir, this.#flow.plan, name, actor.task, options);
    actor.sum = numberOf(port.state);
    actor.linesAfter = [];
    if (this.#isPatient(actor)) this.#received.set(name, (this.#received.get(name) ?? []).slice(0, actor.sum));
    return port;
  }

  /** A consumer that acknowledges later, and whose state says how many lines count. */
  #isPatient({ node }: Actor): boolean {
    const isStateful = this.#flow.stateful !== undefined && this.#options.partSize === undefined; // What is held cannot come in parts.
    return isStateful && node.name.startsWith("end-");
  }

  readonly #die = (label: string): void => {
    if (!this.#prng.chance(this.#options.deaths ?? 0)) return;
    this.#deaths.set(label, (this.#deaths.get(label) ?? 0) + 1);
    throw new Death(label);
  };

  /** The recovery dies, too. */
  #recover(actor: Actor): void {
    this.#surviving(() => recoverTask(this.#dir, this.#flow.plan, actor.node.name, actor.task, { step: this.#die }));
    actor.parked = this.#repartitions.has(actor.node.name) || actor.task >= (this.#live.get(actor.node.name) as number);
  }

  #produce(actor: Actor, port: TaskPort): boolean {
    if (port.retiring) return this.#retire(actor, port);
    if (port.committed === this.#flow.messages) {
      port.end();
      return this.#finish(actor, port);
    }
    if (!port.reserve()) return false;
    const position = port.committed;
    port.write({ traceId: `t${position}`, seq: position + 1, payload: `m${position}` });
    port.commit();
    return true;
  }

  #finish(actor: Actor, port: TaskPort): boolean {
    port.close();
    actor.port = undefined;
    actor.done = true;
    return true;
  }

  #work(actor: Actor, port: TaskPort): boolean {
    if (actor.begun !== undefined) return port.hasRoomForMore() && this.#write(actor, port, actor.begun);
    const unit = port.take();
    if (unit === undefined) return this.#settle(actor, port);
    const { name } = actor.node;
    if (unit.kind === "retire") return this.#retire(actor, port);
    if (unit.kind === "end") {
      port.end();
      this.#ends.set(`${name}.${actor.task}`, (this.#ends.get(`${name}.${actor.task}`) ?? 0) + 1);
      return this.#finish(actor, port);
    }
    port.attempt();
    if (this.#isPatient(actor)) return this.#receivePatiently(actor, port, unit);
    if (name.startsWith("end-")) {
      this.#receive(name, unit);
      port.commit();
      return true;
    }
    return this.#write(actor, port, { unit, rest: [...this.#outputs(actor, unit).entries()] });
  }

  /** Goes on writing, until a part is committed for whose successor there is no room yet. */
  #write(actor: Actor, port: TaskPort, begun: NonNullable<Actor["begun"]>): boolean {
    actor.begun = undefined;
    for (let next = begun.rest.shift(); next !== undefined; next = begun.rest.shift()) {
      const [index, content] = next;
      port.write(messageOf(begun.unit, content, index));
      if (begun.rest.length === 0 || !port.isFull) continue;
      port.commitPart();
      this.#parts += 1;
      if (port.hasRoomForMore()) continue;
      actor.begun = begun;
      return true;
    }
    port.commit(this.#flow.stateful?.has(actor.node.name) === true ? { state: bytesOf(actor.sum) } : undefined);
    return true;
  }

  /** @returns whether there was something to acknowledge. */
  #settle(actor: Actor, port: TaskPort): boolean {
    if (port.aside === 0) return false;
    const units = this.#prng.range(1, port.aside);
    port.settle(units, { state: bytesOf(actor.linesAfter[units - 1] as number) });
    actor.linesAfter.splice(0, units);
    return true;
  }

  #receivePatiently(actor: Actor, port: TaskPort, unit: Unit): boolean {
    const { name } = actor.node;
    const lines = (unit.inputs[0] ?? []).map((message) => `${unit.position} ${message.payload as string}`);
    const seen = [...(this.#received.get(name) ?? []), ...lines];
    this.#received.set(name, seen);
    if (unit.kind === "flush" || this.#prng.chance(0.2)) port.commit({ state: bytesOf(seen.length) });
    else {
      port.setAside();
      actor.linesAfter.push(seen.length);
    }
    if (port.aside === 0) actor.linesAfter = [];
    return true;
  }

  #outputs(actor: Actor, unit: Unit): string[] {
    const behaviour = this.#flow.behaviours.get(actor.node.name) as Behaviour;
    const { name } = actor.node;
    if (unit.kind === "flush") return this.#mark(actor, [], respondFlush(behaviour, name, actor.task));
    const contents = unit.inputs.map((messages) => messages.map((message) => message.payload as string));
    const calls = contents.length > 1 ? [contents.map((half) => half[0] as string)] : (contents[0] as string[]).map((content) => [content]);
    return calls.flatMap((call) =>
      this.#mark(
        actor,
        call.map((content) => [content]),
        respond(behaviour, name, call),
      ),
    );
  }

  /** Outputs of a stateful node end with its checksum after the call. */
  #mark(actor: Actor, contents: readonly (readonly string[])[], outputs: string[]): string[] {
    if (this.#flow.stateful?.has(actor.node.name) !== true) return outputs;
    actor.sum = fold(actor.sum, contents);
    return outputs.map((output) => `${output}~${actor.sum}`);
  }

  /** A consumer that dies between its effect and its acknowledgement sees the unit again: the second time is what counts. */
  #receive(name: string, unit: Unit): void {
    if (unit.kind !== "data") return;
    const lines = (unit.inputs[0] as readonly InputMessage[]).map((message) => `${unit.position} ${message.payload as string}`);
    const before = this.#received.get(name) ?? [];
    const seen = unit.attempts > 0 ? before.filter((line) => !lines.includes(line)) : before;
    this.#received.set(name, [...seen, ...lines]);
  }
}

/** A state whose length changes with its value. */
function bytesOf(value: number): Uint8Array {
  return new TextEncoder().encode(`${value}${" ".repeat(value % 3)}`);
}

function numberOf(state: Uint8Array | undefined): number {
  return state === undefined ? 0 : Number(new TextDecoder().decode(state));
}

function messageOf(unit: Unit, content: string, index: number) {
  const lineage = unit.inputs[0]?.[0];
  const traceId = lineage?.traceId ?? `flush${unit.position}`;
  return { traceId: index === 0 ? traceId : `${traceId}#${index}`, seq: lineage?.seq ?? 0, payload: content };
}
