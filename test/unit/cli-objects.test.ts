import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import { type AgentWorld, anAgentWorld } from "../support/agent-world.js";
import { eventually } from "../support/flow-process.js";

let world: AgentWorld;
beforeEach(async () => {
  world = await anAgentWorld({});
});
afterEach(() => world.close());

const manifest = (name: string, end = 3, extra = "") => `apiVersion: videoflow.io/v1alpha1
kind: VideoFlow
metadata: { name: ${name}, labels: { team: "${name}-team" } }
spec:
${extra}  nodes:
    - { name: numbers, role: Producer, component: IntProducer, params: { end: ${end} } }
    - { name: sink, role: Consumer, component: FileAppender, inputs: [numbers], params: { path: out/${name}.txt } }
`;

function write(name: string, text: string): string {
  const path = join(world.folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function stored(name: string): Promise<VideoFlow> {
  const flow = await world.store.get({ kind: "VideoFlow", namespace: "default", name });
  if (flow === undefined) throw new Error(`${name} is not stored`);
  return flow;
}

describe("apply", () => {
  test("creates, leaves and changes flows, and shows the paths that it made absolute", async () => {
    write("flows/f.yaml", manifest("f"));
    const first = await world.run("apply -f flows/f.yaml");
    const second = await world.run("apply -f flows/f.yaml");
    write("flows/f.yaml", manifest("f", 4));
    const third = await world.run("apply -f flows/f.yaml");

    const path = join(world.folder, "flows/out/f.txt");
    expect(first).toEqual({
      code: 0,
      err: "",
      out: `videoflow.videoflow.io/f created\n  spec.nodes[1].params.path: out/f.txt -> ${path}\n`,
    });
    expect(second.out).toContain("f unchanged\n");
    expect(third.out).toContain("f configured\n");
    const { metadata, spec } = await stored("f");
    expect([metadata.generation, spec.nodes[0]?.params["end"], spec.nodes[1]?.params["path"]]).toEqual([2, 4, path]);
  });

  test("takes folders, several documents, standard input, and what get printed", async () => {
    write("all/a.yaml", manifest("a"));
    const nodes = [
      { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
      { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["numbers"] },
    ];
    write(
      "all/b.json",
      JSON.stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "b" }, spec: { nodes } }),
    );
    write("all/c.yml", `${manifest("c")}---\n${manifest("d")}`);
    write("all/readme.txt", "no manifest");
    const folder = await world.run("apply -f all");
    const input = await world.run("apply -f -", manifest("e"));
    const printed = await world.run("get vf -o yaml");
    const again = await world.run("apply -f -", printed.out);

    expect([folder.code, input.code, again.code]).toEqual([0, 0, 0]);
    expect(folder.out.match(/created/g)).toHaveLength(4);
    expect(again.out.match(/unchanged/g)).toHaveLength(5);
  });

  test("lists all problems of all files, and writes nothing then", async () => {
    write("good.yaml", manifest("good"));
    write("bad.yaml", manifest("bad").replace("IntProducer", "IntProduser").replace("inputs: [numbers]", "inputs: [nmbers]"));
    write("worse.yaml", manifest("worse").replace("nodes:", "nodse:"));
    const { code, err, out } = await world.run(["apply", "-f", "good.yaml", "-f", "bad.yaml", "-f", "worse.yaml"]);

    expect([code, out]).toEqual([2, ""]);
    for (const found of ["IntProduser", "nmbers", "nodse"]) expect(err).toContain(found);
    expect(await world.store.list("VideoFlow")).toEqual([]);
  });

  test("says what it would do with --dry-run and does nothing", async () => {
    write("f.yaml", manifest("f"));
    const { out } = await world.run("apply -f f.yaml --dry-run");
    expect(out).toContain("f created (dry run)\n");
    expect(await world.store.list("VideoFlow")).toEqual([]);
  });

  test("keeps what commands changed, unless the file says it", async () => {
    write("f.yaml", manifest("f"));
    await world.run("apply -f f.yaml");
    const flow = await stored("f");
    await world.store.update<"VideoFlow">({ ...flow, spec: { ...flow.spec, desiredState: "Paused" } });
    write("f.yaml", manifest("f", 9));
    await world.run("apply -f f.yaml");
    const kept = await stored("f");
    write("f.yaml", manifest("f", 9, "  desiredState: Running\n"));
    await world.run("apply -f f.yaml");

    expect([kept.spec.desiredState, kept.spec.nodes[0]?.params["end"]]).toEqual(["Paused", 9]);
    expect((await stored("f")).spec.desiredState).toBe("Running");
  });

  test("tries again when another write was quicker", async () => {
    write("f.yaml", manifest("f"));
    await world.run("apply -f f.yaml");
    write("f.yaml", manifest("f", 7));
    const get = world.store.get.bind(world.store);
    let disturbed = 0;
    Object.defineProperty(world.store, "get", {
      value: async (key: Parameters<typeof get>[0]) => {
        const flow = (await get(key)) as VideoFlow | undefined;
        if (flow !== undefined && disturbed < 3) {
          disturbed += 1;
          await world.store.update<"VideoFlow">({ ...flow, metadata: { ...flow.metadata, labels: { step: String(disturbed) } } });
        }
        return flow;
      },
    });
    const { code, out } = await world.run("apply -f f.yaml");
    expect([code, out.split("\n")[0], (await stored("f")).spec.nodes[0]?.params["end"]]).toEqual([
      0,
      "videoflow.videoflow.io/f configured",
      7,
    ]);
  });
});

