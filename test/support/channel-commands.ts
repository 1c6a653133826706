/** What may be done to a channel, by tasks that may die at any labelled step; each command checks the channel against the model. */
import { expect } from "@jest/globals";
import fc from "fast-check";
import type { Tensor } from "../../src/base/tensor.js";
import { openControl } from "../../src/transport/files.js";
import { layoutOf } from "../../src/transport/layout.js";
import { ledgerProblems } from "../../src/transport/ledger-check.js";
import { openFlowStats, recoverTask, setTasks } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { FlowStats, InputMessage, TaskPort, Unit } from "../../src/transport/port.js";
import { TAKEN, wordState, wordTask } from "../../src/transport/words.js";
import { ChannelModel, EdgeModel, REPLICAS, type TaskModel } from "./channel-model.js";
import { aNode, anEdge } from "./transport.js";

class Death extends Error {}

/** The sizes that a run of commands draws. */
export const channelSizes = fc.record({
  slots: fc.record({ w: fc.integer({ min: 1, max: 3 }), r: fc.integer({ min: 1, max: 3 }) }),
  cells: fc.record({ wr: fc.constantFrom(1, 2, 4), ws: fc.constantFrom(1, 2, 4), rc: fc.constantFrom(1, 2, 4) }),
});
type Sizes = typeof channelSizes extends fc.Arbitrary<infer T> ? T : never;

export function planOf({ slots, cells }: Sizes): DataPlan {
  return {
    version: 1,
    flowType: "Batch",
    nodes: [
      aNode("w", [], { slots: slots.w }),
      aNode("r", ["w"], { slots: slots.r, capacity: REPLICAS }),
      aNode("c", ["r"], { slots: 0 }),
      aNode("s", ["w"], { slots: 0 }),
    ],
    edges: [anEdge("w", "r", { cells: cells.wr }), anEdge("r", "c", { cells: cells.rc }), anEdge("w", "s", { cells: cells.ws })],
  };
}

export function modelOf(sizes: Sizes): ChannelModel {
  const { edges } = layoutOf(planOf(sizes));
  const [wr, rc, ws] = edges.map(({ window, count }) => new EdgeModel(window, count)) as [EdgeModel, EdgeModel, EdgeModel];
  return new ChannelModel({ slots: sizes.slots, edges: { wr, rc, ws } });
}

/** The channel itself, and how its tasks die. */
export class Channel {
  readonly dir: string;
  readonly plan: DataPlan;
  readonly ports = new Map<string, TaskPort>();
  readonly units = new Map<string, Unit>();
  readonly kept = new Map<number, Tensor>();
  readonly stats: FlowStats;
  /** How often a task died at a label, over all channels. */
  readonly deaths: Map<string, number>;
  #labels: string[] = [];
  #left = 0;

  constructor(dir: string, plan: DataPlan, deaths: Map<string, number>) {
    this.dir = dir;
    this.plan = plan;
    this.deaths = deaths;
    this.stats = openFlowStats(dir, plan);
  }

