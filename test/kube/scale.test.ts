import { expect, test } from "@jest/globals";
import { execute } from "../support/kube.js";

const PROGRAM = `
const { convergeOnCluster } = await import("./bench/cluster-flows.mjs");
console.log(JSON.stringify(await convergeOnCluster({ flows: 40, tasks: 3, timeoutMs: 240_000 })));
`;

test("many flows converge; a task costs at most 6 writes, a flow few reads, and nothing is written once all is settled", async () => {
  const { code, stdout, stderr } = await execute(process.execPath, ["--input-type=module", "-e", PROGRAM]);
  expect([code, stderr]).toEqual([0, ""]);
  const figures = JSON.parse(stdout) as Record<string, number>;
  process.stdout.write(`${stdout.trim()}\n`); // Times and memory are for people: they depend on the machine.
  const { writesPerTask = Infinity, readsPerFlow = Infinity, idleWritesPerMinute, controllerRssMiB = Infinity } = figures;
  expect([writesPerTask <= 6, readsPerFlow <= 8, idleWritesPerMinute, controllerRssMiB < 256]).toEqual([true, true, 0, true]);
}, 300_000);
