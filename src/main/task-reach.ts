/** Finds out, with a process of the user of the tasks, what of the machine's places is open to it: lists of access of all kinds count. */
import { execFile } from "node:child_process";
import type { TaskUser } from "../base/task-user.js";
import { dropTo, findSetpriv } from "../keeper/gate.js";
import type { Closed, Reach } from "../rules/host-rules.js";
import { type Access, accessesOf } from "../rules/place-use.js";

/** A file system of the network that does not answer holds up this one flow. */
const PATIENCE_MS = 20_000;
/** Arguments: mode and path, in turn. Prints how many are left with the first that is closed. */
const LOOK = `while [ $# -gt 0 ]; do
  case $1 in r) [ -r "$2" ] ;; w) [ -w "$2" ] ;; x) [ -x "$2" ] ;; esac || { echo $#; exit 0; }
  shift 2
done
echo 0`;

/** @param setpriv absent: the process gets the user by itself, without its further groups. */
export function taskReach(user: TaskUser, setpriv = findSetpriv()): Reach {
  return {
    who: `user ${user.name}`,
    closed: async (uses) => {
      const all = uses.flatMap((use, index) => accessesOf(use).map((at): Closed => ({ use: index, at })));
      return firstClosed(
        all,
        await lookAs(
          user,
          setpriv,
          all.map(({ at }) => at),
        ),
      );
    },
  };
}

function firstClosed(all: readonly Closed[], left: number): Closed | undefined {
  return left === 0 ? undefined : all[all.length - left / 2];
}

/** @returns how many arguments are left with the first that is closed; 0: none is. @throws Error if the process cannot look. */
function lookAs(user: TaskUser, setpriv: string | undefined, places: readonly Access[]): Promise<number> {
  const shell = ["/bin/sh", "-c", LOOK, "videoflow-look", ...places.flatMap(({ mode, path }) => [mode, path])];
  const [program, ...args] = setpriv === undefined ? shell : [...dropTo(user, setpriv), "--", ...shell];
  const drop = setpriv === undefined ? { uid: user.uid, gid: user.gid } : {};
  return new Promise((resolve, reject) => {
    execFile(program as string, args, { ...drop, cwd: "/", env: { PATH: "/usr/bin:/bin" }, timeout: PATIENCE_MS }, (error, stdout) => {
      if (error === null) resolve(Number(stdout));
      else reject(new Error(`it cannot be found out what is open to user ${user.name}: ${error.message}`, { cause: error }));
    });
  });
}
