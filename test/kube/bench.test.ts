import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const KEYS = [
  "applyToRunningMs",
  "targetMs",
  "bareNodeMs",
  "createLatencyMs",
  "writesPerTask",
  "writesPerTaskWithClaim",
  "idleWritesPerMinute",
  "flowsPerSecond",
  "requestsPerFlow",
  "controllerRssMiB",
];

test("the benchmark of the cluster prints one object with its keys; a task costs few writes, and one that runs none", async () => {
  const args = ["bench/bench.mjs", "cluster", "--smoke", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 460_000 });
  const figures = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as Record<string, number>;
  expect(KEYS.filter((key) => !Number.isFinite(figures[key]))).toEqual([]);
  const { writesPerTask = 0, writesPerTaskWithClaim = 0, idleWritesPerMinute } = figures;
  expect([
    writesPerTask > 0 && writesPerTask <= 6,
    writesPerTaskWithClaim > 0 && writesPerTaskWithClaim <= 10,
    idleWritesPerMinute,
  ]).toEqual([true, true, 0]);
});
