import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { validateVideoFlow } from "../../src/api/validate.js";
import { type LookUp, resolvePaths } from "../../src/cli/resolve.js";
import type { FlowDocument } from "../../src/cli/world.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { resolveComponent } from "../../src/flow/component-path.js";

const FILES: Readonly<Record<string, "file" | "folder">> = {
  "/": "folder",
  "/flows": "folder",
  "/flows/clip.mp4": "file",
  "/flows/tracker.ts": "file",
  "/models/yolox.onnx": "file",
  "/models": "folder",
};
const lookUp: LookUp = (path) => FILES[path];

const describeBuiltIn = (component: string) => DESCRIPTORS.get(component);

function aFlow(...nodes: readonly object[]): FlowDocument {
  const value = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "f" }, spec: { nodes } };
  return validateVideoFlow(value).flow as FlowDocument;
}

const resolveAll = (flow: FlowDocument) => resolvePaths(flow, "/flows", describeBuiltIn, lookUp);
const reader = (path: string) => ({ name: "reader", role: "Producer", component: "VideoFileReader", params: { path } });

describe("paths of a flow", () => {
  test("input files, modules and the working directory become absolute, relative to the folder of the file", () => {
    const own = { name: "own", role: "Processor", component: "./tracker.ts#Own", inputs: ["reader"] };
    const { flow, problems } = resolveAll(aFlow(reader("clip.mp4"), own));
    expect(problems).toEqual([]);
    expect(flow.spec.nodes[0]).toMatchObject({ params: { path: "/flows/clip.mp4" }, workingDir: "/flows" });
    expect(flow.spec.nodes[1]?.component).toBe("/flows/tracker.ts#Own");
  });

  test("all that is missing is reported at once, each with its place and what was written", () => {
    const detector = { name: "d", role: "Processor", component: "OnnxObjectDetector", inputs: ["reader"], params: { model: "no.onnx" } };
    const own = { name: "own", role: "Consumer", component: "./gone.ts#Own", inputs: ["d"], workingDir: "nowhere" };
    const { problems } = resolveAll(aFlow(reader("no.mp4"), detector, own));
    expect(problems.map(({ path, problem, got }) => [path, problem, got])).toEqual([
      ["spec.nodes[0].params.path", "there is no file /flows/no.mp4", '"no.mp4"'],
      ["spec.nodes[1].params.model", "there is no file /flows/no.onnx", '"no.onnx"'],
      ["spec.nodes[2].component", "there is no file /flows/gone.ts", '"./gone.ts#Own"'],
      ["spec.nodes[2].workingDir", "there is no folder /flows/nowhere", '"nowhere"'],
    ]);
  });

  test("a file that is written is neither read nor written by another node", () => {
    const writer = (name: string, path: string) => ({
      name,
      role: "Consumer",
      component: "VideoFileWriter",
      inputs: ["reader"],
      params: { path },
    });
    const flow = aFlow(reader("clip.mp4"), writer("a", "../flows/clip.mp4"), writer("b", "out.mp4"), writer("c", "./out.mp4"));

    expect(resolveAll(flow).problems.map(({ path, problem }) => `${path}: ${problem}`)).toEqual([
      "spec.nodes[1].params.path: node reader reads the same file /flows/clip.mp4",
      "spec.nodes[3].params.path: node b writes the same file /flows/out.mp4",
    ]);
  });

  test("a class that its module does not export is found in the text of the module", () => {
    const module = resolve("test/fixtures/components/nodes.mjs");
    const own = (name: string) => ({ name: "own", role: "Consumer", component: `${module}#${name}`, inputs: ["reader"] });
    const check = (name: string) =>
      resolvePaths(aFlow(reader("clip.mp4"), own(name)), "/flows", describeBuiltIn, (path) => (path === module ? "file" : lookUp(path)));

    expect(check("Collector").problems).toEqual([]);
    expect(check("Colector").problems.map(({ problem }) => problem)).toEqual([`${module} exports no Colector`]);
  });

  test("each path of a list is resolved", () => {
    const images = { name: "images", role: "Producer", component: "ImageProducer", params: { paths: ["clip.mp4", "no.png"] } };
    const { flow, problems } = resolveAll(aFlow(images));
    expect(flow.spec.nodes[0]?.params).toEqual({ paths: ["/flows/clip.mp4", "/flows/no.png"] });
    expect(problems.map(({ path }) => path)).toEqual(["spec.nodes[0].params.paths[1]"]);
  });

  test("an address is no path, and params of an unknown component are left alone", () => {
    const detector = { name: "d", role: "Processor", component: "OnnxObjectDetector", params: { model: "https://example.org/m.onnx" } };
    const own = { name: "own", role: "Consumer", component: "./tracker.ts#Own", params: { path: "x" } };
    const { flow, problems } = resolveAll(aFlow(detector, own));
    expect(problems).toEqual([]);
    expect(flow.spec.nodes.map(({ params }) => params)).toEqual([{ model: "https://example.org/m.onnx" }, { path: "x" }]);
  });

  test.each([
    ["out/new/result.mp4", []],
    ["clip.mp4", []],
    ["/models", ["the file /models cannot be created"]],
    ["clip.mp4/result.mp4", ["the file /flows/clip.mp4/result.mp4 cannot be created"]],
  ])("the output %s gives the problems %j", (path, expected) => {
    const writer = { name: "w", role: "Consumer", component: "FileAppender", params: { path } };
    expect(resolveAll(aFlow(writer)).problems.map(({ problem }) => problem)).toEqual(expected);
  });
});

test.each([
  ["VideoFileReader", "VideoFileReader"],
  ["./a.ts#B", "/flows/a.ts#B"],
  ["../a.ts#B", "/a.ts#B"],
  ["/x/a.ts#B", "/x/a.ts#B"],
  ["a.ts#B", "/flows/a.ts#B"],
])("the component %s becomes %s", (component, expected) => {
  expect(resolveComponent(component, "/flows")).toBe(expected);
});
