/**
 * What the commands need from the layers above them; every part is loaded when it is called, so that a command starts quickly.
 * Knows where each part is; like all of src/main it joins parts, and must not decide anything about flows.
 */
import { closeSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { pathToFileURL } from "node:url";
import type { HostDevice } from "../api/kinds.js";
import { errorText } from "../base/errors.js";
import type { DeviceView, Engine, HostOptions, InferenceReport, MediaReport, SupervisionReport } from "../cli/world.js";
import type { DeviceInventory } from "../devices/provider.js";

export const ENGINE: Engine = {
  loadModule,
  descriptors: async () => (await import("../components/descriptors.js")).DESCRIPTORS,
  run: async (flow, options) => (await import("./foreground.js")).runForeground(flow, options),
  agent: async (options) => {
    const [{ runAgent }, { defaultStateDir }] = await Promise.all([import("./agent-daemon.js"), import("./state-dir.js")]);
    await runAgent({ ...options, stateDir: options.stateDir ?? process.env["VIDEOFLOW_STATE_DIR"] ?? defaultStateDir(process.env) });
  },
  controller: async (options) => (await import("./controller-process.js")).runController(options),
  connect: async (choice) => (await import("./connect.js")).connect(choice, process.env, process.argv[1] ?? ""),
  explain: async (flow, options) => {
    const { explainFlow } = await import("./explain.js");
    const { observeHost } = await import("../agent/host-status.js");
    const { chooseShmBase } = await import("../agent/shm-base.js");
    return explainFlow(flow, hostname(), observeHost(chooseShmBase(undefined, process.env).dir, await inventory(options)));
  },
  devices: async (options) => (await inventory(options)).devices.map(viewOf),
  inference: async (): Promise<InferenceReport> => (await import("../components/inference.js")).probeInference(),
  media,
  supervision,
};

/** Imports a user's module with `flow.run()` and `join()` switched off. @returns the manifests of the flows that it built. */
async function loadModule(path: string): Promise<readonly unknown[]> {
  const { session } = await import("../flow/session.js");
  const { registerLoader } = await import("../worker/typescript.js");
  const ours = session();
  ours.mode = "collect";
  const before = ours.flows.length;
  await registerLoader(path);
  await import(pathToFileURL(path).href);
  return ours.flows.slice(before).map((flow) => flow.toManifest());
}

/** The devices that may be granted: what the machine or the file has, cut down by CUDA_VISIBLE_DEVICES. */
async function inventory({ devicesFile, allowBusy = false }: HostOptions): Promise<DeviceInventory> {
  const { deviceProvider } = await import("../devices/inventory.js");
  const visible = process.env["CUDA_VISIBLE_DEVICES"];
  return deviceProvider({
    ...(devicesFile === undefined ? {} : { file: devicesFile }),
    allowBusy,
    ...(visible === undefined ? {} : { visible }),
  }).list();
}

function viewOf({ uuid, product, memoryMiB, healthy, message }: HostDevice): DeviceView {
  return { uuid, product, memoryMiB, ...(healthy ? {} : { unavailable: message ?? "not healthy" }) };
}

/** Components use the FFmpeg of node-av alone; one that the system has does not help them. */
async function media(): Promise<MediaReport> {
  const { source, encoders, fix } = await (await import("../components/video/probe-ffmpeg.js")).probeFfmpeg();
  if (source === "node-av") return { source: "FFmpeg of the package node-av", h264: encoders.h264 };
  return { source: undefined, h264: undefined, ...(fix === undefined ? {} : { fix }) };
}

const SYS_PIDFD_OPEN = 434; // The same on x86-64 and arm64.

async function supervision(): Promise<SupervisionReport> {
  try {
    const { default: koffi } = await import("koffi");
    const syscall = koffi.load(null).func("long syscall(long, long, long)");
    const fd = Number(syscall(SYS_PIDFD_OPEN, process.pid, 0));
    if (fd >= 0) closeSync(fd);
    return fd >= 0 ? { pidfd: true } : { pidfd: false, reason: `errno ${koffi.errno()}, kernel ${kernelRelease()}` };
  } catch (error) {
    return { pidfd: false, reason: errorText(error) };
  }
}

function kernelRelease(): string {
  return readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
}
