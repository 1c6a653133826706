import { expect, test } from "@jest/globals";
import { grantedDevices } from "../../src/devices/granted.js";

const POD = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

test.each([
  ["nothing on a machine of its own", {}, undefined],
  ["its own list", { CUDA_VISIBLE_DEVICES: "1,0" }, "1,0"],
  ["its own empty list", { CUDA_VISIBLE_DEVICES: "" }, ""],
  ["what a driver image says on a machine of its own", { NVIDIA_VISIBLE_DEVICES: "all" }, undefined],
  ["the grant of kubelet in a Pod", { ...POD, NVIDIA_VISIBLE_DEVICES: "GPU-b,GPU-a" }, "GPU-b,GPU-a"],
  ["its own list before the grant", { ...POD, NVIDIA_VISIBLE_DEVICES: "GPU-b,GPU-a", CUDA_VISIBLE_DEVICES: "GPU-a" }, "GPU-a"],
  ["the files of the device plugin", { ...POD, NVIDIA_VISIBLE_DEVICES: "/var/run/nvidia-container-devices" }, "GPU-c,GPU-d"],
  ["all, which is no grant", { ...POD, NVIDIA_VISIBLE_DEVICES: "all" }, ""],
  ["void", { ...POD, NVIDIA_VISIBLE_DEVICES: "void" }, ""],
  ["no word of it in a Pod", POD, ""],
])("the agent's devices follow from %s", (_, env, visible) => {
  expect(grantedDevices(env, () => ["GPU-c", "GPU-d"]).visible).toBe(visible);
});

test("a Pod that was granted nothing says why", () => {
  expect(grantedDevices({ ...POD, NVIDIA_VISIBLE_DEVICES: "all" }).message).toMatch(/request nvidia\.com\/gpu/);
  expect(grantedDevices(POD).message).toMatch(/kubelet granted/);
});
