/**
 * Which devices other runs of this machine hold: a file per device, named by the process that must be dead before it is free.
 * Flows of one agent share a store and need none of this; `videoflow run` has a store of its own each time.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { HostDevice } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { type FileLock, lockOwner, tryLock } from "../base/file-lock.js";
import { isAlive, type ProcessIdentity } from "../base/process-identity.js";

interface Hold {
  readonly flow: string;
  readonly holder: ProcessIdentity;
}

const LOOK_MS = 20;
const PATIENCE_MS = 10_000;

/** The folder that all runs of this user on this machine share. */
export function holdsFolder(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_RUNTIME_DIR"] ?? tmpdir(), `videoflow-${userInfo().uid}`, "devices");
}

/** The devices of one run. Between {@link enter} and {@link hold} no other run of this user decides about devices. */
export class DeviceHolds {
  readonly #folder: string;
  readonly #self: Hold;
  readonly #held: string[] = [];
  #admission: FileLock | undefined;

  /** @param holder the process whose end frees the devices: the keeper, which outlives every task. */
  constructor(folder: string, flow: string, holder: ProcessIdentity) {
    this.#folder = folder;
    this.#self = { flow, holder };
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Waits until no other run is between its look at the devices and its hold. @throws OperatorError DEVICES_LOCKED. */
  async enter(nowMs: () => number): Promise<void> {
    const file = join(this.#folder, "admission.pid");
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
      return { ...device, healthy: false, reason: "Held", message: `held by flow ${other.flow}, keeper pid ${other.holder.pid}` };
    });
  }

  /** Holds what was granted and lets the next run decide. */
  hold(uuids: readonly string[]): void {
    for (const uuid of uuids) {
      writeFileSync(this.#path(uuid), JSON.stringify(this.#self), { mode: 0o600 });
      this.#held.push(uuid);
    }
    this.#leave();
  }

  /** Gives everything back; call it when every task is dead. */
  release(): void {
    for (const uuid of this.#held.splice(0)) rmSync(this.#path(uuid), { force: true });
    this.#leave();
  }

  #leave(): void {
    this.#admission?.release();
    this.#admission = undefined;
  }

  #holderOf(uuid: string): Hold | undefined {
    const hold = this.#read(uuid);
    return hold === undefined || hold.holder.pid === this.#self.holder.pid || !isAlive(hold.holder) ? undefined : hold;
  }

  #read(uuid: string): Hold | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(uuid), "utf8")) as Hold;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #path(uuid: string): string {
    return join(this.#folder, `${uuid.replace(/[^A-Za-z0-9-]/g, "_")}.json`);
  }
}