  readonly step = (label: string): void => {
    this.#labels.push(label);
    this.#left -= 1;
    if (this.#left !== 0) return;
    this.deaths.set(label, (this.deaths.get(label) ?? 0) + 1);
    throw new Death(label);
  };

  /** @param dieAt number of the step at which whoever works dies; 0 = never. */
  attempt(dieAt: number, work: () => void): { readonly died: boolean; readonly labels: readonly string[] } {
    this.#labels = [];
    this.#left = dieAt;
    try {
      work();
      return { died: false, labels: this.#labels };
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      return { died: true, labels: this.#labels };
    } finally {
      this.#left = 0;
    }
  }

  open(name: string): TaskPort {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const [node, index] = name.split(".") as [string, string];
    const port = openTaskPort(this.dir, this.plan, node, Number(index), { scrub: true, step: this.step });
    this.ports.set(name, port);
    return port;
  }

  /** The process is gone: nothing of it runs any more. */
  forget(name: string): void {
    this.ports.delete(name);
    this.units.delete(name);
    if (name === "s.0") this.kept.clear();
  }

  /** The position that a task has taken and not told of. */
  takenBy(name: string): number | undefined {
    const { i32, f64, layout, unmap } = openControl(this.dir, this.plan);
    const [node, index] = name.split(".") as [string, string];
    const number = layout.nodes.find(({ plan }) => plan.name === node)?.tasks[Number(index)]?.task;
    const edge = layout.edges.find(({ plan }) => plan.to === node) as (typeof layout.edges)[number];
    const cells = Array.from({ length: edge.count }, (_, i) => edge.cells + i * 8);
    const positions = cells
      .filter((cell) => wordState(i32[cell] as number) === TAKEN && wordTask(i32[cell] as number) === number)
      .map((cell) => f64[(cell + 6) / 2] as number);
    unmap();
    return positions.length === 0 ? undefined : Math.max(...positions);
  }

  close(): void {
    this.stats.close();
  }
}

type Command = fc.Command<ChannelModel, Channel>;

/** Looks at everything while nobody is dead: then nothing is uncertain. */
function checkAll(model: ChannelModel, channel: Channel): void {
  for (const [position, tensor] of channel.kept) expect([...tensor.data]).toEqual(contentOf(position));
  if (model.someDead) return;
  const flights = Object.fromEntries(channel.stats.edges().map(({ from, to, inFlight }) => [from + to, inFlight]));
  const expected = Object.fromEntries(Object.entries(model.edges).map(([name, edge]) => [name, edge.count("offered", "taken")]));
  expect({ slots: channel.stats.slotsInUse(), ...flights }).toEqual({ slots: model.slotsInUse, ...expected });
}

function contentOf(position: number): number[] {
  return Array.from({ length: 5 }, (_, i) => (position * 7 + i) % 256);
}

function times(labels: readonly string[], label: string): number {
  return labels.filter((one) => one === label).length;
}

function die(model: ChannelModel, channel: Channel, name: string): void {
  Object.assign(model.task(name), { status: "dead", unit: undefined, aside: [] });
  channel.forget(name);
}

/** Sets a place, which is uncertain if the one who does it died before it had finished its commit. */
function put(model: ChannelModel, name: string, edge: EdgeModel, position: number, state: "offered" | "done", isApplied: boolean): void {
  if (isApplied) edge.set(position, state);
  else model.leaveBehind(name, edge, position, state);
}

/** Of the tasks that can do it, the one that a number chooses: so that most commands of a list do something. */
abstract class OfSome implements Command {
  readonly choice: number;
  readonly dieAt: number;
  protected name = "?";

  constructor(choice: number, dieAt: number) {
    this.choice = choice;
    this.dieAt = dieAt;
  }

  abstract can(name: string, task: TaskModel, model: Readonly<ChannelModel>): boolean;
  abstract act(model: ChannelModel, channel: Channel): void;

  check(model: Readonly<ChannelModel>): boolean {
    return [...model.tasks].some(([name, task]) => this.can(name, task, model));
  }

  run(model: ChannelModel, channel: Channel): void {
    const able = [...model.tasks].filter(([name, task]) => this.can(name, task, model));
    [this.name] = able[this.choice % able.length] as [string, TaskModel];
    this.act(model, channel);
    checkAll(model, channel);
  }
}

class Produce implements Command {
  readonly dieAt: number;
  constructor(dieAt: number) {
    this.dieAt = dieAt;
  }

  check(model: Readonly<ChannelModel>): boolean {
    return model.task("w.0").status !== "dead";
  }

  run(model: ChannelModel, channel: Channel): void {
    const port = channel.open("w.0");
    model.task("w.0").status = "open";
    expect(port.committed).toBe(model.written);
    let may = false;
    const { died, labels } = channel.attempt(this.dieAt, () => {
      may = port.reserve();
      if (!may) return;
      port.attempt();
      const frame = port.allocate([5], "uint8");
      frame.data.set(contentOf(model.written));
      port.write({ traceId: `w:${model.written}`, seq: model.written + 1, payload: frame });
      port.commit();
    });
    if (may) expect(model.canWrite("may")).toBe(true);
    else expect(model.canWrite("must")).toBe(false);
    if (times(labels, "committed") > 0) {
      for (const edge of [model.edges.wr, model.edges.ws]) put(model, "w.0", edge, model.written, "offered", times(labels, "applied") > 0);
      model.written += 1;
    }
    if (died) die(model, channel, "w.0");
    checkAll(model, channel);
  }

  toString(): string {
    return `produce${dying(this.dieAt)}`;
  }
}

class Take extends OfSome {
  can(name: string, { status, unit }: TaskModel, model: Readonly<ChannelModel>): boolean {
    const isSurplus = name.startsWith("r") && Number(name.slice(2)) >= model.replicas;
    return name !== "w.0" && status !== "dead" && unit === undefined && (!isSurplus || status === "open");
  }

  act(model: ChannelModel, channel: Channel): void {
    const { name } = this;
    const port = channel.open(name);
    const task = model.task(name);
    task.status = "open";
    if (name === "c.0") expect(port.state?.[0] ?? 0).toBe(model.state);
    let unit: Unit | undefined;
    const { died, labels } = channel.attempt(this.dieAt, () => {
      unit = port.take();
      if (unit?.kind === "retire") port.leave();
    });
    this.#notePasses(model, times(labels, "committed"), died && times(labels, "applied") < times(labels, "committed"));
    if (unit?.kind === "retire") {
      expect(Number(name.slice(2))).toBeGreaterThanOrEqual(model.replicas);
      if (!died) this.#leave(model, channel, port);
    } else if (died && times(labels, "half taken") > times(labels, "committed")) {
      const position = channel.takenBy(name);
      expect(model.takes(name)).toContain(position);
      model.inputOf(name).set(position as number, "taken", name);
    } else if (!died) this.#check(model, channel, unit);
    if (died) die(model, channel, name);
  }

  #leave(model: ChannelModel, channel: Channel, port: TaskPort): void {
    port.close();
    channel.forget(this.name);
    model.task(this.name).status = "closed";
  }

  #check(model: ChannelModel, channel: Channel, unit: Unit | undefined): void {
    const allowed = model.takes(this.name);
    expect(allowed).toContain(unit?.position);
    if (unit === undefined) return;
    const edge = model.inputOf(this.name);
    const { position } = unit;
    edge.set(position, "taken", this.name);
    model.task(this.name).unit = position;
    channel.units.set(this.name, unit);
    expect([unit.kind, unit.attempts]).toEqual(["data", edge.at(position).attempts]);
    const messages = unit.inputs[0] as readonly InputMessage[];
    if (this.name === "c.0") {
      const expected = Array.from({ length: model.outputs.get(position)?.count ?? 0 }, (_, i) => `${position}.${i}`);
      expect(messages.map(({ payload }) => payload)).toEqual(expected);
    } else expect(messages.map(({ payload }) => [...(payload as Tensor).data])).toEqual([contentOf(position)]);
  }

  /** The consumer acknowledges by itself what says "none". */
  #notePasses(model: ChannelModel, passes: number, isUncertain: boolean): void {
    for (let pass = 1; pass <= passes; pass += 1) {
      const position = model.passes(this.name);
      expect(position).toBeDefined();
      model.edges.rc.set(position as number, "taken", this.name);
      put(model, this.name, model.edges.rc, position as number, "done", !(isUncertain && pass === passes));
    }
  }

