import { describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { locateProblems, type ParsedManifests, parseManifests } from "../../src/api/parse.js";
import { formatProblem } from "../../src/api/problem.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { Prng } from "../../src/base/prng.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { channelsOf } from "../../src/flow/channels.js";
import { graphOf } from "../../src/flow/graph.js";
import { validateSpec } from "../../src/flow/validate.js";
import { SAMPLES } from "../unit/flow-samples.js";

const SEED = Number(process.env["MUTATION_SEED"] ?? 1);
const COUNT = Number(process.env["MUTATION_COUNT"] ?? 10_000);

const TOWER = Array.from({ length: 80 }).reduce<unknown>((inner) => [inner], 1);
const WEIRD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  "",
  " ",
  "\t",
  "ünï-cödé ⚙️",
  "a".repeat(5000),
  "constructor",
  [],
  {},
  [null],
  { a: { b: {} } },
  TOWER,
  "reader",
  "detector",
  ["reader", "reader"],
  "GPU",
  "Consumer",
  300,
  "8Gi",
  "./x.ts#Y",
];
const KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "nbTask", "inputs", "params", "name", "a/b~c", "é", "", "0"];

type Container = unknown[] | Record<string, unknown>;

/** All objects and lists inside a value. */
function containers(value: unknown): Container[] {
  if (typeof value !== "object" || value === null) return [];
  return [value as Container, ...Object.values(value).flatMap(containers)];
}

const MUTATIONS: readonly ((container: Container, key: string, prng: Prng) => void)[] = [
  (container, key) => void Reflect.deleteProperty(container, key),
  (container, key, prng) => put(container, key, structuredClone(prng.pick(WEIRD))),
  (container, _, prng) => put(container, prng.pick(KEYS), structuredClone(prng.pick(WEIRD))),
  (container, key, prng) => put(container, prng.pick(Object.keys(container)), structuredClone(Reflect.get(container, key))),
  (container, key, prng) => {
    put(container, `${key}${prng.pick(["x", "s", "_"])}`, Reflect.get(container, key));
    Reflect.deleteProperty(container, key);
  },
  (container, key) => void (Array.isArray(container) && container.push(structuredClone(container[Number(key)]))),
];

function put(container: Container, key: string, value: unknown): void {
  Object.defineProperty(container, Array.isArray(container) && !/^\d+$/.test(key) ? "0" : key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function mutate(document: unknown, prng: Prng): unknown {
  const copy = structuredClone(document);
  for (let left = prng.range(1, 3); left > 0; left -= 1) {
    const places = containers(copy).filter((container) => Object.keys(container).length > 0);
    const container = prng.pick(places);
    prng.pick(MUTATIONS)(container, prng.pick(Object.keys(container)), prng);
  }
  return copy;
}

const CHARACTERS = ["\t", ":", "- ", "{", "]", "&a ", "*a", "\u0000", "\u2028", "'", '"', "|", "%", "---\n", "\n", "!!binary ", "é", "? "];

/** Damages the text itself. */
function damage(text: string, prng: Prng): string {
  const at = prng.range(0, text.length);
  return text.slice(0, at) + prng.pick(CHARACTERS) + text.slice(at + prng.range(0, 3));
}

/** Damaged text, mutated objects as text, and most of all mutated objects as they are: parsing takes most of the time. */
const WAYS: readonly ((text: string, value: unknown, prng: Prng) => ParsedManifests)[] = [
  (text, _, prng) => parseManifests(damage(text, prng), "mutated.yaml"),
  (_, value, prng) => parseManifests(stringify(mutate(value, prng), { aliasDuplicateObjects: false }), "mutated.yaml"),
  ...Array.from({ length: 6 }, () => (_: string, value: unknown, prng: Prng) => parsed(mutate(value, prng))),
];

function parsed(value: unknown): ParsedManifests {
  return { documents: [{ value, source: "mutated.yaml", positionOf: () => undefined }], problems: [] };
}

const outcomes = { refused: 0, accepted: 0 };

/** The whole way of a document: it ends in problems that can be printed, or in channels. */
function walk({ documents, problems }: ParsedManifests): void {
  const found = documents.flatMap((document) => {
    const { flow, problems: shape } = validateVideoFlow(document.value);
    const rules = flow === undefined ? [] : validateSpec(flow.spec, { describe: describeBuiltIn, builtIns: DESCRIPTORS.keys() }).problems;
    if (flow !== undefined && rules.length === 0) expectChannels(flow.spec);
    return locateProblems(document, [...shape, ...rules]);
  });
  const all = [...problems, ...found];
  expect(all.map(formatProblem).filter((line) => !/^mutated\.yaml:?.*: .*\. Fix: ./u.test(line))).toEqual([]);
  outcomes[all.length > 0 ? "refused" : "accepted"] += 1;
}

const describeBuiltIn = (component: string) => DESCRIPTORS.get(component);
function expectChannels(spec: Parameters<typeof graphOf>[0]): void {
  const graph = graphOf(spec, describeBuiltIn);
  expect(channelsOf(graph).map(({ node }) => node)).toEqual(graph.nodes.map(({ name }) => name));
  const text = JSON.stringify(spec);
  expect(JSON.stringify(JSON.parse(text))).toBe(text);
}

describe("mutated documents", () => {
  test(`${COUNT} of them are refused with problems or make a graph with channels (MUTATION_SEED=${SEED})`, () => {
    const originals = SAMPLES.map(([, text]) => ({ text, value: parseManifests(text, "sample").documents[0]?.value }));
    for (let index = 0; index < COUNT; index += 1) {
      const prng = new Prng(SEED + index);
      const { text, value } = prng.pick(originals);
      try {
        walk(prng.pick(WAYS)(text, value, prng));
      } catch (cause) {
        throw new Error(`MUTATION_SEED=${SEED + index} MUTATION_COUNT=1 fails`, { cause });
      }
    }
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.accepted).toBeGreaterThan(0);
  });
});
