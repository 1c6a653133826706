/** Ctrl-C: the first drains, the second kills. A closed terminal counts as Ctrl-C. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface InterruptActions {
  drain(): void;
  kill(): void;
}

/** Listens to this process's signals until {@link close}. */
export class Interrupts {
  readonly #listener: () => void;
  #count = 0;

  constructor(actions: InterruptActions) {
    this.#listener = () => {
      this.#count += 1;
      if (this.#count === 1) actions.drain();
      else actions.kill();
    };
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }
}