  override toString(): string {
    return `${this.name} takes${dying(this.dieAt)}`;
  }
}

/** Works on the unit in hand and commits it; r gives outputs, c keeps state, s acknowledges what it set aside as well. */
class Commit extends OfSome {
  readonly outputs: number;
  constructor(choice: number, dieAt: number, outputs: number) {
    super(choice, dieAt);
    this.outputs = outputs;
  }

  can(_name: string, { unit }: TaskModel): boolean {
    return unit !== undefined;
  }

  act(model: ChannelModel, channel: Channel): void {
    const { name } = this;
    const port = channel.open(name);
    const task = model.task(name);
    const position = task.unit as number;
    const [input] = (channel.units.get(name) as Unit).inputs[0] as readonly InputMessage[];
    const { died, labels } = channel.attempt(this.dieAt, () => {
      port.attempt();
      for (let i = 0; i < this.#given; i += 1) port.write({ traceId: `t#${i}`, seq: position + 1, payload: `${position}.${i}` });
      port.commit(name === "c.0" ? { state: Uint8Array.of(model.state + 1) } : undefined);
    });
    const isCounted = times(labels, "committed") > 0;
    const isApplied = !died || times(labels, "applied") > 0;
    if (isCounted) this.#note(model, position, isApplied);
    else if (!labels.includes("set aside")) model.inputOf(name).at(position).attempts += times(labels, "attempt");
    else model.inputOf(name).at(position).attempts = 0;
    if (died) die(model, channel, name);
    else {
      expect(input?.valid).toBe(model.retained.has(position) && name === "s.0");
      channel.units.delete(name);
    }
    if (isCounted && !died) Object.assign(task, { unit: undefined, aside: [] });
  }

  get #given(): number {
    return this.name.startsWith("r") ? this.outputs : 0;
  }

