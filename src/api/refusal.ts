/** What a host has against a task before it starts it: agent and controller speak of it in the task's status. */
import type { FlowTask, TaskMember } from "./kinds.js";

/** Reasons of a refusal. Final: what the agent was started with must change, or the spec. Waits: it may come by itself. */
export const REFUSALS = {
  ComponentNotAllowed: "Final",
  PathNotAllowed: "Final",
  RootNotAllowed: "Final",
  SecretsUnavailable: "Final",
  FileMissing: "Waits",
  PathClosed: "Waits",
  SecretMissing: "Waits",
  SecretUnreadable: "Waits",
  ValueInvalid: "Waits",
} as const;

export type RefusalReason = keyof typeof REFUSALS;

export interface Refusal {
  readonly reason: RefusalReason;
  /** With host, node and path; never the content of a file or a Secret. */
  readonly message: string;
}

/** The refusal that a task's status tells of; undefined: none. */
export function refusalOf({ status }: FlowTask): Refusal | undefined {
  const { reason = "", message = "" } = status ?? {};
  return Object.hasOwn(REFUSALS, reason) ? { reason: reason as RefusalReason, message } : undefined;
}

/** A task as its process gets it: paths absolute, variables known. */
export interface SettledTask {
  readonly members: readonly TaskMember[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir?: string;
  /** Folder against which relative paths were resolved. */
  readonly root?: string;
  /** Values that the process is told, but that may be written nowhere; absent: there are none. */
  readonly values?: TaskValues;
}

/** What a process reads from its input, as JSON, if its launch file says that there is any. */
export interface TaskValues {
  readonly params: readonly { readonly member: string; readonly path: readonly (string | number)[]; readonly value: string }[];
  /** Texts that must not be shown: the values of params and of variables. */
  readonly hidden: readonly string[];
}

/** What a host lets tasks use, and what it reads for them. */
export interface TaskRules {
  /** @returns why the task may not start now; undefined: it may. A promise where something must be asked for. */
  refusal(task: FlowTask): Refusal | undefined | Promise<Refusal | undefined>;
  /** @throws RefusedError if it may not start after all. */
  settle(task: FlowTask): Promise<SettledTask>;
}

/** A task that may not start here now. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}
