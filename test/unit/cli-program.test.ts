import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { FlowSnapshot } from "../../src/api/snapshot.js";
import { OperatorError } from "../../src/base/errors.js";
import { runCommandLine } from "../../src/cli/program.js";
import type { Engine, RunResult, World } from "../../src/cli/world.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "videoflow-cli-"));
  writeFileSync(join(folder, "good.yaml"), manifest("good"));
  writeFileSync(join(folder, "two.yaml"), `${manifest("one")}---\n${manifest("two")}`);
  writeFileSync(join(folder, "bad.yaml"), manifest("bad").replace("nodes", "nodse"));
  writeFileSync(join(folder, "empty.yaml"), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = (name: string) => `apiVersion: videoflow.io/v1alpha1
kind: VideoFlow
metadata: { name: ${name} }
spec:
  nodes:
    - { name: numbers, role: Producer, component: IntProducer, params: { end: 3 } }
    - { name: sink, role: Consumer, component: VoidConsumer, inputs: [numbers] }
`;

const snapshot: FlowSnapshot = { flow: "good", state: "Succeeded", elapsedMs: 10, nodes: [], warnings: [], outputs: [] };

/** A world that records; every part of the engine that a test does not give fails. */
function aWorld(engine: Partial<Engine> = {}) {
  const printed = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({
    write: (text: string) => {
      printed[name] += text;
    },
    isTTY: false,
    columns: 80,
    rows: 24,
  });
  const unused = () => Promise.reject(new Error("not expected to be called"));
  const parts = {
    loadModule: unused,
    run: unused,
    agent: unused,
    controller: unused,
    connect: unused,
    explain: unused,
    devices: unused,
    inference: unused,
    media: unused,
    supervision: unused,
  };
  const world: World = {
    out: stream("out"),
    err: stream("err"),
    env: {},
    cwd: folder,
    version: "1.2.3",
    engine: { ...parts, descriptors: () => Promise.resolve(DESCRIPTORS), ...engine },
  };
  return { world, printed, call: (...args: string[]) => runCommandLine(args, world) };
}

const running = (result: Partial<RunResult>) =>
  aWorld({ run: () => Promise.resolve({ snapshot, reason: "Completed", message: "", ...result }) });

describe("the command line", () => {
  test("--version prints the version and --help teaches by examples and exit codes", async () => {
    const { call, printed } = aWorld();
    expect(await call("--version")).toBe(0);
    expect(printed.out).toBe("1.2.3\n");
    expect(await call("--help")).toBe(0);
    expect(printed.out).toMatch(/Examples:\n {2}videoflow run flow\.yaml[\s\S]*Exit codes:\n {2}0 /);
  });

  test.each([
    [["rnu", "x.yaml"], "Did you mean run?"],
    [["run", "x.yaml", "--device", "d"], "Did you mean --devices?"],
    [["run"], "missing required argument 'file'"],
  ])("%j exits with 2 and says %s", async (args, text) => {
    const { call, printed } = aWorld();
    expect(await call(...args)).toBe(2);
    expect(printed.err).toContain(text);
  });

  test("no command at all prints the help and exits with 2", async () => {
    const { call, printed } = aWorld();
    expect(await call()).toBe(2);
    expect(printed.err).toContain("Usage: videoflow");
  });
});

describe("validate", () => {
  test("says ok for a good file and names its flows", async () => {
    const { call, printed } = aWorld();
    expect(await call("validate", "good.yaml", "two.yaml")).toBe(0);
    expect(printed.out).toBe("good.yaml: ok (good, 2 nodes)\ntwo.yaml: ok (one, 2 nodes; two, 2 nodes)\n");
  });

  test("goes on after a bad file and exits with 2", async () => {
    const { call, printed } = aWorld();
    expect(await call("validate", "bad.yaml", "good.yaml")).toBe(2);
    expect(printed.err).toMatch(/^bad\.yaml:\d+:\d+: spec.*nodse.*Fix: /m);
    expect(printed.out).toContain("good.yaml: ok");
  });

  test.each([
    ["gone.yaml", "there is no such file"],
    [".", "this is a folder"],
    ["empty.yaml", "no flow|no document|empty"],
  ])("%s is a problem, not a crash", async (file, text) => {
    const { call, printed } = aWorld();
    expect(await call("validate", file)).toBe(2);
    expect(printed.err).toMatch(new RegExp(text));
  });
});

describe("run", () => {
  test.each([
    [{}, 0],
    [{ snapshot: { ...snapshot, state: "Failed" as const } }, 1],
    [{ interrupted: "drained" as const }, 130],
    [{ interrupted: "killed" as const }, 137],
  ])("a run that ends as %j exits with %d", async (result, code) => {
    expect(await running(result).call("run", "good.yaml", "--quiet")).toBe(code);
  });

  test("a bad file is refused with 2 before the engine is asked to run", async () => {
    const { call, printed } = aWorld();
    expect(await call("run", "bad.yaml")).toBe(2);
    expect(printed.err).toContain("FLOW_INVALID");
  });

  test("missing devices exit with 3", async () => {
    const refuse = () => Promise.reject(new OperatorError("DEVICE_UNAVAILABLE", { flow: "good", message: "no GPU" } as never));
    expect(await aWorld({ run: refuse }).call("run", "good.yaml")).toBe(3);
  });

  test("a file of several flows asks which one", async () => {
    const { call, printed } = running({});
    expect(await call("run", "two.yaml")).toBe(2);
    expect(printed.err).toContain("Choose one with --flow NAME");
    expect(await call("run", "two.yaml", "--flow", "two", "--json")).toBe(0);
    expect(JSON.parse(printed.out)).toMatchObject({ type: "result", reason: "Completed" });
  });

  test("a module is read by the engine and checked like any file", async () => {
    const value = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "m" }, spec: { nodes: [] } };
    const { call, printed } = aWorld({ loadModule: () => Promise.resolve([value]) });
    expect(await call("run", "flow.ts")).toBe(2);
    expect(printed.err).toContain("spec.nodes");
  });
});
