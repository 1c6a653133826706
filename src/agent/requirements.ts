/** What stands between tasks and their start on this host: asked of the rules, remembered, asked again where it may change. */
import type { FlowTask } from "../api/kinds.js";
import { REFUSALS, type Refusal, type TaskRules } from "../api/refusal.js";
import { errorText } from "../base/errors.js";
import type { TaskRecord } from "./observed.js";
import { isFinal, LOOK_AGAIN_MS } from "./reconcile-task.js";

/** Met, refused, or not known yet. */
export type Requirement =
  | { readonly state: "met" }
  | { readonly state: "asking" }
  | { readonly state: "refused"; readonly refusal: Refusal };

interface Entry {
  readonly template: string;
  requirement: Requirement;
  /** When the answer is old. */
  againAtMs: number;
}

const ASKING: Requirement = { state: "asking" };
const MET: Requirement = { state: "met" };

export class Requirements {
  readonly #rules: TaskRules | undefined;
  readonly #changed: () => void;
  readonly #entries = new Map<string, Entry>();

  /** @param changed called when an answer came that was waited for. */
  constructor(rules: TaskRules | undefined, changed: () => void) {
    this.#rules = rules;
    this.#changed = changed;
  }

  /** By uid, of the tasks that have no process of their present template. */
  look(tasks: readonly FlowTask[], records: ReadonlyMap<string, TaskRecord>, nowMs: number): ReadonlyMap<string, Requirement> {
    const rules = this.#rules;
    if (rules === undefined) return new Map();
    const waiting = tasks.filter(
      (task) => !isFinal(task) && records.get(task.metadata.uid)?.process?.templateHash !== task.spec.templateHash,
    );
    const uids = new Set(waiting.map(({ metadata }) => metadata.uid));
    for (const uid of this.#entries.keys()) if (!uids.has(uid)) this.#entries.delete(uid);
    return new Map(waiting.map((task) => [task.metadata.uid, this.#requirementOf(task, rules, nowMs)]));
  }

  /** The rules refused what they had granted a moment ago. */
  refuse(task: FlowTask, refusal: Refusal, nowMs: number): void {
    const { uid } = task.metadata;
    this.#entries.set(uid, {
      template: task.spec.templateHash,
      requirement: { state: "refused", refusal },
      againAtMs: nowMs + LOOK_AGAIN_MS,
    });
  }

  #requirementOf(task: FlowTask, rules: TaskRules, nowMs: number): Requirement {
    const { uid } = task.metadata;
    const known = this.#entries.get(uid);
    if (known?.template === task.spec.templateHash && nowMs < known.againAtMs) return known.requirement;
    const before = known?.template === task.spec.templateHash ? known.requirement : ASKING;
    const entry: Entry = { template: task.spec.templateHash, requirement: before, againAtMs: Number.POSITIVE_INFINITY };
    this.#entries.set(uid, entry);
    this.#ask(entry, task, rules, nowMs);
    return entry.requirement;
  }

  #ask(entry: Entry, task: FlowTask, rules: TaskRules, nowMs: number): void {
    const answered = (refusal: Refusal | undefined) => {
      entry.requirement = refusal === undefined ? MET : { state: "refused", refusal };
      entry.againAtMs = nowMs + (refusal !== undefined && REFUSALS[refusal.reason] === "Final" ? Number.POSITIVE_INFINITY : LOOK_AGAIN_MS);
    };
    const failed = (error: unknown) => answered({ reason: "FileMissing", message: errorText(error) });
    try {
      const asked = rules.refusal(task);
      if (!(asked instanceof Promise)) return answered(asked);
      void asked.then(answered, failed).then(this.#changed);
    } catch (error) {
      failed(error);
    }
  }
}
