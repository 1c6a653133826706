/** Plain data: what JSON can carry. */
import { type PathSegment, pathText } from "./path.js";
import type { Problem } from "./problem.js";

const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;

/** @returns what JSON cannot carry: numbers that are not finite, functions, dates and other instances; and what is nested or repeated too deeply. */
export function findUnplain(value: unknown): Problem[] {
  const problems: Problem[] = [];
  let left = MAX_VALUES;
  const walk = (at: unknown, path: readonly PathSegment[]): void => {
    left -= 1;
    if (left < 0) return;
    const fault = unplain(at, path.length);
    if (fault !== undefined) problems.push({ path: pathText(path), ...fault });
    else if (Array.isArray(at)) for (const [index, item] of at.entries()) walk(item, [...path, index]);
    else if (typeof at === "object" && at !== null) for (const [key, child] of Object.entries(at)) walk(child, [...path, key]);
  };
  walk(value, []);
  if (left < 0)
    problems.push({ path: "", problem: `has more than ${MAX_VALUES} values`, fix: "Split the document, or put bulk data into a file" });
  return problems;
}

function unplain(value: unknown, depth: number): Pick<Problem, "problem" | "got" | "fix"> | undefined {
  if (depth > MAX_DEPTH) return { problem: `is nested more than ${MAX_DEPTH} deep`, fix: "Put it into a file and give its path" };
  if (typeof value === "number" && !Number.isFinite(value))
    return { problem: "must be a finite number", got: String(value), fix: "Leave the field out, or give a number" };
  if (["function", "symbol", "bigint"].includes(typeof value))
    return { problem: "must be plain data", got: `a ${typeof value}`, fix: "Give what JSON can carry" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined; // Of any realm.
  return { problem: "must be plain data", got: `a ${value.constructor?.name ?? "class"}`, fix: "Give what JSON can carry" };
}
