import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { type DaemonPlace, daemonPlace } from "../support/daemon.js";
import { eventually, livePids, liveTasks, NODES, type Workplace, workplace } from "../support/flow-process.js";

const KEYHOLE = `${resolve("test/fixtures/components/secrets.mjs")}#Keyhole`;
/** With what JSON, addresses and shells write otherwise. */
const PARAM = 'parameter-S3cr3t "quoted"/ä%20 end';
const VARIABLE = "variable-S3cr3t+two words";
const SECRETS = [PARAM, VARIABLE];
/** Parts that stand in every spelling of them. */
const TRACES = ["parameter-S3cr3t", "variable-S3cr3t"];

let place: Workplace;
let daemon: DaemonPlace;
beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
});
afterEach(async () => {
  await daemon.destroy();
  await place.remove();
});

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
  place.write("readme", "the folder is there");
  const { mkdirSync } = await import("node:fs");
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
    const ended = await cli("wait", `vf/${name}`, "--for=jsonpath={.status.state}=Failed", "--timeout=30s");
    expect(ended).toMatchObject({ code: 0 });
  }
  await eventually("a dead letter", () => existsSync(join(daemon.stateDir, "dead-letters", "throws")));

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
}, 120_000);
