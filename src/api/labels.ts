/** Labels and annotations as an API server takes them, so that a flow that an agent of one machine takes can be moved into a cluster. Pure. */
import { pathText } from "./path.js";
import { gotText, type Problem } from "./problem.js";
import { isRecord } from "./schema.js";

const MAX_NAME = 63;
const MAX_PREFIX = 253;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What an API server has against the labels and annotations of an object; that their values are texts is for others to check. */
export function labelProblems(metadata: unknown): Problem[] {
  if (!isRecord(metadata)) return [];
  return ["labels", "annotations"].flatMap((field) => {
    const table = metadata[field];
    if (!isRecord(table)) return [];
    return Object.entries(table).flatMap(([key, value]) => entryProblems(field, key, value));
  });
}

function entryProblems(field: string, key: string, value: unknown): Problem[] {
  const path = pathText(["metadata", field, key]);
  if (!isKey(key)) {
    const fix = "Use letters, digits, -, _ and . inside, such as team or example.com/team; at most 63 characters";
    return [{ path, problem: `must be the key of ${field === "labels" ? "a label" : "an annotation"}`, got: gotText(key), fix }];
  }
  if (field === "annotations" || typeof value !== "string" || value === "" || isName(value)) return [];
  const fix = "Use letters, digits, -, _ and . inside, at most 63 characters; other texts are for annotations";
  return [{ path, problem: "must be the value of a label", got: gotText(value), fix }];
}

/** `team`, `example.com/team` */
function isKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  return isName(key.slice(slash + 1)) && (prefix === undefined || (prefix.length <= MAX_PREFIX && PREFIX.test(prefix)));
}

function isName(text: string): boolean {
  return text.length <= MAX_NAME && NAME.test(text);
}
