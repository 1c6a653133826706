/** The user as whom tasks run, where that is not the agent's own. Knows numbers and names; must not know who drops to them. */

/** What the kernel must know of a process's user. */
export interface UserNumbers {
  readonly uid: number;
  readonly gid: number;
  /** All groups beside the first: what lets a process open a GPU or a camera. */
  readonly groups: readonly number[];
}

export interface TaskUser extends UserNumbers {
  /** The number, if the user has no name. */
  readonly name: string;
  readonly home: string;
}