describe("get", () => {
  beforeEach(async () => {
    for (const name of ["a", "b"]) write(`${name}.yaml`, manifest(name));
    await world.run(["apply", "-f", "a.yaml", "-f", "b.yaml"]);
    const flow = await stored("a");
    const message = "evil \x1b[31mred\x1b[0m \u202etxt\nsecond line";
    await world.store.updateStatus<"VideoFlow">({ ...flow, status: { state: "Running", reason: "TasksReady", ready: "2/2", message } });
  });

  test("prints the columns of the CRD", async () => {
    const { out } = await world.run("get vf");
    const [title, a, b] = out.trimEnd().split("\n");
    expect(title?.split(/ {2,}/)).toEqual(["NAME", "TYPE", "READY", "STATE", "REASON", "AGE"]);
    expect(a).toMatch(/^a {5}Batch {2}2\/2 {4}Running {2}TasksReady {2}\d+s$/);
    expect(b).toMatch(/^b {5}Batch .* \d+s$/);
  });

  test("lets no control character through, in any format", async () => {
    for (const format of ["wide", "yaml", "json", "jsonpath={.items[*].status.message}", "custom-columns=M:.status.message"]) {
      const { out } = await world.run(["get", "vf", "-o", format]);
      expect(out).not.toMatch(/(?![\t\n])\p{Cc}|\u202e/u);
      expect(out).toContain("evil");
    }
    expect((await world.run("get vf -o wide")).out).toContain("evil \\x1b[31mred\\x1b[0m \\u202etxt second line");
    const json = JSON.parse((await world.run("get vf/a -o json")).out) as VideoFlow;
    expect(json.status?.message).toBe("evil \x1b[31mred\x1b[0m \u202etxt\nsecond line");
  });

  test.each([
    ["get vf -o name", "videoflow.videoflow.io/a\nvideoflow.videoflow.io/b\n"],
    ["get videoflows/a -o jsonpath={.status.state}", "Running"],
    ["get vf -o jsonpath={.items[*].metadata.name}", "a b"],
    ['get vf -o jsonpath={range_.items[*]}{.metadata.name}={.status.ready}{"\\n"}{end}', "a=2/2\nb=\n"],
    ['get vf -o jsonpath={.items[?(@.status.ready=="2/2")].metadata.name}', "a"],
    ["get vf a -o jsonpath={.metadata.labels.team}", "a-team"],
    [
      "get vf -o custom-columns=NAME:.metadata.name,state:{.status.state},NONE:status.nothing",
      "NAME  state    NONE\na     Running  <none>\nb     <none>   <none>\n",
    ],
    ["get vf -o custom-columns=N:.metadata.name --sort-by=.metadata.labels.team --no-headers -l team=b-team", "b\n"],
    ["get vf -l team=b-team -o name", "videoflow.videoflow.io/b\n"],
    ["get vf -l team!=b-team -o name", "videoflow.videoflow.io/a\n"],
    ["get VideoFlow b a -o name", "videoflow.videoflow.io/b\nvideoflow.videoflow.io/a\n"],
    ["get vf -o=name -l=team=b-team --watch=false", "videoflow.videoflow.io/b\n"],
    ["get vf nobody --ignore-not-found=true", ""],
    ["get vf --field-selector status.state=Running -o name", "videoflow.videoflow.io/a\n"],
    ["get vf --field-selector=status.state!=Running,metadata.name==b -o name", "videoflow.videoflow.io/b\n"],
    ["get vf --sort-by={.status.state} -o name", "videoflow.videoflow.io/b\nvideoflow.videoflow.io/a\n"],
    ["get vf --sort-by .status.nothing -o name", "videoflow.videoflow.io/a\nvideoflow.videoflow.io/b\n"],
  ])("%s", async (line, expected) => {
    const { code, out } = await world.run(line.split(" ").map((word) => word.replace("range_", "range ")));
    expect([code, out]).toEqual([0, expected]);
  });

  test("prints names of one kind as one table, kinds as several, and labels that are asked for", async () => {
    const { out } = await world.run("get vf/a vf/b --show-labels");
    const [title, a, b, ...more] = out.trimEnd().split("\n");
    expect([title?.split(/ {2,}/).at(-1), a?.split(/ {2,}/).at(-1), b?.split(/ {2,}/).at(-1), more]).toEqual([
      "LABELS",
      "team=a-team",
      "team=b-team",
      [],
    ]);
    const lines = (await world.run("get vhost,vf")).out.split("\n");
    expect(lines.filter((line) => line.startsWith("NAME"))).toHaveLength(1);
  });

  test("tells what is not there", async () => {
    const missing = await world.run("get vf a nobody -o name");
    const none = await world.run("get ft");
    const unknown = await world.run("get videoflw");
    expect([missing.code, missing.out]).toEqual([1, "videoflow.videoflow.io/a\n"]);
    expect(missing.err).toContain('there is no videoflow "nobody" in namespace default');
    expect([none.code, none.err]).toEqual([0, "No resources found in default namespace.\n"]);
    expect([unknown.code, unknown.err.includes("did you mean videoflow")]).toEqual([2, true]);
  });

  test("prints what changes until the agent goes away", async () => {
    const watching = world.run("get vf -w");
    await world.watched();
    const flow = await stored("b");
    await world.store.updateStatus<"VideoFlow">({ ...flow, status: { state: "Succeeded", ready: "0/2" } });
    await world.shown(/^b .*Succeeded/m);
    const { metadata } = await stored("a");
    await world.store.delete({ kind: "VideoFlow", namespace: "default", name: metadata.name });
    await world.shown(/^a .*\n(?:.*\n)*a /m);
    await world.close();
    const { code, out } = await watching;
    world = await anAgentWorld({});

    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/ +/).slice(0, 2).join(" "))).toEqual(["NAME TYPE", "a Batch", "b Batch", "b Batch", "a Batch"]);
    expect(lines[3]).toContain("Succeeded");
    expect(code).toBe(4);
  });
});

