import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { claimMemory, memoryDirsOf, nextMemoryDir, pidNamespace, sweepMemories } from "../../src/agent/memory-owner.js";
import { readBootId } from "../../src/base/process-identity.js";

const RUN = "3f2e-1";
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "vf-memory-"));
});
afterEach(() => rmSync(base, { recursive: true }));

test("each change of channels gives a run the next folder, whole only under its own name", () => {
  const first = nextMemoryDir(`${base}/${RUN}`);
  expect(first).toEqual({ made: `${base}/${RUN}.1.new`, dir: `${base}/${RUN}.1` });
  expect(nextMemoryDir(first.dir)).toEqual({ made: `${base}/${RUN}.2.new`, dir: `${base}/${RUN}.2` });
  expect(nextMemoryDir(`${base}/${RUN}.9`).dir).toBe(`${base}/${RUN}.10`);
});

test.each([
  [[], RUN, []],
  [[RUN], RUN, []],
  [[RUN, `${RUN}.1.new`], RUN, [`${RUN}.1.new`]],
  [[RUN, `${RUN}.1`], `${RUN}.1`, [RUN]],
  [[`${RUN}.9`, `${RUN}.10`, `${RUN}.11.new`], `${RUN}.10`, [`${RUN}.11.new`, `${RUN}.9`]],
  [["3f2e-11", `${RUN}.2`, "3f2e-11.3"], `${RUN}.2`, []],
])("of the folders %j of a run the last whole one counts", (names, dir, left) => {
  for (const name of names) mkdirSync(join(base, name));
  const found = memoryDirsOf(base, RUN);
  expect([found.dir, found.left.toSorted()]).toEqual([join(base, dir), left.map((name) => join(base, name)).toSorted()]);
});

test("a sweep knows a run by all of its folders", () => {
  const owner = { bootId: readBootId(), pidNamespace: pidNamespace(), processes: [], stateDir: base };
  for (const name of [RUN, `${RUN}.1.new`, "gone-1", "gone-1.4"]) claimMemory(join(base, name), owner);
  expect(sweepMemories(base, base, (run) => run === RUN).toSorted()).toEqual(["gone-1", "gone-1.4"]);
  expect(readdirSync(base).toSorted()).toEqual([RUN, `${RUN}.1.new`]);
  expect(existsSync(join(base, RUN, "owner.json"))).toBe(true);
});
