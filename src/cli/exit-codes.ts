/** The exit codes of every command; docs/cli.md lists the same numbers. */
import { OperatorError } from "../base/errors.js";

export const EXIT = {
  /** The command did what it was asked to. */
  success: 0,
  /** The flow, or a check of `doctor`, failed. */
  failed: 1,
  /** Wrong command line, or a file that cannot be used as it is. */
  usage: 2,
  /** The host cannot give the flow the devices or the memory that it needs. */
  unavailable: 3,
  /** No agent and no cluster answers. */
  unreachable: 4,
  /** Ctrl-C: the flow was drained and ended. */
  interrupted: 130,
  /** A second Ctrl-C: the tasks were killed. */
  killed: 137,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The lines that `--help` prints. */
export const EXIT_CODE_HELP: readonly (readonly [ExitCode, string])[] = [
  [EXIT.success, "done"],
  [EXIT.failed, "the flow failed, an object is not there, a wait was over, or doctor found something that must be repaired"],
  [EXIT.usage, "wrong command line, or a flow file that cannot be used (nothing was started)"],
  [EXIT.unavailable, "the host cannot give the flow its devices or memory (nothing was started)"],
  [EXIT.unreachable, "no agent or cluster answers"],
  [EXIT.interrupted, "interrupted by Ctrl-C: what was in flight was finished"],
  [EXIT.killed, "interrupted twice: the tasks were killed"],
];

/** Errors that mean that the host lacks something now. */
const UNAVAILABLE = new Set<string>(["DEVICE_UNAVAILABLE", "MEMORY_UNAVAILABLE", "SHM_FULL"]);

/** Errors that mean that something ran and failed. */
const FAILED = new Set<string>(["FLOW_FAILED", "OBJECT_NOT_FOUND", "WAIT_TIMEOUT", "AGENT_END"]);

/** Errors that mean that nobody is there to talk to. */
const UNREACHABLE = new Set<string>(["AGENT_UNREACHABLE", "STORE_UNREACHABLE", "CLUSTER_UNKNOWN", "CLUSTER_UNREACHABLE"]);

/** @returns the exit code that belongs to an error: what was thrown before the flow ran is the user's to correct. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof OperatorError)) return EXIT.failed;
  if (UNAVAILABLE.has(error.code)) return EXIT.unavailable;
  if (UNREACHABLE.has(error.code)) return EXIT.unreachable;
  return FAILED.has(error.code) || error.retryable ? EXIT.failed : EXIT.usage;
}
