/**
 * Which devices the others of this machine hold: a file per device, named by the process that must be dead before it is free.
 * Flows of one agent share a store and need none of this among themselves; `videoflow run` has a store of its own each time.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostDevice } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { type FileLock, lockOwner, tryLock } from "../base/file-lock.js";
import { makeFolder } from "../base/make-folder.js";
import { isAlive, type ProcessIdentity } from "../base/process-identity.js";

interface Hold {
  readonly flow: string;
  readonly holder: ProcessIdentity;
}

const LOOK_MS = 20;
const PATIENCE_MS = 10_000;

/** The folder that all runs of this user on this machine share. */
export function holdsFolder(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_RUNTIME_DIR"] ?? tmpdir(), `videoflow-${process.getuid?.() ?? 0}`, "devices");
}

/**
 * The devices of one run, or of an agent. A run decides between {@link enter} and {@link hold}, and nobody else of this user
 * then; an agent decides at any time and takes what it granted just before a task starts ({@link take}).
 */
export class DeviceHolds {
  readonly #folder: string;
  readonly #flow: string;
  readonly #holder: () => ProcessIdentity;
  readonly #held = new Set<string>();
  #admission: FileLock | undefined;

  /** @param holder the process whose end frees the devices: the keeper, which outlives every task. */
  constructor(folder: string, flow: string, holder: ProcessIdentity | (() => ProcessIdentity)) {
    this.#folder = folder;
    this.#flow = flow;
    this.#holder = typeof holder === "function" ? holder : () => holder;
  }

  /** Waits until no other run is between its look at the devices and its hold. @throws OperatorError DEVICES_LOCKED. */
  async enter(nowMs: () => number): Promise<void> {
    const file = this.#admissionPath();
    const endMs = nowMs() + PATIENCE_MS;
    for (;;) {
      this.#admission = tryLock(file);
      if (this.#admission !== undefined) return;
      if (nowMs() > endMs) throw new OperatorError("DEVICES_LOCKED", { pid: lockOwner(file) });
      await new Promise((resume) => setTimeout(resume, LOOK_MS));
    }
  }

  /** @returns the devices; those that another live run holds cannot be granted and say by whom they are held. */
  mark(devices: readonly HostDevice[]): HostDevice[] {
    return devices.map((device) => {
      const other = this.#holderOf(device.uuid);
      if (other === undefined) return device;
      return { ...device, healthy: false, reason: "Held", message: heldBy(other) };
    });
  }

  /** Holds what was granted and lets the next run decide. */
  hold(uuids: readonly string[]): void {
    this.#write(uuids);
    this.#leave();
  }

  /** Holds devices for a task that is about to start. @returns who stands in the way; undefined when they are held. */
  take(uuids: readonly string[]): string | undefined {
    if (uuids.every((uuid) => this.#isOwn(this.#read(uuid)))) return undefined;
    const file = this.#admissionPath();
    const lock = tryLock(file);
    if (lock === undefined) return `pid ${lockOwner(file)} decides about devices now`;
    try {
      const other = uuids.map((uuid) => ({ uuid, hold: this.#holderOf(uuid) })).find(({ hold }) => hold !== undefined);
      if (other !== undefined) return `${other.uuid} is ${heldBy(other.hold as Hold)}`;
      this.#write(uuids);
      return undefined;
    } finally {
      lock.release();
    }
  }

  /** Gives back what this holder has, also of an earlier process that used it, except these. */
  keepOnly(uuids: readonly string[]): void {
    const kept = new Set(uuids.map((uuid) => this.#path(uuid)));
    if (!existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder).filter((file) => file.endsWith(".json"))) {
      const path = join(this.#folder, name);
      if (!kept.has(path) && this.#isOwn(readHold(path))) rmSync(path, { force: true });
    }
  }

  /** Gives everything back; call it when every task is dead. */
  release(): void {
    for (const uuid of this.#held) rmSync(this.#path(uuid), { force: true });
    this.#held.clear();
    this.#leave();
  }

  #leave(): void {
    this.#admission?.release();
    this.#admission = undefined;
  }

  #write(uuids: readonly string[]): void {
    const self: Hold = { flow: this.#flow, holder: this.#holder() };
    for (const uuid of uuids) {
      const path = this.#path(uuid);
      writeFileSync(`${path}.tmp`, JSON.stringify(self), { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
      this.#held.add(uuid);
    }
  }

  #isOwn(hold: Hold | undefined): boolean {
    const { pid, startTime, bootId } = this.#holder();
    return hold?.holder.pid === pid && hold.holder.startTime === startTime && hold.holder.bootId === bootId;
  }

  #holderOf(uuid: string): Hold | undefined {
    const hold = this.#read(uuid);
    return hold === undefined || this.#isOwn(hold) || !isAlive(hold.holder) ? undefined : hold;
  }

  #read(uuid: string): Hold | undefined {
    return readHold(this.#path(uuid));
  }

  /** In a folder that is there: what cleans up temporary folders may have removed it. */
  #admissionPath(): string {
    makeFolder(this.#folder, 0o700);
    return join(this.#folder, "admission.pid");
  }

  #path(uuid: string): string {
    return join(this.#folder, `${uuid.replace(/[^A-Za-z0-9-]/g, "_")}.json`);
  }
}

function heldBy({ flow, holder }: Hold): string {
  return `held by ${flow}, keeper pid ${holder.pid}`;
}

/** @returns undefined if there is none, or the machine died while it was written: nobody who wrote it then lives. */
function readHold(path: string): Hold | undefined {
  try {
    const hold = JSON.parse(readFileSync(path, "utf8")) as Hold | null;
    return hold?.holder === undefined ? undefined : hold;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
