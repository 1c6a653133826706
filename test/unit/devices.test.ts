import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { CommandResult } from "../../src/devices/command.js";
import { environmentOf } from "../../src/devices/environment.js";
import { deviceProvider } from "../../src/devices/inventory.js";
import { NvidiaProvider } from "../../src/devices/nvidia-provider.js";
import { memoryMiBOf } from "../../src/devices/quantity.js";
import { parseDevices, StaticProvider } from "../../src/devices/static-provider.js";
import { visibleDevices } from "../../src/devices/visible.js";
import { aDevice } from "../support/builders.js";

const fixture = (name: string) => readFileSync(join("test/fixtures/nvidia", name), "utf8");
const folder = mkdtempSync(join(tmpdir(), "vf-devices-"));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const exited = (stdout: string, code = 0): CommandResult => ({ outcome: "Exited", code, stdout, stderr: "" });

/** nvidia-smi as it was recorded on a machine. */
function recorded(name: string, list = "") {
  return async (args: readonly string[]) => {
    const [first = ""] = args;
    if (first === "-L") return exited(list);
    return exited(fixture(first.startsWith("--query-gpu") ? `${name}.gpus.csv` : `${name}.processes.csv`));
  };
}

const summary = async (provider: { list: NvidiaProvider["list"] }) => {
  const { provider: name, devices, message } = await provider.list();
  return [
    name,
    ...devices.map(({ uuid, memoryMiB, healthy, message: why }) => `${uuid.slice(0, 12)} ${memoryMiB} ${healthy ? "ok" : why}`),
    ...(message === undefined ? [] : [message]),
  ];
};

describe("NVIDIA", () => {
  test("one GPU", async () => {
    expect(await summary(new NvidiaProvider({ run: recorded("one-gpu") }))).toEqual(["nvidia", "GPU-8f6d0c1e 12288 ok"]);
  });

  test("eight GPUs, in PCI bus order", async () => {
    const { devices } = await new NvidiaProvider({ run: recorded("eight-gpus") }).list();
    expect(devices.map(({ uuid, index }) => `${uuid.slice(4, 6)}=${index}`)).toEqual([
      "0a=0",
      "1a=1",
      "2a=2",
      "3a=3",
      "4a=4",
      "5a=5",
      "6a=6",
      "7a=7",
    ]);
  });

  test("a GPU with a stranger's process is shown as busy", async () => {
    expect(await summary(new NvidiaProvider({ run: recorded("foreign-process") }))).toEqual([
      "nvidia",
      "GPU-8f6d0c1e 12288 busy: pid 81234, /usr/bin/python3, train, 4096 MiB",
    ]);
  });

  test("an own task's process makes no GPU busy, and neither does a stranger's when allowed", async () => {
    const own = await summary(new NvidiaProvider({ run: recorded("foreign-process"), isOwnProcess: (pid) => pid === 81_234 }));
    const allowed = await summary(new NvidiaProvider({ run: recorded("foreign-process"), allowBusy: true }));
    expect([own, allowed]).toEqual([
      ["nvidia", "GPU-8f6d0c1e 12288 ok"],
      ["nvidia", "GPU-8f6d0c1e 12288 ok"],
    ]);
  });

  test("one lost GPU does not hide the others", async () => {
    expect(await summary(new NvidiaProvider({ run: recorded("lost-gpu") }))).toEqual([
      "nvidia",
      "GPU-aaaaaaaa 40960 ok",
      'GPU-bbbbbbbb 0 nvidia-smi cannot read it: memory "[GPU is lost]"',
    ]);
  });

  test("a GPU in MIG mode is given in instances", async () => {
    const { devices } = await new NvidiaProvider({ run: recorded("mig", fixture("mig.list")) }).list();
    expect(devices.map(({ uuid, memoryMiB, parent }) => `${uuid.slice(0, 8)} ${memoryMiB} ${parent?.slice(0, 8)}`)).toEqual([
      "MIG-a4ba 20480 GPU-5c89",
      "MIG-b1ba 5120 GPU-5c89",
      "GPU-bbbb 40960 undefined",
    ]);
  });

  test("a driver that fails is told in its own words", async () => {
    const provider = new NvidiaProvider({ run: async () => exited(fixture("driver-error.stdout"), 9) });
    expect(await summary(provider)).toEqual(["none", expect.stringContaining("exit code 9: NVIDIA-SMI has failed because")]);
  });

  test("no nvidia-smi: no devices, with the reason", async () => {
    expect(await summary(new NvidiaProvider({ command: join(folder, "missing") }))).toEqual([
      "none",
      "nvidia-smi is not installed: no NVIDIA driver on this machine",
    ]);
  });

  test("an nvidia-smi that hangs is cut off", async () => {
    const command = inFolder("hanging", "#!/bin/sh\nexec sleep 600\n");
    chmodSync(command, 0o700);
    expect(await summary(new NvidiaProvider({ command, timeoutMs: 50 }))).toEqual([
      "none",
      expect.stringContaining("hangs and was cut off"),
    ]);
  });
});

