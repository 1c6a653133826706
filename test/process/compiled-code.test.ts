import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { videoflow, type Workplace, workplace } from "../support/flow-process.js";

let place: Workplace;
let dist: string;
let flow: string;

beforeEach(() => {
  place = workplace();
  flow = place.path("flow.json");
  const nodes = [
    { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["numbers"] },
  ];
  const document = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: place.flow }, spec: { nodes } };
  writeFileSync(flow, JSON.stringify(document));
  dist = mkdtempSync(resolve("node_modules/.vf-test-")); // Inside, so that the bundle finds its packages.
  const isWanted = (path: string) => !/compiled|\.map$/.test(path);
  cpSync("dist", join(dist, "dist"), { recursive: true, filter: isWanted });
});
afterEach(async () => {
  rmSync(dist, { recursive: true, force: true });
  await place.remove();
});

const compiled = () => join(dist, "dist/main/compiled");
const kept = () => readdirSync(compiled()).map((name) => join(compiled(), name));
const versions = () => kept().map((path) => `${path} ${statSync(path).ino}`);
const run = () => videoflow(["run", flow, "--quiet"], { program: [join(dist, "dist/main/cli.js")], env: { VIDEOFLOW_SHM: place.shm } });

test("what the engine has compiled is kept once for each kind of process, and used until it is damaged", async () => {
  expect(await run()).toMatchObject({ code: 0, err: "" });
  const kinds = kept().map((path) => /\/([a-z]+)-[0-9a-f]+-(v[^-]+)-[a-z0-9]+-([a-z-]+)$/.exec(path)?.slice(1));
  expect(kinds.sort()).toEqual([
    ["commander", process.version, "cli-run"],
    ["keepers", process.version, "keeper"],
    ["videoflow", process.version, "cli-run"],
    ["videoflow", process.version, "worker"],
    ["yaml", process.version, "cli-run"],
  ]);

  const first = versions();
  expect(await run()).toMatchObject({ code: 0, err: "" });
  expect(versions()).toEqual(first);

  for (const [at, path] of kept().entries()) writeFileSync(path, at % 2 === 0 ? "" : readFileSync(path).subarray(0, 5_000));
  const damaged = kept().map((path) => statSync(path).size);
  expect(await run()).toMatchObject({ code: 0, err: "" });
  expect(kept().every((path, at) => statSync(path).size > (damaged[at] as number))).toBe(true);
});

test("a folder that cannot be written costs nothing but time", async () => {
  writeFileSync(compiled(), "");
  expect(await run()).toMatchObject({ code: 0, err: "" });
  expect(statSync(compiled()).size).toBe(0);
});
