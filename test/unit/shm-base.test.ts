import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { chooseShmBase } from "../../src/agent/shm-base.js";

const base = mkdtempSync(join(tmpdir(), "videoflow-small-"));
const mount = (...options: string[]) => spawnSync("mount", ["-t", "tmpfs", "-o", options.join(","), "tmpfs", base]).status === 0;
const isMounted = mount("size=2m");
const mounted = isMounted ? test : test.skip;

beforeAll(() => {
  process.stderr.write(isMounted ? "" : "SKIPPED: a full and a read-only shared memory need the right to mount a tmpfs\n");
});
afterAll(() => {
  spawnSync("umount", [base]);
  rmdirSync(base);
});

test("what is named comes before the environment, that before /dev/shm", () => {
  expect(chooseShmBase(undefined, {})).toEqual({ dir: "/dev/shm" });
  expect(chooseShmBase(undefined, { VIDEOFLOW_SHM: "" })).toEqual({ dir: "/dev/shm" });
  expect(chooseShmBase("/dev/shm", { VIDEOFLOW_SHM: "/nowhere" })).toEqual({ dir: "/dev/shm" });
  expect(() => chooseShmBase(undefined, { VIDEOFLOW_SHM: "/nowhere" })).toThrow(
    /SHM_UNUSABLE: .*\/nowhere: it is not there.*--shm DIR.*VIDEOFLOW_SHM/s,
  );
});

test("a folder on a disk serves, and its slowness is told", () => {
  expect(chooseShmBase(process.cwd(), {})).toEqual({ dir: process.cwd(), warning: expect.stringContaining("no tmpfs") });
});

test("a file and what is there for others to see only are refused", () => {
  expect(() => chooseShmBase("package.json", {})).toThrow("it is no folder");
  expect(() => chooseShmBase("/proc", {})).toThrow("SHM_UNUSABLE");
});

mounted("a full and a read-only one are refused with the reason", () => {
  expect(chooseShmBase(base, {})).toEqual({ dir: base });
  writeFileSync(join(base, "ballast"), new Uint8Array(1.5 * 2 ** 20));
  expect(() => chooseShmBase(base, {})).toThrow(/it is full: \d+ bytes are free/);
  expect(mount("remount", "ro")).toBe(true);
  expect(() => chooseShmBase(base, {})).toThrow("it is read-only");
});
