/**
 * What the process is doing with the flows that user code builds: run them, or only collect them.
 *
 * In a task's process a module is imported to find one node: `flow.run()` and `flow.join()` do nothing there, so a file
 * that runs its flow at top level never starts itself again. Kept on `globalThis`, because two copies of this package
 * may be loaded: the one of the command line and the one that the user's module imports.
 */
import type { Flow } from "./flow.js";

/** A run in progress. */
export interface FlowRun {
  /** Resolves when all tasks are placed and their processes start. @throws OperatorError DEVICE_UNAVAILABLE, FLOW_INVALID. */
  readonly admitted: Promise<void>;
  /** Resolves when the last consumer closed. @throws OperatorError FLOW_FAILED. */
  readonly finished: Promise<void>;
  /** Ends the producers and drains what is in flight. */
  stop(): Promise<void>;
}

/** Starts a flow; given by the process that is able to. */
export type FlowRunner = (flow: Flow) => FlowRun;

interface Session {
  mode: "run" | "collect";
  readonly flows: Flow[];
  runner?: FlowRunner;
}

const KEY = Symbol.for("videoflow.session");

/** The one session of this process. */
export function session(): Session {
  const holder = globalThis as { [KEY]?: Session };
  holder[KEY] ??= { mode: "run", flows: [] };
  return holder[KEY];
}
