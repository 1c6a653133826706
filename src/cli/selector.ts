/** Selectors as kubectl takes them: of labels `app=a,tier!=b,env in (x, y),!old`; of fields `status.phase!=Running`. Pure. */
import type { AnyResource } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";

/** Whether an object is selected. */
export type Selector = (object: Pick<AnyResource, "metadata">) => boolean;

const LABEL = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const SET = new RegExp(`^(${LABEL})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUAL = new RegExp(`^(${LABEL})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const PRESENT = new RegExp(`^(!?)\\s*(${LABEL})$`);

/** @throws OperatorError SELECTOR_INVALID */
export function parseSelector(text: string | undefined): Selector {
  if (text === undefined || text.trim() === "") return () => true;
  const requirements = text.split(/,(?![^(]*\))/).map((part) => requirement(part.trim()));
  return ({ metadata }) => requirements.every((isMet) => isMet(metadata.labels ?? {}));
}

function requirement(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const equal = EQUAL.exec(text);
  if (equal !== null) {
    const [, key = "", operator, value = ""] = equal;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "\0") === (operator === "in");
  }
  const present = PRESENT.exec(text);
  if (present === null) throw new OperatorError("SELECTOR_INVALID", { text });
  const [, not, key = ""] = present;
  return (labels) => Object.hasOwn(labels, key) === (not === "");
}

const FIELD = /^([A-Za-z][\w.-]*)\s*(==|=|!=)\s*(.*)$/;

/** Any field of the object may be named; one that is not there is empty. @throws OperatorError SELECTOR_INVALID */
export function parseFieldSelector(text: string | undefined): (object: AnyResource) => boolean {
  if (text === undefined || text.trim() === "") return () => true;
  const requirements = text.split(",").map((part) => {
    const [, path = "", operator, value] = FIELD.exec(part.trim()) ?? [];
    if (operator === undefined) throw new OperatorError("SELECTOR_INVALID", { text: part.trim() });
    return (object: AnyResource) => (fieldText(object, path) === value) === (operator !== "!=");
  });
  return (object) => requirements.every((isMet) => isMet(object));
}

function fieldText(object: AnyResource, path: string): string {
  const value = path.split(".").reduce<unknown>((inner, name) => {
    const isThere = typeof inner === "object" && inner !== null && Object.hasOwn(inner, name);
    return isThere ? (inner as Readonly<Record<string, unknown>>)[name] : undefined;
  }, object);
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
