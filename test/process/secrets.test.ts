import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import type { VideoFlowSpec } from "../../src/api/kinds.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import type { DaemonPlace } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, livePids, liveTasks, NODES, type Workplace } from "../support/flow-process.js";

const KEYHOLE = `${resolve("test/fixtures/components/secrets.mjs")}#Keyhole`;
/** With what JSON, addresses and shells write otherwise. */
const PARAM = 'parameter-S3cr3t "quoted"/ä%20 end';
const VARIABLE = "variable-S3cr3t+two words";
const SECRETS = [PARAM, VARIABLE];
/** Parts that stand in every spelling of them. */
const TRACES = ["parameter-S3cr3t", "variable-S3cr3t"];

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

/** As a client of another machine writes it: with its defaults, paths as they are. */
function validated(nodes: readonly object[]): VideoFlowSpec {
  const value = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "f" }, spec: { nodes } };
  return validateVideoFlow(value).flow?.spec as VideoFlowSpec;
}

const lettersOf = (flow: string) => {
  const folder = join(daemon.stateDir, "dead-letters");
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  return names.filter((name) => name.includes(flow) && name.endsWith(".json"));
};
const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const cli = async (...args: readonly string[]) => {
  const { code, out, err } = await place.start([...args, "--state-dir", daemon.stateDir]).ended;
  return { code, text: out + err };
};

/** ticker → keyhole → sink; the keyhole has one value of a file in its params, another in its environment. */
function aFlow(name: string, mode: string): string {
  const token = { valueFrom: { file: "secrets/token" } };
  const nodes = [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20 } },
    {
      name: "keyhole",
      role: "Processor",
      component: KEYHOLE,
      inputs: ["ticker"],
      params: { mode, proof: place.path(`${name}.proof`), token, nested: { list: ["plain", token] } },
      env: [{ name: "TOKEN", valueFrom: { file: "secrets/variable" } }],
      restart: { maxRestarts: 1, initialBackoffSeconds: 0, windowSeconds: 600 },
      retries: 0,
    },
    { name: "sink", role: "Consumer", component: "FileAppender", inputs: ["keyhole"], params: { path: place.path(`${name}.out`) } },
  ];
  const flow = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { nodes } };
  return place.write(`${name}.yaml`, stringify(flow));
}

/** Every file below a folder that holds one of the secrets. */
function filesWithSecrets(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => TRACES.some((trace) => readIfThere(file).includes(trace)));
}

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0); // Gone meanwhile, or a socket.
  }
}

/** `PID FILE` of what processes of this machine show of themselves. */
function shownByProcesses(files: readonly string[]): string[] {
  return livePids().flatMap((pid) =>
    files.filter((file) => TRACES.some((trace) => readIfThere(`/proc/${pid}/${file}`).includes(trace))).map((file) => `${pid} ${file}`),
  );
}

function metrics(): Promise<string> {
  return new Promise((done, fail) => {
    const asked = request({ socketPath: join(daemon.stateDir, "metrics.sock"), path: "/metrics", headers: { host: "agent" } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => done(text));
    });
    asked.on("error", fail).end();
  });
}

