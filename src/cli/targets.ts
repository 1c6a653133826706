/** Which objects the words of a command line mean: `vf`, `vf a b`, `vf/a ft/b`, `vf,ft`, `all`. Pure. */
import { nearest } from "../api/nearest.js";
import { RESOURCES, type ResourceInfo, resourceOf, resourcesIn } from "../api/resources.js";
import { OperatorError } from "../base/errors.js";

/** Objects of one kind; without names: all of them. */
export interface Target {
  readonly info: ResourceInfo;
  readonly names?: readonly string[];
}

/** @throws OperatorError KIND_UNKNOWN, COMMAND_INVALID */
export function parseTargets(words: readonly string[]): Target[] {
  if (words.length === 0) throw new OperatorError("COMMAND_INVALID", { problem: "a kind is missing, such as vf" });
  if (words.some((word) => word.includes("/"))) return together(words.map(slashTarget));
  const [kinds = "", ...names] = words;
  const infos = kinds.split(",").flatMap(infosOf);
  return infos.map((info) => (names.length === 0 ? { info } : { info, names }));
}

/** Names of one kind that follow each other are one target. */
function together(targets: readonly Target[]): Target[] {
  const groups: { readonly info: ResourceInfo; readonly names: string[] }[] = [];
  for (const { info, names = [] } of targets) {
    const last = groups.at(-1);
    if (last?.info === info) last.names.push(...names);
    else groups.push({ info, names: [...names] });
  }
  return groups;
}

/** `vf/a` alone. @throws OperatorError COMMAND_INVALID */
function slashTarget(word: string): Target {
  const [kind = "", name = "", ...rest] = word.split("/");
  const [info] = infosOf(kind);
  if (info === undefined || name === "" || rest.length > 0)
    throw new OperatorError("COMMAND_INVALID", { problem: `${word} is not KIND/NAME` });
  return { info, names: [name] };
}

function infosOf(word: string): readonly ResourceInfo[] {
  const info = resourceOf(word);
  if (info !== undefined) return [info];
  const many = resourcesIn(word);
  if (many.length > 0) return many;
  const words = RESOURCES.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
  throw new OperatorError("KIND_UNKNOWN", { word, nearest: nearest(word, words) ?? "" });
}

/** A task or tasks of a flow: `FLOW`, `FLOW/NODE`, `FLOW/NODE.INDEX`. */
export interface TaskWords {
  readonly flow: string;
  readonly node?: string;
  readonly index?: number;
}

/** @throws OperatorError COMMAND_INVALID */
export function parseTaskWords(word: string): TaskWords {
  const match = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)(?:[/.]([a-z0-9]([-a-z0-9]*[a-z0-9])?)(?:\.(\d+))?)?$/.exec(
    word.replace(/^(vf|videoflow|ft|flowtask)\//, ""),
  );
  if (match === null) throw new OperatorError("COMMAND_INVALID", { problem: `${word} is not FLOW, FLOW/NODE or FLOW/NODE.INDEX` });
  const [, flow = "", , node, , index] = match;
  return { flow, ...(node === undefined ? {} : { node }), ...(index === undefined ? {} : { index: Number(index) }) };
}
