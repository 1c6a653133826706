import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeFolder } from "../../src/base/make-folder.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "videoflow-test-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("makes all folders that are missing, with the mode, and may be done again", () => {
  for (let times = 0; times < 2; times += 1) makeFolder(join(dir, "a", "b", "c"), 0o700);
  expect(["a", "a/b", "a/b/c"].map((name) => modeOf(join(dir, name)))).toEqual([0o700, 0o700, 0o700]);
});

test.each(["/proc/nowhere", "/proc/nowhere/below/it", "/proc/self/nowhere/below"])(
  "says that %s cannot be made instead of trying for ever",
  (path) => {
    expect(() => makeFolder(path)).toThrow("ENOENT");
  },
);

test("says that a file is in the way", () => {
  writeFileSync(join(dir, "file"), "");
  expect(() => makeFolder(join(dir, "file"))).toThrow("EEXIST");
  expect(() => makeFolder(join(dir, "file", "below"))).toThrow("ENOTDIR");
});
