import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseAllDocuments, stringify } from "yaml";
import { parseManifests } from "../../src/api/parse.js";
import { checkDocument } from "../../src/cli/flow-file.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { KubeCluster, until } from "../support/kube.js";

let cluster: KubeCluster;
beforeAll(async () => {
  cluster = await KubeCluster.start();
});
afterAll(() => cluster?.stop());

type Draft = { readonly name: string; readonly role: string } & Readonly<Record<string, unknown>>;
const BY_ROLE: Readonly<Record<string, string>> = { Producer: "IntProducer", Processor: "Identity", Consumer: "VoidConsumer" };

function document(nodes: readonly Draft[], spec: object = {}): string {
  const full = nodes.map((node) => ({ component: BY_ROLE[node.role], ...node }));
  return stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "f" }, spec: { ...spec, nodes: full } });
}

const reader: Draft = { name: "reader", role: "Producer" };
const other: Draft = { name: "other", role: "Producer" };
const step = (name: string, inputs: string[], rest: object = {}): Draft => ({ name, role: "Processor", inputs, ...rest });
const sink = (...inputs: string[]): Draft => ({ name: "sink", role: "Consumer", inputs });
/** A join of two readers by time. */
const joined = (join: object, rest: object = {}) => [
  reader,
  other,
  step("j", ["reader", "other"], { join: { mode: "Time", ...join }, ...rest }),
  sink("j"),
];

type Case = readonly [what: string, nodes: readonly Draft[]];

/** What CEL can say, the server says, in the words of the validator. */
const REFUSED: readonly Case[] = [
  ["no producer", [step("a", ["b"]), step("b", ["a"]), sink("a")]],
  ["no consumer", [reader, step("a", ["reader"])]],
  ["a producer with inputs", [reader, { ...other, inputs: ["reader"] }, sink("other")]],
  ["a processor without inputs", [reader, step("a", []), sink("a")]],
  ["a consumer without inputs", [reader, sink()]],
  ["a node that reads itself", [reader, step("a", ["reader", "a"]), sink("a")]],
  ["an input named twice", [reader, sink("reader", "reader")]],
  ["a consumer as an input", [reader, sink("reader"), step("a", ["sink"])]],
  ["a replicated producer", [{ ...reader, nbTasks: 2 }, sink("reader")]],
  ["a replicated consumer", [reader, { ...sink("reader"), nbTasks: 2 }]],
  ["a producer on a GPU", [{ ...reader, deviceType: "GPU" }, sink("reader")]],
  ["a consumer with a device", [reader, { ...sink("reader"), device: { count: 2 } }]],
  ["a producer in a task group", [{ ...reader, taskGroup: "g" }, sink("reader")]],
  [
    "a replicated join without partitionBy",
    [reader, step("a", ["reader"]), step("j", ["reader", "a"], { nbTasks: 2, component: "./j.ts#J" }), sink("j")],
  ],
  ["a reserved variable", [reader, { ...sink("reader"), env: [{ name: "NODE_OPTIONS", value: "x" }] }]],
  ["a reserved prefix", [reader, { ...sink("reader"), env: [{ name: "CUDA_VISIBLE_DEVICES", value: "0" }] }]],
  ["a tolerance without mode Time", [reader, step("a", ["reader"], { join: { toleranceMs: 5 } }), sink("a")]],
  ["a join by time without tolerance", joined({})],
  ["a quorum that can never be", joined({ toleranceMs: 5, quorum: 3 })],
  ["a collected node that is no input", joined({ toleranceMs: 5, collect: ["nobody"] })],
  ["nothing but collected inputs", joined({ toleranceMs: 5, collect: ["reader", "other"] })],
  ["a replicated join by time", joined({ toleranceMs: 5 }, { nbTasks: 2 })],
  ["a join by time in a group", joined({ toleranceMs: 5 }, { taskGroup: "g" })],
];

describe("kubectl refuses in the words of videoflow validate", () => {
  test.each(REFUSED)("%s", async (_, nodes) => {
    const text = document(nodes);
    const [parsed] = parseManifests(text, "f.yaml").documents;
    const { problems } = checkDocument(parsed as NonNullable<typeof parsed>, "/", DESCRIPTORS, () => ({ kind: "file" }) as never);
    const { code, stderr } = await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], text);
    expect(code).toBe(1);
    const said = problems.filter(({ problem }) => stderr.includes(problem));
    expect({ said: said.length > 0, problems: problems.map(({ problem }) => problem), stderr }).toMatchObject({ said: true });
  });

  test.each([
    [
      "an unknown field",
      (text: string) => text.replace("role: Consumer", "role: Consumer\n      nbTask: 2"),
      /unknown field "spec\.nodes\[1\]\.nbTask"/,
    ],
    [
      "a wrong role",
      (text: string) => text.replace("role: Consumer", "role: Sink"),
      /Unsupported value: "Sink": supported values: "Producer"/,
    ],
    [
      "a wrong type",
      (text: string) => text.replace("role: Consumer", "role: Consumer\n      nbTasks: two"),
      /nbTasks.*must be of type integer/,
    ],
    ["a name twice", (text: string) => text.replace("name: sink", "name: reader"), /Duplicate value/],
  ])("%s", async (_, change, words) => {
    const { code, stderr } = await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], change(document([reader, sink("reader")])));
    expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
  });
});