describe("delete", () => {
  test("waits until the object is gone", async () => {
    write("f.yaml", manifest("f"));
    await world.run("apply -f f.yaml");
    const flow = await stored("f");
    await world.store.update<"VideoFlow">({ ...flow, metadata: { ...flow.metadata, finalizers: ["videoflow.io/tasks"] } });
    let isOver = false;
    const deleting = world.run("delete vf f").finally(() => {
      isOver = true;
    });
    await eventually("the deletion", async () => (await stored("f")).metadata.deletionTimestamp);
    await world.watched();
    expect(isOver).toBe(false);
    const held = await stored("f");
    await world.store.update<"VideoFlow">({ ...held, metadata: { ...held.metadata, finalizers: [] } });
    expect(await deleting).toEqual({ code: 0, err: "", out: "videoflow.videoflow.io/f deleted\n" });
  });

  test("gives up after --timeout, or at once with --wait=false", async () => {
    write("f.yaml", manifest("f"));
    await world.run("apply -f f.yaml");
    const flow = await stored("f");
    await world.store.update<"VideoFlow">({ ...flow, metadata: { ...flow.metadata, finalizers: ["videoflow.io/tasks"] } });
    const late = await world.run("delete -f f.yaml --timeout 200ms");
    const quick = await world.run("delete vf/f --wait=false");
    expect([late.code, late.err.includes("held by videoflow.io/tasks")]).toEqual([1, true]);
    expect(quick.code).toBe(0);
  });

  test("wants to be told what", async () => {
    const { code, err } = await world.run("delete vf");
    expect([code, err.includes("--all")]).toEqual([2, true]);
  });
});