  #note(model: ChannelModel, position: number, isApplied: boolean): void {
    const { name } = this;
    for (const one of [...model.task(name).aside, position]) put(model, name, model.inputOf(name), one, "done", isApplied);
    if (name === "c.0") model.state += 1;
    if (!name.startsWith("r")) return;
    model.outputs.set(position, { count: this.outputs, by: name });
    put(model, name, model.edges.rc, position, "offered", isApplied);
  }

  override toString(): string {
    return `${this.name} commits ${this.outputs}${dying(this.dieAt)}`;
  }
}

class SetAside implements Command {
  readonly dieAt: number;
  constructor(dieAt: number) {
    this.dieAt = dieAt;
  }

  check(model: Readonly<ChannelModel>): boolean {
    const { unit } = model.task("s.0");
    return unit !== undefined && !model.retained.has(unit);
  }

  run(model: ChannelModel, channel: Channel): void {
    const task = model.task("s.0");
    const position = task.unit as number;
    const { died } = channel.attempt(this.dieAt, () => channel.open("s.0").setAside());
    model.edges.ws.at(position).attempts = 0;
    task.aside.push(position);
    task.unit = undefined;
    channel.units.delete("s.0");
    if (died) die(model, channel, "s.0");
    checkAll(model, channel);
  }

  toString(): string {
    return `s.0 sets aside${dying(this.dieAt)}`;
  }
}

class Settle implements Command {
  readonly units: number;
  readonly dieAt: number;
  constructor(units: number, dieAt: number) {
    this.units = units;
    this.dieAt = dieAt;
  }

  check(model: Readonly<ChannelModel>): boolean {
    const { aside, unit } = model.task("s.0");
    return unit === undefined && aside.length >= this.units;
  }

  run(model: ChannelModel, channel: Channel): void {
    const { died, labels } = channel.attempt(this.dieAt, () => channel.open("s.0").settle(this.units));
    if (times(labels, "committed") > 0) {
      const settled = model.task("s.0").aside.splice(0, this.units);
      for (const position of settled) put(model, "s.0", model.edges.ws, position, "done", times(labels, "applied") > 0);
    }
    if (died) die(model, channel, "s.0");
    checkAll(model, channel);
  }

  toString(): string {
    return `s.0 settles ${this.units}${dying(this.dieAt)}`;
  }
}

class Retain implements Command {
  check(model: Readonly<ChannelModel>): boolean {
    const { unit } = model.task("s.0");
    return unit !== undefined && !model.retained.has(unit);
  }

  run(model: ChannelModel, channel: Channel): void {
    const position = model.task("s.0").unit as number;
    const [input] = (channel.units.get("s.0") as Unit).inputs[0] as readonly [InputMessage];
    channel.kept.set(position, (input.payload as Tensor).retain());
    model.retained.add(position);
    checkAll(model, channel);
  }

  toString(): string {
    return "s.0 retains";
  }
}

class Release implements Command {
  check(model: Readonly<ChannelModel>): boolean {
    return model.task("s.0").status === "open" && model.retained.size > 0;
  }

  run(model: ChannelModel, channel: Channel): void {
    const [[position, tensor]] = channel.kept as Iterable<[number, Tensor]> as unknown as [[number, Tensor]];
    tensor.release();
    channel.kept.delete(position);
    model.retained.delete(position);
    if (position !== model.task("s.0").unit) expect(() => tensor.data).toThrow("MESSAGE_RELEASED");
    checkAll(model, channel);
  }

  toString(): string {
    return "s.0 releases";
  }
}

/** Between two steps. */
class Kill extends OfSome {
  can(_name: string, { status }: TaskModel): boolean {
    return status === "open";
  }

  act(model: ChannelModel, channel: Channel): void {
    die(model, channel, this.name);
  }

  override toString(): string {
    return `${this.name} is killed`;
  }
}

/** An orderly end: what it has in hand is given back. */
class Close extends OfSome {
  can(name: string, { status }: TaskModel, { retained }: Readonly<ChannelModel>): boolean {
    return status === "open" && (name !== "s.0" || retained.size === 0);
  }

  act(model: ChannelModel, channel: Channel): void {
    const { died } = channel.attempt(this.dieAt, () => channel.open(this.name).close());
    if (died) {
      model.offerPerhaps(this.name);
      die(model, channel, this.name);
    } else {
      model.recover(this.name);
      channel.forget(this.name);
    }
  }

  override toString(): string {
    return `${this.name} closes${dying(this.dieAt)}`;
  }
}

class Recover extends OfSome {
  can(_name: string, { status }: TaskModel): boolean {
    return status === "dead";
  }

