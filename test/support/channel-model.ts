/**
 * What a channel promises, in plain memory: w → r (1 to 3 replicas) → c, and w → s beside it. No cell, slot or commit word: only
 * which message is where, and how much may be under way.
 *
 * A task that died in or after the step that makes its commit count, and was not recovered yet, has done its work or not: such a
 * place has two states, and what the channel says must fit one of them.
 */

export type State = "empty" | "offered" | "taken" | "done";

interface Place {
  state: State;
  /** It may be further already, by a task that is dead. */
  or?: State;
  /** Who has taken it. */
  by?: string;
  /** Attempts that ended in a death. */
  attempts: number;
  /** Raised whenever its state is certain. */
  version: number;
}

export class EdgeModel {
  /** Positions that may be unfinished without added replicas; cells that there are. */
  readonly window: number;
  readonly cells: number;
  readonly #places = new Map<number, Place>();

  constructor(window: number, cells: number) {
    this.window = window;
    this.cells = cells;
  }

  at(position: number): Place {
    const place = this.#places.get(position) ?? { state: "empty", attempts: 0, version: 0 };
    this.#places.set(position, place);
    return place;
  }

  /** @param or if the one who set it is dead, and it may not have happened. */
  set(position: number, state: State, by?: string, isCertain = true): void {
    const place = this.at(position);
    if (isCertain) {
      place.state = state;
      place.version += 1;
      delete place.or;
    } else place.or = state;
    if (by !== undefined) place.by = by;
    if (state === "done") place.attempts = 0;
  }

  may(position: number, ...states: readonly State[]): boolean {
    const { state, or } = this.at(position);
    return states.includes(state) || (or !== undefined && states.includes(or));
  }

  must(position: number, ...states: readonly State[]): boolean {
    const { state, or } = this.at(position);
    return states.includes(state) && (or === undefined || states.includes(or));
  }

  takenBy(task: string): number[] {
    return [...this.#places].filter(([, { state, by }]) => state === "taken" && by === task).map(([position]) => position);
  }

  count(...states: readonly State[]): number {
    return [...this.#places.values()].filter(({ state }) => states.includes(state)).length;
  }
}

/** What a dead task has left uncertain, unless somebody saw it meanwhile: then the version is another. */
interface Left {
  readonly edge: EdgeModel;
  readonly position: number;
  readonly state: State;
  readonly version: number;
}

export interface TaskModel {
  status: "closed" | "open" | "dead";
  /** Position in hand. */
  unit: number | undefined;
  /** Positions to be acknowledged later, in order. */
  aside: number[];
}

const PLACES_PER_REPLICA = 5;
const SLOTS_PER_REPLICA = 2;
export const REPLICAS = 3;

export interface Sizes {
  readonly slots: Readonly<Record<"w" | "r", number>>;
  readonly edges: Readonly<Record<"wr" | "ws" | "rc", EdgeModel>>;
}

export class ChannelModel {
  readonly edges: Sizes["edges"];
  readonly tasks = new Map<string, TaskModel>();
  /** Messages that w has committed. */
  written = 0;
  /** By position: how many outputs r gave, and which of its tasks. */
  readonly outputs = new Map<number, { readonly count: number; readonly by: string }>();
  /** Positions of which s keeps the message. */
  readonly retained = new Set<number>();
  /** State of c: positions that it worked on. */
  state = 0;
  replicas = 1;
  most = 1;
  readonly #slots: Sizes["slots"];

  constructor({ slots, edges }: Sizes) {
    this.#slots = slots;
    this.edges = edges;
    for (const name of ["w.0", "c.0", "s.0", ...Array.from({ length: REPLICAS }, (_, i) => `r.${i}`)]) {
      this.tasks.set(name, { status: "closed", unit: undefined, aside: [] });
    }
  }

  task(name: string): TaskModel {
    return this.tasks.get(name) as TaskModel;
  }

  get someDead(): boolean {
    return [...this.tasks.values()].some(({ status }) => status === "dead");
  }

  inputOf(task: string): EdgeModel {
    return task.startsWith("r") ? this.edges.wr : task.startsWith("s") ? this.edges.ws : this.edges.rc;
  }

  get #added(): number {
    return this.most - 1;
  }

  /** Whether a position may, or must, have a place on an edge. */
  #isFree(edge: EdgeModel, position: number, sees: "may" | "must"): boolean {
    const window = Math.min(edge.cells, edge.window + PLACES_PER_REPLICA * this.#added);
    return [edge.cells, window].every((before) => position < before || edge[sees](position - before, "done"));
  }

  /** Slots of w that somebody may still read. */
  #heldByWriter(sees: "may" | "must"): number {
    const { wr, ws } = this.edges;
    const isFree = (position: number) => wr[sees](position, "done") && ws[sees](position, "done") && !this.retained.has(position);
    return Array.from({ length: this.written }, (_, position) => position).filter((position) => !isFree(position)).length;
  }