test("values of files reach params and variables, and nothing else: no object, event, log, file, title, argument or metric shows them", async () => {
  mkdirSync(place.path("secrets"), { mode: 0o700 });
  place.write("secrets/token", `${PARAM}\n`);
  place.write("secrets/variable", `${VARIABLE}\r\n`);
  await daemon.start();
  const modes = { works: "", throws: "throw", crashes: "crash", refuses: "refuse" };
  for (const [name, mode] of Object.entries(modes)) expect(await cli("apply", "-f", aFlow(name, mode))).toMatchObject({ code: 0 });
  const proofs = (name: string) => place.lines(`${name}.proof`);
  await eventually("the values in every task", () => Object.keys(modes).every((name) => proofs(name).length > 0));
  for (const name of Object.keys(modes)) expect(JSON.parse(proofs(name)[0] as string)).toEqual([hash(PARAM), hash(PARAM), hash(VARIABLE)]);
  await eventually("messages of the flow that works", () => place.lines("works.out").length > 3);
  for (const name of ["crashes", "refuses"]) {
    const ended = await cli("wait", `vf/${name}`, "--for=jsonpath={.status.state}=Failed", "--timeout=120s");
    expect(ended).toMatchObject({ code: 0 });
  }
  await eventually("a dead letter", () => lettersOf("throws").length > 0);

  const [task] = liveTasks("works").filter(({ node }) => node === "keyhole");
  expect(task?.env.get("TOKEN")).toBe(VARIABLE); // Where it is wanted.
  expect(shownByProcesses(["cmdline", "comm", "stat"])).toEqual([]);
  const own = liveTasks("works")
    .concat(liveTasks("throws"))
    .filter(({ node }) => node === "keyhole");
  expect(shownByProcesses(["environ"]).toSorted()).toEqual(own.map(({ pid }) => `${pid} environ`).toSorted());
  expect(readFileSync(`/proc/${task?.pid}/environ`, "utf8")).not.toContain("parameter-S3cr3t");
  expect(filesWithSecrets(daemon.stateDir)).toEqual([]);
  expect(filesWithSecrets(place.shm)).toEqual([]);
  expect(filesWithSecrets(place.path("tmp"))).toEqual([]);

  const commands = [
    ["get", "vf,ft,vdc,vhost,events", "-o", "yaml"],
    ["get", "vf,ft,events", "-o", "json"],
    ["get", "vf,ft", "-o", "wide"],
    ["events"],
    ["top"],
    ...Object.keys(modes).flatMap((name) => [
      ["describe", `vf/${name}`],
      ["explain", name],
      ["logs", name, "--tail=-1"],
      ["deadletters", "list", name, "--json"],
    ]),
  ];
  for (const command of commands) {
    const { text } = await cli(...command);
    expect({ command, length: text.length > 0 }).toEqual({ command, length: true });
    expect({ command, shown: TRACES.filter((trace) => text.includes(trace)) }).toEqual({ command, shown: [] });
  }
  expect((await cli("get", "vf/works", "-o", "yaml")).text).toContain(place.path("secrets/token")); // Where they stand is told.
  expect((await cli("logs", "works", "--tail=-1")).text).toContain("opened with *** and ***");
  const failed = (await daemon.flow("refuses"))?.status?.message;
  expect(failed).toContain("cannot log in with ***");
  const told = await metrics();
  expect(told).toContain("videoflow_");
  expect(TRACES.filter((trace) => told.includes(trace))).toEqual([]);
  expect(TRACES.filter((trace) => daemon.agent.output.includes(trace))).toEqual([]);
  expect(statSync(join(daemon.stateDir, "keeper.log")).size).toBe(0);
  expect(SECRETS).toHaveLength(2);
});

test("what native code writes past the worker's streams before it dies is not shown by the task's status or event", async () => {
  mkdirSync(place.path("secrets"), { mode: 0o700 });
  place.write("secrets/token", `${PARAM}\n`);
  place.write("secrets/variable", VARIABLE);
  await daemon.start();
  expect(await cli("apply", "-f", aFlow("native", "native"))).toMatchObject({ code: 0 });
  await eventually("its end", async () => (await daemon.flow("native"))?.status?.state === "Failed");
  const told = JSON.stringify(
    await daemon.withStore((store) => Promise.all([store.list("FlowTask"), store.list("Event"), store.list("VideoFlow")])),
  );
  expect(told).toContain("native words: ***");
  expect(TRACES.filter((trace) => told.includes(trace))).toEqual([]);
});

test("an object is printed as it is, so that it can be applied again; what commands masked cannot", async () => {
  await daemon.start();
  const url = "rtsp://user:pa55word@127.0.0.1:9/live";
  const nodes = [
    { name: "camera", role: "Producer", component: "VideostreamReader", params: { url } },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["camera"] },
  ];
  const flow = {
    apiVersion: "videoflow.io/v1alpha1",
    kind: "VideoFlow",
    metadata: { name: "live" },
    spec: { desiredState: "Stopped", nodes },
  };
  await cli("apply", "-f", place.write("live.yaml", stringify(flow)));
  const { text } = await cli("get", "vf/live", "-o", "yaml");
  expect(text).toContain(url);
  expect((await cli("get", "vf/live", "-o", "json")).text).toContain(url);
  expect((await cli("apply", "-f", place.write("again.yaml", text))).text).toContain("unchanged");
  expect((await cli("describe", "vf/live")).text).not.toContain("pa55word");
  const masked = await cli("apply", "-f", place.write("masked.yaml", text.replace("user:pa55word@", "***@")));
  expect(masked).toMatchObject({ code: 2, text: expect.stringContaining("holds *** in place of credentials") });
});

