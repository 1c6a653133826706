/** What the control groups of this process leave it of the machine: the least over its own group and those above. Pure but for what it is given to read. */

/** Reads a file; "" if it is not there. */
type Read = (path: string) => string;

/**
 * Cores that the groups may use.
 *
 * @param memberships content of /proc/self/cgroup.
 * @returns Infinity without a quota.
 */
export function coresOfGroups(memberships: string, read: Read): number {
  const v2 = foldersOf(memberships, "").map((path) => coresIn(read(`${path}/cpu.max`)));
  const v1 = foldersOf(memberships, "cpu").map((path) =>
    coresIn(`${read(`${path}/cpu.cfs_quota_us`).trim()} ${read(`${path}/cpu.cfs_period_us`).trim()}`),
  );
  return Math.min(...v1, ...v2);
}

/** Bytes of memory that the groups may use. @param memberships as for {@link coresOfGroups}. @returns Infinity without a limit. */
export function memoryOfGroups(memberships: string, read: Read): number {
  const v2 = foldersOf(memberships, "").map((path) => bytesIn(read(`${path}/memory.max`)));
  const v1 = foldersOf(memberships, "memory").map((path) => bytesIn(read(`${path}/memory.limit_in_bytes`)));
  return Math.min(...v1, ...v2);
}

const MOUNT = "/sys/fs/cgroup";

/**
 * Folders of the group and of all above it, with the root: in a container the group is named as the machine names it, and its own
 * is what lies at the root.
 *
 * @param controller of version 1; "" for the one tree of version 2.
 */
function foldersOf(memberships: string, controller: string): string[] {
  const lines = memberships.split("\n").map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const own = lines.find((line) => (controller === "" ? line?.[1] === "0" : line?.[2]?.split(",").includes(controller)));
  const root = controller === "" ? MOUNT : `${MOUNT}/${controller}`;
  const parts = (own?.[3] ?? "/").split("/").filter(Boolean);
  return [root, ...parts.map((_, index) => `${root}/${parts.slice(0, index + 1).join("/")}`)];
}

/** "200000 100000" is 2 cores; "max 100000", "-1 100000" and "" are no quota. */
function coresIn(text: string): number {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0
    ? Math.max(1, Math.floor(quota / period))
    : Number.POSITIVE_INFINITY;
}

/** "max" and "" are no limit; version 1 says a number beyond all machines. */
function bytesIn(text: string): number {
  return /^\d+\s*$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}