  act(model: ChannelModel, channel: Channel): void {
    const [node, index] = this.name.split(".") as [string, string];
    const { died } = channel.attempt(this.dieAt, () => recoverTask(channel.dir, channel.plan, node, Number(index), { step: channel.step }));
    if (died) model.offerPerhaps(this.name);
    else model.recover(this.name);
  }

  override toString(): string {
    return `${this.name} is recovered${this.dieAt === 0 ? "" : `, by one that dies at step ${this.dieAt}`}`;
  }
}

/** Whoever sets the number may die on the way, and is followed by one that does it. */
class Scale implements Command {
  readonly replicas: number;
  readonly dieAt: number;
  constructor(replicas: number, dieAt: number) {
    this.replicas = replicas;
    this.dieAt = dieAt;
  }

  check(): boolean {
    return true;
  }

  run(model: ChannelModel, channel: Channel): void {
    const set = () => setTasks(channel.dir, channel.plan, "r", this.replicas, { step: channel.step });
    channel.attempt(this.dieAt, set);
    expect(set()).toBe(this.replicas);
    model.replicas = this.replicas;
    model.most = Math.max(model.most, this.replicas);
    checkAll(model, channel);
  }

  toString(): string {
    return `r gets ${this.replicas} replicas${dying(this.dieAt)}`;
  }
}

function dying(dieAt: number): string {
  return dieAt === 0 ? "" : `, dying at step ${dieAt}`;
}

const late = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 24 }) });
const soon = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) });
const choice = fc.nat(5);
const produce = late.map((at) => new Produce(at));
const take = fc.tuple(choice, soon).map(([one, at]) => new Take(one, at));
const commit = fc.tuple(choice, late, fc.nat(2)).map(([one, at, outputs]) => new Commit(one, at, outputs));
const recover = fc.tuple(choice, late).map(([one, at]) => new Recover(one, at));

/** Often what moves messages, so that short lists of commands get far. */
export const channelCommands: fc.Arbitrary<Command>[] = [
  ...[produce, produce, produce, take, take, take, take, commit, commit, commit, recover, recover, recover],
  soon.map((at) => new SetAside(at)),
  fc.tuple(fc.integer({ min: 1, max: 3 }), late).map(([units, at]) => new Settle(units, at)),
  fc.constant(new Retain()),
  fc.constant(new Release()),
  choice.map((one) => new Kill(one, 0)),
  fc.tuple(choice, soon).map(([one, at]) => new Close(one, at)),
  fc.tuple(fc.integer({ min: 1, max: REPLICAS }), soon).map(([replicas, at]) => new Scale(replicas, at)),
];

/** Recovers the dead, then lets everything run to its end: all that was written has arrived, and nothing is held. */
export function finish(model: ChannelModel, channel: Channel): void {
  for (const recovery = new Recover(0, 0); recovery.check(model); ) recovery.run(model, channel);
  for (const tensor of channel.kept.values()) tensor.release();
  const ended = new Set<string>();
  channel.open("w.0").end();
  const names = [...model.tasks.keys()].filter((name) => name !== "w.0");
  for (let rounds = 0; ended.size < names.length; rounds += 1) {
    expect(rounds).toBeLessThan(200);
    for (const name of names) if (!ended.has(name) && drain(model, channel, name)) ended.add(name);
  }
  const acknowledged = channel.stats.edges().map(({ produced, acknowledged }) => produced - acknowledged);
  expect([channel.stats.slotsInUse(), channel.stats.rest(), ledgerProblems(channel.stats.edges()), acknowledged]).toEqual([
    0,
    "free",
    [],
    [0, 0, 0],
  ]);
}

/** @returns whether the task has ended, or never was. */
function drain(model: ChannelModel, channel: Channel, name: string): boolean {
  if (name.startsWith("r") && Number(name.slice(2)) >= model.replicas && !channel.ports.has(name)) return true;
  const port = channel.open(name);
  if (channel.units.delete(name)) commitOutputs(port, name);
  for (let unit = port.take(); unit !== undefined; unit = port.take()) {
    if (unit.kind === "end") port.end();
    if (unit.kind === "retire") port.leave();
    if (unit.kind === "end" || unit.kind === "retire") return true;
    commitOutputs(port, name);
  }
  if (port.aside > 0) port.settle(port.aside);
  return false;
}

function commitOutputs(port: TaskPort, name: string): void {
  if (name.startsWith("r")) port.write({ traceId: "t", seq: 1, payload: "last" });
  port.commit();
}
