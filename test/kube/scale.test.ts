import { expect, test } from "@jest/globals";
import { execute } from "../support/kube.js";

const PROGRAM = `
const { convergeOnCluster } = await import("./bench/cluster-flows.mjs");
console.log(JSON.stringify(await convergeOnCluster({ flows: 200, tasks: 3, quietMs: 6_000, timeoutMs: 400_000 })));
`;

test("200 flows converge; a task costs at most 6 writes, a flow few reads, and nothing is written once all is settled", async () => {
  const { code, stdout, stderr } = await execute(process.execPath, ["--input-type=module", "-e", PROGRAM]);
  expect([code, stderr]).toEqual([0, ""]);
  const figures = JSON.parse(stdout) as { readonly [name: string]: unknown };
  process.stdout.write(`${stdout.trim()}\n`); // Times and memory are for people: they depend on the machine.
  const { writesPerTask, readsPerFlow, idleWritesPerMinute, idleWrites, controllerRssMiB } = figures;
  expect([idleWritesPerMinute, idleWrites]).toEqual([0, {}]);
  expect(writesPerTask).toBeLessThanOrEqual(6);
  expect(readsPerFlow).toBeLessThanOrEqual(8);
  expect(controllerRssMiB).toBeLessThan(256);
}, 500_000);