test("with --root and --allow-components: refused before anything starts, with the reason; what was missing lets the flow start when it comes", async () => {
  const root = place.path("root");
  mkdirSync(root);
  symlinkSync(place.dir, join(root, "out"));
  await daemon.start(["--root", root, "--allow-components", "builtin,root"]);
  const flow = (name: string, processor: object, path: string) => ({
    apiVersion: "videoflow.io/v1alpha1" as const,
    kind: "VideoFlow" as const,
    metadata: { name, namespace: "default" },
    spec: validated([
      { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 5 } },
      { name: "work", role: "Processor", inputs: ["numbers"], ...processor },
      { name: "sink", role: "Consumer", component: "FileAppender", inputs: ["work"], params: { path } },
    ]),
  });
  const env = [{ name: "TOKEN", valueFrom: { file: "later/token" } }];
  const flows = [
    flow("foreign", { component: `${NODES}#Adder` }, "a.txt"),
    flow("inline", { component: "FunctionProcessorNode", params: { source: "(x) => x" } }, "b.txt"),
    flow("escaping", { component: "Identity" }, "out/c.txt"),
    flow("absolute", { component: "Identity" }, place.path("d.txt")),
    flow("missing", { component: "Identity", env }, "e.txt"),
  ];
  await daemon.withStore(async (store) => {
    for (const one of flows) await store.create<"VideoFlow">(one);
  });
  const told = async (name: string) => {
    const { state, conditions = [] } = (await daemon.flow(name))?.status ?? {};
    const { status, reason, message } = conditions.find(({ type }) => type === "Admitted") ?? {};
    return { state, admitted: `${status} ${reason}`, message };
  };
  const refused = async (name: string, reason: string) => {
    for (let looks = 0; looks < 200 && !(await told(name)).admitted.includes(reason); looks += 1)
      await new Promise((go) => setTimeout(go, 50));
    return told(name);
  };
  expect(await refused("foreign", "ComponentNotAllowed")).toMatchObject({ state: "Failed", admitted: "False ComponentNotAllowed" });
  expect((await told("foreign")).message).toContain(`it would with --allow-components builtin,root,${NODES}`);
  expect(await refused("inline", "ComponentNotAllowed")).toMatchObject({ state: "Failed" });
  for (const name of ["escaping", "absolute"]) expect(await refused(name, "PathNotAllowed")).toMatchObject({ state: "Failed" });
  expect(await refused("missing", "FileMissing")).toEqual({
    state: "Pending",
    admitted: "False FileMissing",
    message: expect.stringContaining(`node work: env TOKEN: there is no file ${root}/later/token`),
  });
  for (const { metadata } of flows) expect(liveTasks(metadata.name)).toEqual([]);
  expect(readdirSync(place.dir).filter((name) => name.endsWith(".txt"))).toEqual([]);
  mkdirSync(place.path("coming"));
  place.write("coming/token", "now");
  renameSync(place.path("coming"), join(root, "later"));
  await eventually(
    "the flow whose file came",
    () => existsSync(join(root, "e.txt")) && readFileSync(join(root, "e.txt"), "utf8").split("\n").length === 6,
  );
  for (const { metadata } of flows) await daemon.withStore((store) => store.delete({ kind: "VideoFlow", ...metadata }));
});

test("hostile bytes in a log, and in the status and event of who died, reach no terminal", async () => {
  await daemon.start();
  const nodes = [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20 } },
    {
      name: "vandal",
      role: "Processor",
      component: KEYHOLE.replace("#Keyhole", "#Vandal"),
      inputs: ["ticker"],
      restart: { maxRestarts: 0 }, // A second process would have the log set aside.
    },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["vandal"] },
  ];
  const flow = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "evil" }, spec: { nodes } };
  expect(await cli("apply", "-f", place.write("evil.yaml", stringify(flow)))).toMatchObject({ code: 0 });
  expect(await cli("wait", "vf/evil", "--for=jsonpath={.status.state}=Failed", "--timeout=120s")).toMatchObject({ code: 0 });
  const outputs = {
    logs: await cli("logs", "evil", "--tail=-1"),
    last: await cli("logs", "evil", "--tail=3"),
    previous: await cli("logs", "evil", "--previous", "--tail=5"),
    events: await cli("events"),
    describe: await cli("describe", "vf/evil"),
    table: await cli("get", "vf,ft", "-o", "wide"),
    yaml: await cli("get", "vf,ft,events", "-o", "yaml"),
    json: await cli("get", "ft", "-o", "json"),
    path: await cli("get", "ft", "-o", "jsonpath={.items[*].status.lastExit.message}"),
    agent: { text: daemon.agent.output },
  };
  for (const [name, { text }] of Object.entries(outputs)) {
    const found = /(?![\t\n])\p{Cc}|\u202e/u.exec(text)?.[0];
    expect({ name, found: found === undefined ? "none" : JSON.stringify(found) }).toEqual({ name, found: "none" });
  }
  expect(outputs.logs.text).toContain("\\x1b[2J");
  expect(outputs.logs.text).toContain("last words");
  const task = (await daemon.tasks()).find(({ spec }) => spec.node === "vandal");
  expect(task?.status?.lastExit?.message?.length).toBeLessThan(20_000);
  expect(JSON.stringify(await daemon.withStore((store) => store.list("Event"))).length).toBeLessThan(100_000);
});
