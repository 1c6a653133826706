/** `videoflow doctor`: looks at the machine and says how to repair what flows would miss. */
import { accessSync, constants, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { errorText } from "../base/errors.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import type { DeviceFlags } from "./program.js";
import { bytesText, renderTable } from "./table.js";
import type { DeviceView, InferenceReport, MediaReport, SupervisionReport, World } from "./world.js";

/** One line of the report. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail";
  readonly found: string;
  /** What repairs it; absent where nothing has to be repaired. */
  readonly fix?: string;
}

const OLDEST_NODE = [20, 10] as const;
/** A flow of 1080p frames fits; a container's usual 64 MiB does not hold it. */
const WANTED_SHM_BYTES = 512 * 1024 * 1024;

/** @returns success unless something fails that every flow needs. */
export async function doctor(flags: DeviceFlags, world: World): Promise<ExitCode> {
  const findings = await examine(world);
  world.out.write(flags.json === true ? `${JSON.stringify(findings, null, 2)}\n` : `${renderFindings(findings).join("\n")}\n`);
  return findings.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.success;
}

/** Lines of the report: a table, and below each line that is not ok its fix. */
export function renderFindings(findings: readonly Finding[]): string[] {
  const [, ...lines] = renderTable(
    [{ title: "" }, { title: "" }, { title: "" }],
    findings.map(({ level, check, found }) => [level.padEnd(4), check, found]),
  );
  return lines.flatMap((line, i) => {
    const fix = findings[i]?.fix;
    return fix === undefined ? [line] : [line, `      -> ${fix}`];
  });
}

async function examine(world: World): Promise<Finding[]> {
  const { engine } = world;
  return [
    judgeNode(process.versions.node),
    judgeShm(shmSpace("/dev/shm")),
    await attempt("ffmpeg", async () => judgeMedia(await engine.media())),
    await attempt("inference", async () => judgeInference(await engine.inference(), (await engine.devices({})).length)),
    await attempt("gpus", async () => judgeDevices(await engine.devices({}))),
    await attempt("supervision", async () => judgeSupervision(await engine.supervision())),
    judgeSetpriv(onPath("setpriv", world.env["PATH"])),
  ];
}

/** A check that cannot be made is a finding too. */
async function attempt(check: string, make: () => Promise<Finding>): Promise<Finding> {
  try {
    return await make();
  } catch (error) {
    return { check, level: "fail", found: errorText(error), fix: "Run npm ci (or npm install videoflow) again and look at its errors." };
  }
}

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const found = `Node.js ${version}`;
  if (isNewEnough) return { check: "node", level: "ok", found };
  return { check: "node", level: "fail", found, fix: `Install Node.js ${OLDEST_NODE.join(".")} or newer.` };
}

/** Size and free bytes of the file system of shared memory; undefined if it is not there. */
export function judgeShm(space: { readonly sizeBytes: number; readonly freeBytes: number } | undefined): Finding {
  const check = "shared memory";
  if (space === undefined) {
    return { check, level: "fail", found: "there is no /dev/shm", fix: "Mount a tmpfs at /dev/shm, or give --shm DIR on a tmpfs." };
  }
  const found = `/dev/shm has ${bytesText(space.sizeBytes)}, ${bytesText(space.freeBytes)} free`;
  if (space.freeBytes >= WANTED_SHM_BYTES) return { check, level: "ok", found };
  return {
    check,
    level: "warn",
    found,
    fix: "Large frames may not fit: start the container with --shm-size=1g, or remount: mount -o remount,size=1G /dev/shm",
  };
}

function shmSpace(folder: string): { sizeBytes: number; freeBytes: number } | undefined {
  try {
    const { bsize, blocks, bavail } = statfsSync(folder);
    return { sizeBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch {
    return undefined;
  }
}

export function judgeMedia({ source, h264, fix }: MediaReport): Finding {
  const check = "ffmpeg";
  if (source === undefined) return { check, level: "fail", found: "no FFmpeg", fix: fix ?? "Install it: apt-get install ffmpeg" };
  if (h264 === undefined)
    return {
      check,
      level: "warn",
      found: `${source}, no H.264 encoder`,
      fix: fix ?? "Install an FFmpeg with libx264: apt-get install ffmpeg",
    };
  return { check, level: "ok", found: `${source}, encodes H.264 with ${h264}` };
}

/** Without a GPU nothing is missing when CUDA does not load. */
export function judgeInference({ available, reason, fix }: InferenceReport, gpus: number): Finding {
  const check = "inference";
  if (available.length === 0) {
    return { check, level: "fail", found: reason ?? "onnxruntime does not load", fix: fix ?? "npm rebuild onnxruntime-node" };
  }
  const found = `onnxruntime computes on ${available.join(", ")}`;
  if (gpus === 0 || available.includes("cuda")) return { check, level: "ok", found };
  return { check, level: "warn", found: `${found}; not on cuda: ${reason ?? "unknown"}`, ...(fix === undefined ? {} : { fix }) };
}

export function judgeDevices(devices: readonly DeviceView[]): Finding {
  const check = "gpus";
  if (devices.length === 0) return { check, level: "ok", found: "none: every task runs on the CPU" };
  const blocked = devices.filter(({ unavailable }) => unavailable !== undefined);
  const found = `${devices.length}, of which ${devices.length - blocked.length} may be granted`;
  if (blocked.length === 0) return { check, level: "ok", found };
  return { check, level: "warn", found, fix: `videoflow devices says why: ${blocked[0]?.unavailable ?? ""}` };
}

export function judgeSupervision({ pidfd, reason }: SupervisionReport): Finding {
  const check = "supervision";
  if (pidfd) return { check, level: "ok", found: "processes are signalled by descriptor (pidfd)" };
  const fix = "Signals then go to pids: use Linux 5.3 or newer, and a seccomp profile that allows pidfd_open and pidfd_send_signal.";
  return { check, level: "warn", found: `pidfd does not work: ${reason ?? "unknown"}`, fix };
}

export function judgeSetpriv(path: string | undefined): Finding {
  const check = "setpriv";
  if (path !== undefined) return { check, level: "ok", found: path };
  return {
    check,
    level: "warn",
    found: "not installed",
    fix: "Tasks then rely on the keeper alone to end with it: apt-get install util-linux",
  };
}

/** @returns the absolute path of a program that can be executed. */
export function onPath(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