  #heldByReplica(name: string, sees: "may" | "must"): number {
    return [...this.outputs].reduce((sum, [position, { count, by }]) => {
      return by !== name || this.edges.rc[sees](position, "done") ? sum : sum + count;
    }, 0);
  }

  get slotsInUse(): number {
    const replicas = [...this.tasks.keys()].filter((name) => name.startsWith("r"));
    return this.#heldByWriter("must") + replicas.reduce((sum, name) => sum + this.#heldByReplica(name, "must"), 0);
  }

  /** Whether w may, or must, be able to write. */
  canWrite(sees: "may" | "must"): boolean {
    const { wr, ws } = this.edges;
    const nominal = this.#slots.w + SLOTS_PER_REPLICA * this.#added;
    const isFree = this.#isFree(wr, this.written, sees) && this.#isFree(ws, this.written, sees);
    return isFree && this.#heldByWriter(sees) < nominal;
  }

  #canGive(task: string, position: number, sees: "may" | "must"): boolean {
    if (!task.startsWith("r")) return true;
    const { rc } = this.edges;
    const grown = Math.max(this.#slots.r, Math.min(rc.cells, rc.window + PLACES_PER_REPLICA * this.#added));
    const nominal = this.#added === 0 ? this.#slots.r : grown;
    return this.#isFree(rc, position, sees) && this.#heldByReplica(task, sees) < nominal;
  }

  /** What take() may give: positions, or undefined for nothing. */
  takes(task: string): Set<number | undefined> {
    const edge = this.inputOf(task);
    const found = new Set<number | undefined>();
    for (let position = 0; ; position += 1) {
      if (edge.may(position, "offered")) {
        if (this.#canGive(task, position, "may")) found.add(position);
        if (!this.#canGive(task, position, "must")) found.add(undefined);
        if (edge.must(position, "offered")) return found;
      }
      if (edge.may(position, "empty")) found.add(undefined);
      if (edge.must(position, "empty")) return found;
    }
  }

  /** The position that c passes over next, because r gave nothing for it: none if there is no such one. */
  passes(task: string): number | undefined {
    if (task !== "c.0") return undefined;
    for (let position = 0; ; position += 1) {
      if (this.edges.rc.may(position, "offered")) return this.outputs.get(position)?.count === 0 ? position : undefined;
      if (this.edges.rc.must(position, "empty")) return undefined;
    }
  }

  /** Makes certain what the dead one had committed, and offers again what it had not. */
  recover(name: string): void {
    for (const { edge, position, state, version } of this.#limbo.get(name) ?? []) {
      if (edge.at(position).version === version) edge.set(position, state);
    }
    this.#limbo.delete(name);
    if (name !== "w.0") for (const position of this.inputOf(name).takenBy(name)) this.inputOf(name).set(position, "offered");
    if (name === "s.0") this.retained.clear();
    Object.assign(this.task(name), { status: "closed", unit: undefined, aside: [] });
  }

  readonly #limbo = new Map<string, Left[]>();

  /** What the commit of a dead task changed, or will have. */
  leaveBehind(name: string, edge: EdgeModel, position: number, state: State): void {
    edge.set(position, state, undefined, false);
    const { version } = edge.at(position);
    this.#limbo.set(name, [...(this.#limbo.get(name) ?? []), { edge, position, state, version }]);
  }

  /** The recovery died: what was in the hands of the dead may be offered again already. */
  offerPerhaps(name: string): void {
    if (name === "w.0") return;
    const edge = this.inputOf(name);
    for (const position of edge.takenBy(name)) if (edge.at(position).or === undefined) edge.set(position, "offered", undefined, false);
  }
}
