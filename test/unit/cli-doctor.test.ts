import { describe, expect, test } from "@jest/globals";
import { renderDevices, renderInference } from "../../src/cli/devices.js";
import {
  judgeDevices,
  judgeInference,
  judgeMedia,
  judgeNode,
  judgeSetpriv,
  judgeShm,
  judgeSupervision,
  renderFindings,
} from "../../src/cli/doctor.js";

const GiB = 2 ** 30;

describe("doctor", () => {
  test.each([
    ["20.9.0", "fail"],
    ["20.10.0", "ok"],
    ["18.20.0", "fail"],
    ["22.0.0", "ok"],
  ])("Node.js %s is %s", (version, level) => {
    expect(judgeNode(version).level).toBe(level);
  });

  test("a container's 64 MiB of shared memory is a warning with the option that enlarges it", () => {
    expect(judgeShm({ sizeBytes: GiB / 16, freeBytes: GiB / 16 })).toMatchObject({
      level: "warn",
      found: "/dev/shm has 64.0 MiB, 64.0 MiB free",
    });
    expect(judgeShm({ sizeBytes: GiB / 16, freeBytes: GiB / 16 }).fix).toContain("--shm-size");
    expect(judgeShm({ sizeBytes: GiB, freeBytes: GiB }).level).toBe("ok");
    expect(judgeShm(undefined).level).toBe("fail");
  });

  test("without FFmpeg flows of video fail, without an encoder they only cannot write", () => {
    expect(judgeMedia({ source: undefined, h264: undefined }).level).toBe("fail");
    expect(judgeMedia({ source: "FFmpeg", h264: undefined }).level).toBe("warn");
    expect(judgeMedia({ source: "FFmpeg", h264: "libx264" })).toMatchObject({ level: "ok", found: "FFmpeg, encodes H.264 with libx264" });
  });

  test("CUDA that does not load matters only where there are GPUs", () => {
    const report = { provider: "cpu", available: ["cpu"], reason: "no CUDA library", fix: "npm rebuild" };
    expect(judgeInference(report, 0)).toEqual({ check: "inference", level: "ok", found: "onnxruntime computes on cpu" });
    expect(judgeInference(report, 2)).toMatchObject({ level: "warn", fix: "npm rebuild" });
    expect(judgeInference({ provider: "cuda", available: ["cuda", "cpu"] }, 2).level).toBe("ok");
    expect(judgeInference({ provider: "cpu", available: [], reason: "it does not load" }, 0).level).toBe("fail");
  });

  test("a GPU that is not granted is a warning that says why", () => {
    const gpu = { uuid: "GPU-1", product: "P", memoryMiB: 8 };
    expect(judgeDevices([]).level).toBe("ok");
    expect(judgeDevices([gpu]).level).toBe("ok");
    expect(judgeDevices([gpu, { ...gpu, unavailable: "busy: 7 python" }])).toMatchObject({
      level: "warn",
      found: "2, of which 1 may be granted",
    });
  });

  test("without pidfd or setpriv the machine is usable but less safe", () => {
    expect(judgeSupervision({ pidfd: true }).level).toBe("ok");
    expect(judgeSupervision({ pidfd: false, reason: "errno 1" }).level).toBe("warn");
    expect(judgeSetpriv("/usr/bin/setpriv").level).toBe("ok");
    expect(judgeSetpriv(undefined).level).toBe("warn");
  });

  test("a fix stands below its line", () => {
    const findings = [
      { check: "node", level: "ok", found: "Node.js 20" },
      { check: "ffmpeg", level: "fail", found: "none", fix: "install it" },
    ] as const;
    expect(renderFindings(findings)).toEqual(["ok    node    Node.js 20", "fail  ffmpeg  none", "      -> install it"]);
  });
});

test("devices are listed with what stands in the way of each", () => {
  const gpu = { uuid: "GPU-1", product: "H100", memoryMiB: 81559 };
  expect(renderDevices([gpu, { ...gpu, uuid: "GPU-2", unavailable: "busy: 7 python 300 MiB" }])).toEqual([
    "UUID   PRODUCT     MEMORY  MAY BE GRANTED",
    "GPU-1  H100     81559 MiB  yes",
    "GPU-2  H100     81559 MiB  no: busy: 7 python 300 MiB",
  ]);
  expect(renderDevices([])).toEqual(["no GPU may be granted: every task runs on the CPU"]);
});

test("the provider that does not load is named with the command that installs it", () => {
  expect(renderInference({ provider: "cpu", available: ["cpu"], reason: "not installed", fix: "npm rebuild" })).toEqual([
    "inference: onnxruntime computes on cpu",
    "  not on cuda: not installed",
    "  -> npm rebuild",
  ]);
});