describe("the server takes", () => {
  const samples = readdirSync("manifests/flows").filter((file) => file.endsWith(".yaml"));
  test.each(samples)("manifests/flows/%s", async (file) => {
    expect(await cluster.kubectlOk(["apply", "--dry-run=server", "-f", `manifests/flows/${file}`])).toMatch(/created/);
  });

  test("every flow in the documents", async () => {
    const blocks = documentBlocks();
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    for (const { file, text } of blocks) {
      const { code, stderr } = await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], text);
      expect([file, code, stderr]).toEqual([file, 0, expect.any(String)]);
    }
  });
});

/** The YAML blocks of the documents that are, or belong into, one of our kinds. */
function documentBlocks(): { file: string; text: string }[] {
  const files = ["README.md", ...readdirSync("docs", { recursive: true }).map((file) => `docs/${String(file)}`)].filter((file) =>
    file.endsWith(".md"),
  );
  return files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^ *```ya?ml\n([\s\S]*?)^ *```/gm)].flatMap(([, text = ""]) =>
      parseAllDocuments(text).flatMap((parsed) => {
        const value = parsed.toJS() as { kind?: string; apiVersion?: string; nodes?: unknown };
        if (value?.apiVersion?.startsWith("videoflow.io/")) return [{ file, text: stringify(value) }];
        if (!Array.isArray(value?.nodes)) return [];
        return [
          { file, text: stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "block" }, spec: value }) },
        ];
      }),
    ),
  );
}

describe("the API", () => {
  test("flowType cannot change", async () => {
    await cluster.kubectlOk(["apply", "-f", "-"], document([reader, sink("reader")]));
    const { code, stderr } = await cluster.kubectl(["patch", "vf", "f", "--type=merge", "-p", '{"spec":{"flowType":"Realtime"}}']);
    expect([code, stderr]).toEqual([1, expect.stringContaining("flowType is immutable: delete the flow and apply it again")]);
    await cluster.kubectlOk(["delete", "vf", "f"]);
  });

  test("two appliers own different nodes of one flow, and fields of one node", async () => {
    const apply = (manager: string, nodes: readonly object[]) =>
      cluster.kubectlOk(
        ["apply", "--server-side", "--field-manager", manager, "-f", "-"],
        stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "shared" }, spec: { nodes } }),
      );
    const a = step("a", ["reader"], { component: "Identity" });
    await apply("one", [{ ...reader, component: "IntProducer" }, a, { ...sink("a"), component: "VoidConsumer" }]);
    await apply("two", [{ name: "a", role: "Processor", component: "Identity", nbTasks: 3 }]);
    const flow = JSON.parse(await cluster.kubectlOk(["get", "vf", "shared", "-o", "json"]));
    expect(flow.spec.nodes.map(({ name, nbTasks }: { name: string; nbTasks: number }) => [name, nbTasks])).toEqual([
      ["reader", 1],
      ["a", 3],
      ["sink", 1],
    ]);
    await cluster.kubectlOk(["delete", "vf", "shared"]);
  });

  test("kubectl explain teaches a field", async () => {
    const seen = async () => (await cluster.kubectl(["explain", "vf.spec.nodes.device"])).stdout;
    await until(async () => (await seen()).includes("GPUs per task"), "the schema is published");
    expect(await seen()).toMatch(/FIELDS:[\s\S]*required\s+<boolean>[\s\S]*refused before any\s+process starts/);
  });

  test("short names, the category and the columns are there; flows can be selected by type", async () => {
    await cluster.kubectlOk(["apply", "-f", "-"], document([reader, sink("reader")]));
    expect(await cluster.kubectlOk(["get", "videoflow"])).toMatch(/f\b/);
    expect((await cluster.kubectlOk(["get", "vf"])).split("\n")[0]?.trim().split(/\s+/)).toEqual([
      "NAME",
      "TYPE",
      "READY",
      "STATE",
      "REASON",
      "AGE",
    ]);
    const wide = await cluster.kubectlOk(["get", "vf", "-o", "wide"]);
    expect(wide.split("\n")[0]).toMatch(/DEVICES +MESSAGE/);
    expect(await cluster.kubectlOk(["get", "vf", "--field-selector", "spec.flowType=Batch", "-o", "name"])).toMatch(/videoflow.*\/f/);
    expect(await cluster.kubectlOk(["get", "vf", "--field-selector", "spec.flowType=Realtime", "-o", "name"])).toBe("");
    for (const kind of ["vf", "ft", "vdc", "vhost"]) await cluster.kubectlOk(["get", kind]);
    const kinds = await cluster.kubectlOk(["api-resources", "--categories=videoflow-all", "-o", "name"]);
    expect(kinds.trim().split("\n").toSorted()).toEqual(
      ["deviceclaims", "flowtasks", "hostqueries", "hosts", "videoflows"].map((kind) => `${kind}.videoflow.io`),
    );
    await cluster.kubectlOk(["delete", "vf", "f"]);
  });

  test("the largest flow that the schema allows is taken within the server's budget for rules", async () => {
    const wide = Array.from({ length: 31 }, (_, index) => step(`s${index}`, ["reader"], { env: [{ name: "A", value: "b" }] }));
    const deep = Array.from({ length: 200 }, (_, index) => step(`d${index}`, [index === 0 ? "reader" : `d${index - 1}`]));
    const nodes = [reader, ...wide, ...deep, sink("d199", ...wide.map(({ name }) => name))];
    expect(await cluster.kubectlOk(["apply", "--dry-run=server", "-f", "-"], document(nodes))).toMatch(/created/);
  });
});
