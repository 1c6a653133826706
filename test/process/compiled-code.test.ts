import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, videoflow, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
let dist: string;
let flow: string;

beforeEach(() => {
  place = workplace();
  flow = writeFlow({ end: 3 });
  dist = mkdtempSync(resolve("node_modules/.vf-test-")); // Inside, so that the bundle finds its packages.
  const isWanted = (path: string) => !/compiled|\.map$/.test(path);
  cpSync("dist", join(dist, "dist"), { recursive: true, filter: isWanted });
});
afterEach(async () => {
  rmSync(dist, { recursive: true, force: true });
  await place.remove();
});

function writeFlow(params: object): string {
  const nodes = [
    { name: "numbers", role: "Producer", component: "IntProducer", params },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["numbers"] },
  ];
  return writeManifest(place, nodes);
}

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

test("what runs on and is killed has its code kept while it runs", async () => {
  writeFlow({ fps: 10 });
  const running = place.start(["run", flow, "--quiet"], { program: [join(dist, "dist/main/cli.js")], env: { VIDEOFLOW_SHM: place.shm } });
  const isKept = (kind: string) => existsSync(compiled()) && readdirSync(compiled()).some((name) => name.endsWith(kind));
  await eventually("kept code", () => isKept("-worker") && isKept("-keeper") && isKept("-cli-run"), 50_000);
  running.signal("SIGKILL");
  await running.ended;
}, 60_000);

test("a folder that cannot be written costs nothing but time", async () => {
  writeFileSync(compiled(), "");
  expect(await run()).toMatchObject({ code: 0, err: "" });
  expect(statSync(compiled()).size).toBe(0);
});
