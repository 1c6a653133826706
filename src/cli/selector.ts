/** Label selectors as kubectl takes them: `app=a,tier!=b,env in (x, y),!old`. Pure. */
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
