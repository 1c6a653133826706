import { describe, expect, test } from "@jest/globals";
import type { NodeSpec } from "../../src/api/kinds.js";
import type { PythonProbe } from "../../src/cli/python.js";
import { pythonProblems } from "../../src/cli/python.js";
import type { LookUp } from "../../src/cli/resolve.js";
import { resolveComponent } from "../../src/flow/component-path.js";
import { formatPython, isPython, parsePython } from "../../src/flow/python-component.js";
import { componentFindings } from "../../src/flow/validate-components.js";

const aNode = (component: string, fields: object = {}) => ({ name: "n", role: "Processor", component, params: {}, ...fields }) as NodeSpec;
const findings = (component: string) => componentFindings(aNode(component), 0, () => undefined, ["Identity"]);

describe("a Python component", () => {
  test("names module and class, and once it is resolved its folder", () => {
    expect(parsePython("python:pkg.nodes:Mine")).toEqual({ folder: "", module: "pkg.nodes", className: "Mine" });
    expect(parsePython("python:/flows/a:b#nodes:Mine")).toEqual({ folder: "/flows/a:b", module: "nodes", className: "Mine" });
  });

  test.each(["python:nodes", "python::Mine", "python:a-b:Mine", "python:nodes:Mine:x", "python:./nodes.py:Mine", "nodes:Mine"])(
    "is not %s",
    (text) => {
      expect(parsePython(text)).toBeUndefined();
    },
  );

  test("comes back as it was written", () => {
    const written = ["python:nodes:Mine", "python:/flows#pkg.nodes:Mine"];
    expect(written.map((text) => formatPython(parsePython(text) as never))).toEqual(written);
  });

  test("is resolved against the folder of the flow file, once", () => {
    expect(resolveComponent("python:nodes:Mine", "/flows")).toBe("python:/flows#nodes:Mine");
    expect(resolveComponent("python:/flows#nodes:Mine", "/elsewhere")).toBe("python:/flows#nodes:Mine");
  });

  test("passes the rules of a spec; one that names no class is told its form", () => {
    expect(findings("python:nodes:Mine").problems).toEqual([]);
    expect(isPython("python:nodes")).toBe(true);
    expect(findings("python:nodes").problems).toMatchObject([
      { path: "spec.nodes[0].component", fix: "Write python:package.module:Class" },
    ]);
  });
});

test("options of Videoflow's constructors among the params are told the field of the node", () => {
  const params = { threshold: 1, nb_tasks: 4, device_type: "gpu" };
  const node = aNode("python:nodes:Mine", { params });
  expect(componentFindings(node, 0, () => undefined, []).warnings.map(({ path, fix }) => [path, fix])).toEqual([
    ["spec.nodes[0].params.nb_tasks", "Write nbTasks beside params"],
    ["spec.nodes[0].params.device_type", "Write deviceType beside params"],
  ]);
  expect(componentFindings({ ...node, component: "./nodes.ts#Mine" }, 0, () => undefined, []).warnings).toEqual([]);
});

describe("the module of a Python component", () => {
  const files = ["/flows/nodes.py", "/flows/pkg/deep/__init__.py", "/site/installed.py", "/own/mine.py"];
  const lookUp: LookUp = (path) => (files.includes(path) ? "file" : undefined);
  const python: PythonProbe = () => ({ program: "python3", path: ["/site"] });
  const problems = (module: string, fields: object = {}, probe = python) =>
    pythonProblems(aNode("", fields), `python:/flows#${module}:Mine`, "spec.nodes[0].component", lookUp, probe);

  test("is found in the folder of the flow, as a package, where the interpreter looks, and in the node's PYTHONPATH", () => {
    const env = [{ name: "PYTHONPATH", value: "/none:/own" }];
    expect([...problems("nodes"), ...problems("pkg.deep"), ...problems("installed"), ...problems("mine", { env })]).toEqual([]);
  });

  test("is missed with the place where it should be", () => {
    expect(problems("pkg.shallow")).toMatchObject([
      { problem: "there is no Python module pkg.shallow", fix: expect.stringContaining("pkg/shallow.py below /flows") },
    ]);
  });

  test("cannot be looked for without an interpreter, which is the problem then", () => {
    const probe: PythonProbe = () => ({ program: "python3", problem: "it is Python 3.6" });
    expect(problems("nodes", {}, probe)).toMatchObject([
      { problem: expect.stringContaining("it is Python 3.6"), fix: expect.stringContaining("3.8") },
    ]);
  });
});