describe("wait", () => {
  beforeEach(async () => {
    write("f.yaml", manifest("f"));
    await world.run("apply -f f.yaml");
  });
  const setStatus = async (status: "True" | "False", observedGeneration: number) => {
    const flow = await stored("f");
    const condition = {
      type: "Succeeded",
      status,
      reason: "R",
      message: "m",
      lastTransitionTime: "2026-01-01T00:00:00Z",
      observedGeneration,
    };
    await world.store.updateStatus<"VideoFlow">({ ...flow, status: { state: "Running", conditions: [condition] } });
  };

  test("ends when the condition holds for the present generation", async () => {
    await setStatus("True", 0);
    const waiting = world.run("wait vf/f --for=condition=Succeeded --timeout=20s");
    await world.watched();
    await setStatus("True", 1);
    expect(await waiting).toEqual({ code: 0, err: "", out: "videoflow.videoflow.io/f condition met\n" });
  });

  test("ends when a value is there", async () => {
    const waiting = world.run("wait vf/f --for=jsonpath={.status.state}=Running --timeout=20s");
    await world.watched();
    await setStatus("False", 1);
    expect((await waiting).code).toBe(0);
  });

  test("ends when the object is deleted", async () => {
    const waiting = world.run("wait vf/f --for=delete --timeout=20s");
    await world.watched();
    await world.store.delete({ kind: "VideoFlow", namespace: "default", name: "f" });
    expect((await waiting).out).toBe("videoflow.videoflow.io/f deleted\n");
  });

  test("says where the object stands when the time is over", async () => {
    await setStatus("False", 1);
    const { code, err } = await world.run("wait vf/f --for=condition=Succeeded --timeout=100ms");
    expect([code, err.includes("did not reach condition Succeeded=True within 0.1 s; now: Running")]).toEqual([1, true]);
  });

  test("fails when nothing is there to wait for, unless its end is", async () => {
    const lines = ["--for=condition=Ready", "--for=delete"].map((goal) => world.run(`wait vf -l team=nobody ${goal}`));
    const [ready, gone] = await Promise.all(lines);
    expect([ready?.code, ready?.err, gone?.code]).toEqual([1, "error: no object is there that could be waited for\n", 0]);
  });

  test("fails when the object is not there, or goes", async () => {
    expect((await world.run("wait vf/g --for=condition=Succeeded")).code).toBe(1);
    const waiting = world.run("wait vf/f --for=condition=Succeeded --timeout=20s");
    await world.watched();
    await world.store.delete({ kind: "VideoFlow", namespace: "default", name: "f" });
    expect((await waiting).code).toBe(1);
  });
});

test("without an agent every command says how to start one", async () => {
  const other = await world.run(["get", "vf", "--state-dir", join(world.folder, "none")]);
  expect([other.code, other.err]).toEqual([4, expect.stringContaining("Start one: videoflow agent")]);
});