describe("the devices file", () => {
  test("is YAML or JSON", async () => {
    const yaml = inFolder("d.yaml", "- { uuid: GPU-a, product: Test, memory: 8Gi }\n- { uuid: GPU-b, product: Test, memory: 512Mi }\n");
    const json = inFolder("d.json", '[{ "uuid": "GPU-a", "product": "Test", "memory": "8Gi" }]');
    expect(await summary(new StaticProvider(yaml))).toEqual(["static", "GPU-a 8192 ok", "GPU-b 512 ok"]);
    expect(await summary(new StaticProvider(json))).toEqual(["static", "GPU-a 8192 ok"]);
  });

  test.each([
    ["no list", { uuid: "GPU-a" }, "it holds no list"],
    ["an entry without memory", [{ uuid: "GPU-a", product: "T" }], "entry 0: memory must be a quantity such as 8Gi"],
    ["a uuid with a comma", [{ uuid: "GPU-a,GPU-b", product: "T", memory: "1Gi" }], "entry 0: uuid must be"],
    ["a uuid twice", [1, 2].map(() => ({ uuid: "GPU-a", product: "T", memory: "1Gi" })), "uuid GPU-a is there twice"],
  ])("is refused with the place: %s", (_name, value, problem) => {
    expect(() => parseDevices("f", value)).toThrow(problem);
  });

  test("is refused when it is missing or no YAML", async () => {
    await expect(new StaticProvider(join(folder, "no")).list()).rejects.toThrow("DEVICES_FILE_INVALID");
    await expect(new StaticProvider(inFolder("bad", "[{")).list()).rejects.toThrow("DEVICES_FILE_INVALID");
  });

  test("is cut down by the agent's own CUDA_VISIBLE_DEVICES", async () => {
    const file = inFolder("two.yaml", "- { uuid: GPU-a, product: T, memory: 1Gi }\n- { uuid: GPU-b, product: T, memory: 1Gi }\n");
    expect(await summary(deviceProvider({ file, visible: "1" }))).toEqual([
      "static",
      "GPU-b 1024 ok",
      "CUDA_VISIBLE_DEVICES=1 leaves 1 of 2 devices",
    ]);
  });
});

describe("requirement 9: CUDA_VISIBLE_DEVICES is read as the driver reads it", () => {
  const list = [
    aDevice("GPU-aa1", { index: 0 }),
    aDevice("GPU-ab2", { index: 1 }),
    aDevice("MIG-c3", { parent: "GPU-x" }),
    aDevice("GPU-d4", { index: 2 }),
  ];
  test.each([
    [undefined, "GPU-aa1 GPU-ab2 MIG-c3 GPU-d4"],
    ["", ""],
    ["-1", ""],
    ["2,0", "GPU-d4 GPU-aa1"],
    ["0,7,1", "GPU-aa1"],
    ["0,-1,1", "GPU-aa1"],
    ["0,0,1", "GPU-aa1"],
    ["GPU-ab,0", "GPU-ab2 GPU-aa1"],
    ["GPU-a,0", ""],
    ["0,GPU-aa1", "GPU-aa1"],
    [" 1 , 0 ", "GPU-ab2 GPU-aa1"],
    ["MIG-c3", "MIG-c3"],
    ["none", ""],
  ])("%s", (value, expected) => {
    expect(
      visibleDevices(value, list)
        .map(({ uuid }) => uuid)
        .join(" "),
    ).toBe(expected);
  });
});

describe("the environment of a task", () => {
  test("D4: lists exactly the claim, in order, without duplicates", () => {
    expect(environmentOf(["GPU-b", "GPU-a", "GPU-b"])).toEqual({ CUDA_VISIBLE_DEVICES: "GPU-b,GPU-a", CUDA_DEVICE_ORDER: "PCI_BUS_ID" });
  });

  test("requirement 8: hides every GPU of every vendor on the CPU", () => {
    expect(environmentOf([])).toEqual({ CUDA_VISIBLE_DEVICES: "-1", HIP_VISIBLE_DEVICES: "-1", ROCR_VISIBLE_DEVICES: "-1" });
  });
});

test.each([
  ["8Gi", 8_192],
  ["1", 1],
  ["1500M", 1_431],
  ["0.5Gi", 512],
  ["0", undefined],
  ["x", undefined],
])("the quantity %s is %s MiB", (text, expected) => {
  expect(memoryMiBOf(text)).toBe(expected);
});
