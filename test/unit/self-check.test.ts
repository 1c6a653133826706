import { expect, test } from "@jest/globals";
import { checkDevices } from "../../src/worker/self-check.js";

const check = (devices: readonly string[], seen: string | undefined, from = seen) =>
  checkDevices({ node: "n", devices }, seen ?? "", from ?? "");

test.each([
  [[], "-1"],
  [["GPU-a"], "GPU-a"],
  [["GPU-a"], "3"],
  [["GPU-b", "GPU-a"], "GPU-b,GPU-a"],
  [["GPU-b", "MIG-a"], "1,MIG-a"],
])("a task that was granted %j may see %s", (devices, seen) => {
  expect(() => check(devices, seen)).not.toThrow();
});

test.each([
  [[], "0"],
  [[], undefined],
  [["GPU-a"], "-1"],
  [["GPU-a"], undefined],
  [["GPU-a"], "GPU-b"],
  [["GPU-a"], "GPU-a,GPU-b"],
  [["GPU-a", "GPU-b"], "GPU-a"],
  [["GPU-a", "GPU-b"], "GPU-b,GPU-a"],
  [["GPU-a", "GPU-b"], "0,0"],
])("a task that was granted %j may not see %s", (devices, seen) => {
  expect(() => check(devices, seen)).toThrow(expect.objectContaining({ code: "DEVICES_DISAGREE" }));
});

test("a task may not see another number than it got, though a number fits", () => {
  expect(() => check(["GPU-a"], "0", "1")).toThrow(expect.objectContaining({ code: "DEVICES_DISAGREE" }));
});
