/**
 * Control groups of version 2, where this process may make some: each task gets one of its own, so that nothing it starts
 * can leave it. Knows the files of the kernel; must not know what a task is.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the group of this process lies in the tree of version 2; undefined without such a tree. */
export function ownGroup(mountinfo: string, memberships: string): string | undefined {
  const mount = mountinfo
    .split("\n")
    .find((line) => / - cgroup2 /.test(line))
    ?.split(" ");
  const path = /^0::(\/.*)$/m.exec(memberships)?.[1];
  const [root, at] = [mount?.[3], mount?.[4]];
  if (path === undefined || root === undefined || at === undefined) return undefined;
  return join(at, root === "/" ? path : path.replace(root, ""));
}

const PREFIX = "videoflow-";

/** A folder of groups that belongs to one keeper. */
export class TaskGroups {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * @param keeperId names the folder below the group of this process.
   * @returns undefined where the kernel offers no groups, no way to kill one, or no permission.
   */
  static open(keeperId: string): TaskGroups | undefined {
    try {
      const own = ownGroup(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync("/proc/self/cgroup", "utf8"));
      if (own === undefined) return undefined;
      const groups = new TaskGroups(join(own, PREFIX + keeperId));
      // What killed keepers left. A living one whose folder was empty makes it again when it needs it.
      for (const left of readdirSync(own).filter((entry) => entry.startsWith(PREFIX))) new TaskGroups(join(own, left)).close();
      mkdirSync(groups.#dir, { recursive: true });
      if (groups.#works()) return groups;
      groups.close();
    } catch {
      // No permission, or a kernel without them: the keeper does without.
    }
    return undefined;
  }

  /** A test group can be made and killed. Moving processes in needs the same rights as making it. */
  #works(): boolean {
    const probe = this.#path("probe");
    mkdirSync(probe);
    const works = existsSync(join(probe, "cgroup.kill"));
    rmdirSync(probe);
    return works;
  }

  /** Makes a group for one process and all that it will start. @returns the file by which it enters; undefined if the kernel refuses. */
  make(id: string): string | undefined {
    try {
      mkdirSync(this.#path(id), { recursive: true });
      return join(this.#path(id), "cgroup.procs");
    } catch {
      return undefined;
    }
  }

  /** Kills everything in the group at once. */
  kill(id: string): void {
    try {
      writeFileSync(join(this.#path(id), "cgroup.kill"), "1");
    } catch {
      // It has no group; its tree is killed process by process.
    }
  }

  /** @returns the pids in the group, none if there is no group. */
  members(id: string): number[] {
    try {
      return readFileSync(join(this.#path(id), "cgroup.procs"), "utf8")
        .split("\n")
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  }

  /** Removes an empty group. */
  leave(id: string): void {
    removeEmpty(this.#path(id));
  }

  /** Removes the folder and all empty groups in it. */
  close(): void {
    try {
      for (const entry of readdirSync(this.#dir, { withFileTypes: true }))
        if (entry.isDirectory()) removeEmpty(join(this.#dir, entry.name));
    } catch {
      return; // It is gone already.
    }
    removeEmpty(this.#dir);
  }

  #path(id: string): string {
    return join(this.#dir, id.replace(/[^A-Za-z0-9._-]/g, "_"));
  }
}

/** A group with processes in it cannot be removed: then it stays, and says that something lives. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not empty, or not there.
  }
}
