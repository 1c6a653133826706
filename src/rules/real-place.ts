/** Where a path really leads, also if nothing is there yet. */
import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join, parse, resolve, sep } from "node:path";

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * The path with every symbolic link followed, dangling ones too: a file that is made there is made at the result.
 *
 * @returns undefined if links lead in a circle, or a folder on the way cannot be looked at.
 */
export function realPlace(path: string): string | undefined {
  let links = 0;
  let done = parse(resolve(path)).root;
  let left = resolve(path).split(sep).filter(Boolean);
  while (left.length > 0) {
    const [name, ...rest] = left as [string, ...string[]];
    const next = join(done, name);
    const target = linkAt(next);
    if (target === "unreadable") return undefined;
    if (target === undefined) {
      done = next;
      left = rest;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    left = [...resolve(done, target).split(sep).filter(Boolean), ...rest];
    done = parse(done).root;
  }
  return done;
}

/** Target of a link; undefined for what is none, or not there. */
function linkAt(path: string): string | "unreadable" | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOTDIR" ? undefined : "unreadable";
  }
}

/** Whether a real path is a real folder or lies below it. */
export function isBelow(path: string, folder: string): boolean {
  if (path === folder || folder === parse(folder).root) return true;
  return path.startsWith(`${folder}${sep}`);
}

/** The nearest thing above a path that can be seen. */
export function presentFolder(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (isThere(folder) || folder === dirname(folder)) return folder;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
