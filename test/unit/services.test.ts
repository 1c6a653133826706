import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { writeLetter } from "../../src/base/dead-letters.js";
import { DaemonServices, type ServicesOptions } from "../../src/main/services.js";

const stateDir = mkdtempSync(join(tmpdir(), "vf-services-"));
afterAll(() => rmSync(stateDir, { recursive: true }));

test("logs and dead letters are those of a flow of the namespace; no name leads to the files of others", async () => {
  const services = new DaemonServices({ stateDir } as ServicesOptions);
  const letter = { flow: "f", run: "r-1", node: "work", task: 0, position: 1, index: 0, time: "", attempts: 1, inputs: [] };
  writeLetter(join(stateDir, "dead-letters", "other", "f"), { ...letter, cause: "Exception", error: "secret" });
  mkdirSync(join(stateDir, "logs", "other", "f"), { recursive: true });
  writeFileSync(join(stateDir, "logs", "other", "f", "f.work.0.log"), "secret\n");
  expect(await services.deadLetters({ namespace: "other", name: "f" })).toHaveLength(1);
  for (const flow of [
    { namespace: "own", name: "../other/f" },
    { namespace: "own/../other", name: "f" },
    { namespace: ".", name: "other" },
    { namespace: "", name: "f" },
  ]) {
    await expect(services.deadLetters(flow)).rejects.toThrow("REQUEST_INVALID");
    await expect(services.letterOutputs(flow)).rejects.toThrow("REQUEST_INVALID");
    expect(() => services.logs({ flow })).toThrow("REQUEST_INVALID");
  }
});
