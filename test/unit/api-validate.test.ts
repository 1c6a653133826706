import { describe, expect, test } from "@jest/globals";
import { nearest } from "../../src/api/nearest.js";
import { parsePath, pathText } from "../../src/api/path.js";
import { validateVideoFlow } from "../../src/api/validate.js";

const node = { name: "a", role: "Producer", component: "IntProducer" };
const flow = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "f" }, spec: { nodes: [node] } };
const withNode = (rest: object) => ({ ...flow, spec: { nodes: [{ ...node, ...rest }] } });
const withSpec = (rest: object) => ({ ...flow, spec: { ...flow.spec, ...rest } });
const withMetadata = (metadata: unknown) => ({ ...flow, metadata });

describe("validateVideoFlow", () => {
  test("fills every default and leaves the input as it is", () => {
    const given = structuredClone(flow);
    const { flow: read, problems } = validateVideoFlow(given);
    expect(problems).toEqual([]);
    expect(given).toEqual(flow);
    expect(read?.spec).toMatchObject({
      flowType: "Batch",
      desiredState: "Running",
      nodes: [{ params: {}, inputs: [], nbTasks: 1, oneTask: false, deviceType: "CPU", retries: 3, env: [] }],
    });
  });

  test("fills the defaults inside an object only if the object is there", () => {
    const { flow: read } = validateVideoFlow(withNode({ restart: { maxRestarts: 1 } }));
    expect(read?.spec.nodes[0]?.restart).toEqual({
      policy: "OnFailure",
      initialBackoffSeconds: 1,
      maxBackoffSeconds: 60,
      maxRestarts: 1,
      windowSeconds: 600,
    });
    expect(read?.spec.nodes[0]?.device).toBeUndefined();
  });

  test("accepts what a server printed, and drops what the server wrote", () => {
    const printed = {
      ...withMetadata({
        name: "f",
        uid: "1",
        generation: 2,
        resourceVersion: "3",
        managedFields: [],
        labels: { a: "b" },
        annotations: { "x.io/y_z": "any \n text" },
      }),
      status: { state: "Running" },
    };
    const { flow: read, problems } = validateVideoFlow(printed);
    expect(problems).toEqual([]);
    expect(read).not.toHaveProperty("status");
    expect(read?.metadata).toEqual({ name: "f", labels: { a: "b" }, annotations: { "x.io/y_z": "any \n text" } });
  });

  test.each<readonly [string, unknown, string, RegExp, RegExp]>([
    ["a text", "flow", "", /must be an object/, /Give an object/],
    [
      "another version",
      { ...flow, apiVersion: "videoflow.io/v1" },
      "apiVersion",
      /one of videoflow.io\/v1alpha1/,
      /Did you mean videoflow.io\/v1alpha1\?/,
    ],
    ["another kind", { ...flow, kind: "Videoflow" }, "kind", /one of VideoFlow/, /Did you mean VideoFlow\?/],
    ["no name", withMetadata({}), "metadata.name", /is missing/, /Add name: a string/],
    ["a name with capitals", withMetadata({ name: "My_Flow" }), "metadata.name", /DNS label/, /lower-case/],
    ["a long name", withMetadata({ name: "a".repeat(64) }), "metadata.name", /too long/, /at most 63/],
    [
      "a label that is no text",
      withMetadata({ name: "f", labels: { a: 1 } }),
      "metadata.labels.a",
      /must be a string/,
      /Write "1" with quotes/,
    ],
    [
      "a label that no server takes",
      withMetadata({ name: "f", labels: { a: "x y" } }),
      "metadata.labels.a",
      /value of a label/,
      /annotations/,
    ],
    [
      "a key of a label with blanks",
      withMetadata({ name: "f", labels: { "a b": "x" } }),
      'metadata.labels["a b"]',
      /key of a label/,
      /team/,
    ],
    [
      "a key with a wrong prefix",
      withMetadata({ name: "f", annotations: { "A_/b": "x" } }),
      'metadata.annotations["A_/b"]',
      /annotation/,
      /team/,
    ],
    ["an unknown field of the metadata", withMetadata({ name: "f", label: {} }), "metadata.label", /unknown field/, /labels/],
    ["no nodes", withSpec({ nodes: [] }), "spec.nodes", /too few/, /at least 1/],
    ["null", withSpec({ nodes: null }), "spec.nodes", /must be a list/, /remove the field/],
    ["a value in the wrong case", withSpec({ flowType: "batch" }), "spec.flowType", /one of Batch, Realtime/, /Did you mean Batch\?/],
    ["an unknown field", withNode({ nb_tasks: 2 }), "spec.nodes[0].nb_tasks", /unknown field nb_tasks/, /Did you mean nbTasks\?/],
    ["a number in quotes", withNode({ nbTasks: "2" }), "spec.nodes[0].nbTasks", /must be an integer/, /Write 2 without quotes/],
    ["a number below the least", withNode({ nbTasks: 0 }), "spec.nodes[0].nbTasks", /at least 1/, /1 or more/],
    ["a fraction", withNode({ nbTasks: 1.5 }), "spec.nodes[0].nbTasks", /must be an integer/, /Give an integer/],
    ["one input without a list", withNode({ inputs: "b" }), "spec.nodes[0].inputs", /must be a list/, /Write \[b\]/],
    ["a bad quantity", withNode({ device: { memory: "8 gigs" } }), "spec.nodes[0].device.memory", /quantity/, /8Gi/],
    [
      "an unknown field deep inside",
      withNode({ restart: { maxRestart: 2 } }),
      "spec.nodes[0].restart.maxRestart",
      /unknown field/,
      /maxRestarts/,
    ],
    [
      "a role that is missing",
      withSpec({ nodes: [{ name: "a", component: "X" }] }),
      "spec.nodes[0].role",
      /is missing/,
      /one of Producer, Processor, Consumer/,
    ],
    ["a param that JSON cannot carry", withNode({ params: { x: Number.NaN } }), "spec.nodes[0].params.x", /finite/, /number/],
    ["a param that is a function", withNode({ params: { f: () => 1 } }), "spec.nodes[0].params.f", /plain data/, /JSON/],
    [
      "__proto__ as a field",
      { ...flow, spec: JSON.parse('{"nodes":[{"name":"a","role":"Producer","component":"X","__proto__":{}}]}') },
      "spec.nodes[0].__proto__",
      /unknown field/,
      /Remove it/,
    ],
  ])("refuses %s", (_, value, path, problem, fix) => {
    const { flow: read, problems } = validateVideoFlow(value);
    expect(read).toBeUndefined();
    expect(problems).toContainEqual(
      expect.objectContaining({ path, problem: expect.stringMatching(problem), fix: expect.stringMatching(fix) }),
    );
  });

  test("reports all problems at once", () => {
    expect(
      validateVideoFlow({ kind: "x", metadata: { name: "A" }, spec: { flowType: "b", nodes: [{}] } })
        .problems.map(({ path }) => path)
        .toSorted(),
    ).toEqual([
      "apiVersion",
      "kind",
      "metadata.name",
      "spec.flowType",
      "spec.nodes[0].component",
      "spec.nodes[0].name",
      "spec.nodes[0].role",
    ]);
  });
});

describe("nearest", () => {
  test.each([
    ["nb_tasks", "nbTasks"],
    ["Inptus", "inputs"],
    ["batch", undefined],
  ])("%s is nearest to %s", (word, expected) => {
    expect(nearest(word, ["nbTasks", "inputs", "role"])).toBe(expected);
  });
});

describe("paths", () => {
  test.each(["spec.nodes[2].nbTasks", 'metadata.labels["app/name"]', "", 'a["b\\"]"][0]'])("%s is read as it is written", (path) => {
    expect(pathText(parsePath(path))).toBe(path);
  });
});
