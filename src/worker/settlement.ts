/** Acknowledges the inputs of a consumer when the consumer says that they are safe, not when it has taken them. */
import { OperatorError } from "../base/errors.js";
import type { ConsumerNode } from "../flow/node.js";
import type { TaskPort } from "../transport/port.js";
import type { Member } from "./members.js";
import type { TaskStates } from "./states.js";

/** The inputs that a consumer holds back. */
export class Settlement {
  readonly #port: TaskPort;
  readonly #states: TaskStates;
  readonly #member: Member;
  readonly #node: ConsumerNode<unknown[]>;
  /** Calls of consume() that returned. */
  #consumed = 0;
  #hasFlushed = false;
  /** Per unit set aside: the calls up to its end. */
  readonly #marks: number[] = [];

  constructor(port: TaskPort, states: TaskStates, member: Member) {
    this.#port = port;
    this.#states = states;
    this.#member = member;
    this.#node = member.node as ConsumerNode<unknown[]>;
  }

  /** Tells the node that all parents have ended, once, also if an earlier incarnation told its node already. */
  async flush(): Promise<void> {
    if (!this.#hasFlushed) await this.#node.flush?.();
    this.#hasFlushed = true;
  }

  /** consume() returned once more. */
  count(): void {
    this.#consumed += 1;
  }

  /** The unit in hand is done: it is put aside, and what is safe by now is acknowledged. @throws OperatorError HOLDS_EXCEEDED */
  async unitDone(): Promise<void> {
    this.#port.setAside();
    this.#marks.push(this.#consumed);
    const safe = this.#node.settled?.() ?? this.#consumed;
    const units = unitsUpTo(this.#marks, safe);
    if (units > 0) this.#port.settle(units, { state: await this.#states.take() });
    this.#marks.splice(0, units);
    const { descriptor, member } = this.#member;
    if (this.#marks.length > descriptor.holds) throw new OperatorError("HOLDS_EXCEEDED", { node: member.name, holds: descriptor.holds });
  }

  /** The task makes way: what can be made safe is acknowledged, the rest is offered to the next process. */
  async giveWay(): Promise<void> {
    await this.#node.makeSafe?.();
    const units = unitsUpTo(this.#marks, this.#node.settled?.() ?? this.#consumed);
    if (units > 0) this.#port.settle(units, { state: await this.#states.take() });
    this.#marks.splice(0, units);
  }

  /** All parents have ended: everything becomes safe and is acknowledged with the unit in hand. */
  async allDone(): Promise<void> {
    await this.flush();
    this.#port.commit({ state: await this.#states.take() });
    this.#marks.length = 0;
  }
}

function unitsUpTo(marks: readonly number[], safe: number): number {
  const first = marks.findIndex((mark) => mark > safe);
  return first < 0 ? marks.length : first;
}
