/** What a task does with the places that its spec names, for who must find out whether its user may. Pure. */
import { dirname } from "node:path";

/** enter: a folder is passed or worked in; make: files come and go in a folder. */
export type Purpose = "read" | "write" | "enter" | "make";

export interface PlaceUse {
  /** Absolute. */
  readonly path: string;
  readonly purpose: Purpose;
}

/** A question to the file system: may the user read (r), write (w) or pass (x) what lies there? */
export interface Access {
  readonly path: string;
  readonly mode: "r" | "w" | "x";
}

/** What must be open for a use, from the root of the file system on. */
export function accessesOf({ path, purpose }: PlaceUse): Access[] {
  const passed = foldersAbove(path).map((folder): Access => ({ path: folder, mode: "x" }));
  const own: readonly Access["mode"][] = { read: ["r"], write: ["w"], enter: ["x"], make: ["x", "w"] }[purpose] as Access["mode"][];
  return [...passed, ...own.map((mode): Access => ({ path, mode }))];
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}
