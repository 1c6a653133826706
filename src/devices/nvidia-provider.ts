/** NVIDIA GPUs as nvidia-smi tells them. */
import type { HostDevice } from "../api/kinds.js";
import { type CommandResult, runCommand } from "./command.js";
import {
  GPU_QUERY,
  type GpuLine,
  PROCESS_QUERY,
  parseGpus,
  parseMigInstances,
  parseProcesses,
  parseReadings,
  READING_QUERY,
} from "./nvidia-parse.js";
import type { ComputeProcess, DeviceInventory, DeviceProvider, DeviceReadings } from "./provider.js";

export interface NvidiaOptions {
  /** Path of nvidia-smi; default: found in PATH. */
  readonly command?: string;
  /** Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Grant GPUs on which a stranger computes. */
  readonly allowBusy?: boolean;
  /** Whether a process is one of this agent's tasks; absent: all are strangers. */
  readonly isOwnProcess?: (pid: number) => boolean;
  /** For tests: runs nvidia-smi. */
  readonly run?: (args: readonly string[]) => Promise<CommandResult>;
}

const TIMEOUT_MS = 5_000;
const FORMAT = "--format=csv,noheader,nounits";

export class NvidiaProvider implements DeviceProvider {
  readonly #options: NvidiaOptions;
  readonly #run: (args: readonly string[]) => Promise<CommandResult>;

  constructor(options: NvidiaOptions = {}) {
    this.#options = options;
    this.#run = options.run ?? ((args) => runCommand(options.command ?? "nvidia-smi", args, options.timeoutMs ?? TIMEOUT_MS));
  }

  async list(): Promise<DeviceInventory> {
    const [answer, processes] = await Promise.all([
      this.#run([`--query-gpu=${GPU_QUERY}`, FORMAT]),
      this.#run([`--query-compute-apps=${PROCESS_QUERY}`, FORMAT]),
    ]);
    const problem = problemOf(answer);
    const gpus = parseGpus(answer.stdout);
    if (gpus.length === 0) return { provider: "none", devices: [], message: problem ?? "nvidia-smi lists no GPU" };
    const instances = gpus.some(({ mig }) => mig) ? parseMigInstances((await this.#run(["-L"])).stdout) : [];
    const unknown = problemOf(processes);
    const computing = parseProcesses(processes.stdout);
    const devices = withInstances(gpus, instances).map((device) => this.#checkBusy(device, computing));
    const message = problem ?? (unknown === undefined ? undefined : `it is not known who computes on the GPUs: ${unknown}`);
    return { provider: "nvidia", devices, processes: computing, ...(message === undefined ? {} : { message }) };
  }

  async readings(): Promise<DeviceReadings> {
    const [devices, processes] = await Promise.all([
      this.#run([`--query-gpu=${READING_QUERY}`, FORMAT]),
      this.#run([`--query-compute-apps=${PROCESS_QUERY}`, FORMAT]),
    ]);
    return { devices: parseReadings(devices.stdout), processes: parseProcesses(processes.stdout) };
  }

  #checkBusy(device: HostDevice, processes: readonly ComputeProcess[]): HostDevice {
    if (this.#options.allowBusy === true || !device.healthy) return device;
    const stranger = processes.find(
      ({ uuid, pid }) => (uuid === device.uuid || uuid === device.parent) && this.#options.isOwnProcess?.(pid) !== true,
    );
    return stranger === undefined ? device : { ...device, healthy: false, reason: "Busy", message: busyText(stranger) };
  }
}

/** A GPU in MIG mode is given in instances, not as a whole. */
function withInstances(gpus: readonly GpuLine[], instances: readonly HostDevice[]): HostDevice[] {
  return gpus.flatMap(({ device, mig }) => (mig ? instances.filter(({ parent }) => parent === device.uuid) : [device]));
}

function busyText({ pid, name, usedMiB }: ComputeProcess): string {
  return `busy: pid ${pid}, ${name}, ${usedMiB === undefined ? "unknown" : usedMiB} MiB`;
}

/** Why the answer is not to be relied on. */
function problemOf({ outcome, code, stdout, stderr }: CommandResult): string | undefined {
  if (outcome === "NotFound") return "nvidia-smi is not installed: no NVIDIA driver on this machine";
  if (outcome === "TimedOut") return "nvidia-smi hangs and was cut off: the driver may need a restart of the machine";
  if (code === 0) return undefined;
  const [line] = `${stderr}\n${stdout}`.trim().split("\n");
  return `nvidia-smi failed with exit code ${code}: ${line ?? ""}`;
}
