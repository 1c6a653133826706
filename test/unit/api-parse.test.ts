import { describe, expect, test } from "@jest/globals";
import { locateProblems, MAX_MANIFEST_BYTES, parseManifests } from "../../src/api/parse.js";
import { formatProblem } from "../../src/api/problem.js";

describe("parseManifests", () => {
  test("reads several documents, YAML and JSON, and passes over empty ones", () => {
    const { documents, problems } = parseManifests('a: 1\n---\n---\n{"b": [2]}\n---\n# nothing\n', "f.yaml");
    expect(problems).toEqual([]);
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { b: [2] }]);
  });

  test("a syntax error has a line and a column, and the other documents are read", () => {
    const { documents, problems } = parseManifests("a: [1\n---\nb: 2\n", "f.yaml");
    expect(problems[0]).toMatchObject({ source: "f.yaml", line: expect.any(Number), column: expect.any(Number) });
    expect(documents.length).toBeLessThanOrEqual(1);
  });

  test("a tab is named", () => {
    const [problem] = parseManifests("a:\n\tb: 1\n", "f.yaml").problems;
    expect(problem).toMatchObject({ line: 2, problem: expect.stringMatching(/tab/i), fix: "Indent with spaces" });
  });

  test("a key that stands twice is refused where it stands", () => {
    expect(parseManifests("a: 1\nb: 2\na: 3\n", "f.yaml").problems).toEqual([
      expect.objectContaining({ line: 3, column: 1, problem: "the key a stands twice in one map" }),
    ]);
  });

  test.each([
    [
      "a bomb of aliases",
      `a: &a [x, x, x]\n${"bcdefghij"
        .split("")
        .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(", ")}]`)
        .join("\n")}\n`,
    ],
    ["an alias of itself", "a: &a [*a]\n"],
    ["ten thousand open brackets", "[".repeat(10_000)],
    ["a deep tower of lists", `${"- ".repeat(3000)}x`],
    ["a text beyond the limit", `a: ${"x".repeat(MAX_MANIFEST_BYTES)}`],
    ["more documents than the limit", "a: 1\n---\n".repeat(300)],
  ])("%s is refused and does not hang", (_, text) => {
    const { problems } = parseManifests(text, "f.yaml");
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.fix).not.toBe("");
  });

  test("a long map is fast although its keys are compared", () => {
    const text = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join("\n");
    expect(parseManifests(text, "f.yaml").documents).toHaveLength(1);
  });

  test("__proto__ is an ordinary key", () => {
    const [document] = parseManifests("__proto__: { polluted: true }\n", "f.yaml").documents;
    expect(Object.keys(document?.value as object)).toEqual(["__proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("positions", () => {
  const text = 'metadata: { name: f }\nspec:\n  nodes:\n    - name: a\n    - name: b\n      params: { "x/y": 1 }\n';
  const [document] = parseManifests(text, "f.yaml").documents;

  test.each([
    ["spec.nodes[1].name", 5, 7],
    ["spec.nodes[1]", 5, 7],
    ['spec.nodes[1].params["x/y"]', 6, 17],
    ["spec.nodes[1].missing", 5, 7],
    ["metadata.name", 1, 13],
    ["", 1, 1],
  ])("%s stands at %d:%d", (path, line, column) => {
    expect(document?.positionOf(path)).toEqual({ line, column });
  });

  test("problems are put in the order of the text", () => {
    const problems = ["spec.nodes[1]", "metadata"].map((path) => ({ path, problem: "p", fix: "f" }));
    expect(locateProblems(document as never, problems).map(({ line }) => line)).toEqual([1, 5]);
  });

  test("a problem is one line", () => {
    const problem = {
      source: "f.yaml",
      line: 2,
      column: 3,
      path: "spec.x",
      problem: "must be\nan integer",
      got: '"two"',
      fix: "Give an integer",
    };
    expect(formatProblem(problem)).toBe('f.yaml:2:3: spec.x: must be an integer (got "two"). Fix: Give an integer');
  });
});
