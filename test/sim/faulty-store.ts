/** The store as one controller incarnation sees it: with conflicts, lost, late and repeated events, and its own death. */
import type { Kind, Kinds, NewResource } from "../../src/api/kinds.js";
import { OperatorError } from "../../src/base/errors.js";
import type { Prng } from "../../src/base/prng.js";
import type { ListOptions, ObjectKey, Store, Unwatch, WatchEvent } from "../../src/store/store.js";

/** How often things go wrong. Zeroes describe a perfect machine. */
export interface Faults {
  readonly conflict: number;
  readonly lostEvent: number;
  readonly repeatedEvent: number;
  readonly controllerCrash: number;
  /** A watch falls behind, until the next tick at least. */
  readonly lateEvent: number;
  readonly processCrash: number;
  readonly agentPause: number;
  /** Per host and second. */
  readonly agentCrash: number;
  readonly cutOff: number;
  readonly powerLoss: number;
  /** What was committed does not go into the other channels. */
  readonly carryOverRefused: number;
}
export const NO_FAULTS: Faults = {
  conflict: 0,
  lostEvent: 0,
  repeatedEvent: 0,
  controllerCrash: 0,
  lateEvent: 0,
  processCrash: 0,
  agentPause: 0,
  agentCrash: 0,
  cutOff: 0,
  powerLoss: 0,
  carryOverRefused: 0,
};

/** Swarm testing: each seed turns every fault off, or to some strength of its own. */
export function swarm(prng: Prng): Faults {
  const some = (max: number) => (prng.chance(0.4) ? 0 : prng.next() * max);
  return {
    conflict: some(0.2),
    lostEvent: some(0.5),
    repeatedEvent: some(0.5),
    controllerCrash: some(0.1),
    lateEvent: some(0.5),
    processCrash: some(0.03),
    agentPause: some(0.5),
    agentCrash: some(0.02),
    cutOff: some(0.02),
    powerLoss: some(0.01),
    carryOverRefused: some(1),
  };
}

export class FaultyStore implements Store {
  /** Its process is dead: nothing that it still tries has an effect. */
  dead = false;
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #faults: () => Faults;
  readonly #onWrite: (what: string) => void;
  /** Per watch: delivers what it owes. */
  readonly #late: (() => void)[] = [];

  constructor(store: Store, prng: Prng, faults: () => Faults, onWrite: (what: string) => void) {
    this.#store = store;
    this.#prng = prng;
    this.#faults = faults;
    this.#onWrite = onWrite;
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    this.#checkAlive();
    return this.#store.get(key);
  }

  async list<K extends Kind>(kind: K, options?: ListOptions): Promise<Kinds[K][]> {
    this.#checkAlive();
    return this.#store.list(kind, options);
  }

  create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]> {
    return this.#write(`create ${object.kind} ${object.metadata.name}`, () => this.#store.create(object));
  }

  update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return this.#write(`update ${object.kind} ${object.metadata.name}`, () => this.#store.update(object));
  }

  updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return this.#write(`status ${object.kind} ${object.metadata.name}`, () => this.#store.updateStatus(object));
  }

  delete(key: ObjectKey, options?: { readonly uid?: string }): Promise<void> {
    return this.#write(`delete ${key.kind} ${key.name}`, () => this.#store.delete(key, options));
  }

  watch<K extends Kind>(kind: K, onEvent: (event: WatchEvent<K>) => void, options?: ListOptions): Unwatch {
    const late: WatchEvent<K>[] = [];
    const deliverLate = () => {
      for (const event of late.splice(0)) onEvent(event);
    };
    this.#late.push(deliverLate);
    const deliver = (event: WatchEvent<K>) => {
      if (this.dead || this.#prng.chance(this.#faults().lostEvent)) return;
      const times = this.#prng.chance(this.#faults().repeatedEvent) ? 2 : 1;
      late.push(...Array<WatchEvent<K>>(times).fill(event));
      if (late.length === times && !this.#prng.chance(this.#faults().lateEvent)) deliverLate();
    };
    return this.#store.watch(kind, deliver, options);
  }

  /** Watches that fell behind catch up, by chance. */
  catchUp(): void {
    for (const deliver of this.#late) if (!this.#prng.chance(this.#faults().lateEvent)) deliver();
  }

  async close(): Promise<void> {}

  /** May die before or after any write. */
  async #write<T>(what: string, make: () => Promise<T>): Promise<T> {
    this.#checkAlive();
    const { conflict, controllerCrash } = this.#faults();
    if (this.#prng.chance(conflict)) throw new OperatorError("STORE_CONFLICT", { key: what });
    if (this.#prng.chance(controllerCrash / 2)) this.#die(`dies before ${what}`);
    const result = await make();
    this.#onWrite(what);
    if (this.#prng.chance(controllerCrash / 2)) this.#die(`dies after ${what}`);
    return result;
  }

  #die(how: string): never {
    this.dead = true;
    this.#onWrite(`controller ${how}`);
    throw new Error(`the controller ${how}`);
  }

  #checkAlive(): void {
    if (this.dead) throw new Error("this controller is dead");
  }
}
