/** The built-in components that go to any folder may go to that of a flow's dead letters: the agent says where it is. Pure. */
import type { TaskMember } from "../api/kinds.js";
import { LETTERS_OF } from "../base/dead-letters.js";

const COMPONENTS: ReadonlySet<string> = new Set(["DeadLetterReader", "DeadLetterResults"]);
const FLOW = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Files of one folder: nothing that leads out of it. */
const LETTER = /^[A-Za-z0-9][-A-Za-z0-9._]*$/;

/** @returns the flow whose dead letters the component asks for by name; undefined if it asks for anything else. */
export function flowOfLetters({ component, params }: Pick<TaskMember, "component" | "params">): string | undefined {
  const { folder, letters } = params;
  if (!COMPONENTS.has(component) || typeof folder !== "string" || !folder.startsWith(LETTERS_OF)) return undefined;
  const flow = folder.slice(LETTERS_OF.length);
  const isHarmless = Array.isArray(letters) && letters.every((name) => typeof name === "string" && LETTER.test(name));
  return isHarmless && FLOW.test(flow) ? flow : undefined;
}
