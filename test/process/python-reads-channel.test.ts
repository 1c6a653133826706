import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { createFlowMemory } from "../../src/transport/memory.js";
import { describePython } from "../support/python.js";
import { aNode, aPlan } from "../support/transport.js";

const MESSAGES = 150;
const GAP_MS = 4;
const worker = `${process.cwd()}/node_modules/.cache/transport-talker-${process.pid}.mjs`;
const { NODE_EXTRA_CA_CERTS: _dropped, ...ENVIRONMENT } = process.env;

const running: ChildProcess[] = [];
let dir: string;

beforeAll(async () => {
  await build({
    entryPoints: ["test/support/transport-talker.ts"],
    outfile: worker,
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["koffi"],
    logLevel: "error",
  });
  dir = mkdtempSync("/dev/shm/videoflow-test-");
});

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(worker, { force: true });
  rmSync(dir, { recursive: true, force: true });
});

/** @returns what it prints, line by line, and its exit. */
function start(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env: ENVIRONMENT });
  running.push(child);
  let out = "";
  const first = new Promise<void>((heard) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      heard();
    });
  });
  const ended = new Promise<{ code: number | null; lines: string[] }>((done) => {
    child.on("close", (code) => done({ code, lines: out.trimEnd().split("\n") }));
  });
  return { first, ended };
}

describePython("a channel at work, read from Python", () => {
  test("a program of the standard library finds the messages that the consumer gets, while they flow", async () => {
    createFlowMemory(dir, aPlan([aNode("talker", [], { slots: 3 }), aNode("listener", ["talker"], { slots: 0 })]));
    const reader = start("python3", ["test/fixtures/python/read_channel.py", dir, "talker", "listener"]);
    await reader.first;
    writeFileSync(`${dir}/go`, "");
    const ends = ["listener", "talker"].map((node) => start(process.execPath, [worker, dir, node, String(MESSAGES), String(GAP_MS)]).ended);
    const [listener, talker] = await Promise.all(ends);
    const python = await reader.ended;

    expect([talker?.code, listener?.code, python.code]).toEqual([0, 0, 0]);
    const got = (listener?.lines ?? []).map((line) => JSON.parse(line) as { position: number; index: number });
    const [, ...told] = python.lines.map((line) => (line === "ready" ? undefined : JSON.parse(line)));
    const totals = told.pop();
    const all = MESSAGES + Math.floor(MESSAGES / 5);
    expect([got.length, totals]).toEqual([all, { messagesOut: all, acknowledged: all, calls: MESSAGES }]);
    const seen = new Set(told.map(({ position, index }) => `${position}.${index}`));
    const byPlace = (a: (typeof got)[number], b: (typeof got)[number]) => a.position - b.position || a.index - b.index;
    expect(told.toSorted(byPlace)).toEqual(got.filter(({ position, index }) => seen.has(`${position}.${index}`)));
    expect(seen.size).toBeGreaterThan(all / 10); // It looks when it gets its turn.
    expect(new Set(told.map(({ position, index }) => `${position % 5}.${index}`)).size).toBe(6); // Each kind, and second outputs.
  });
});
