/** The keeper of a daemon: the one that an earlier agent has left, or a new one. What a dead one left is swept first. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KeeperClient } from "../agent/keeper-client.js";
import { killMarked } from "../agent/leftovers.js";
import { OperatorError } from "../base/errors.js";
import { keeperFile, keeperSocket } from "../base/keeper-places.js";
import type { KeeperFile } from "../base/keeper-protocol.js";
import { isAlive } from "../base/process-identity.js";
import { signalProcess } from "../base/process-signal.js";
import { programPath } from "./keeper-process.js";

const LOOK_MS = 5;
/** A keeper that lives but does not answer for so long is ended: it could hold its tasks for ever. */
const PATIENCE_MS = 5_000;

/** A keeper may die while it is greeted; one that dies again and again is a fault that must be seen. */
const ATTEMPTS = 3;

/** @throws OperatorError KEEPER_LOST, KEEPER_VERSION */
export async function openKeeper(stateDir: string): Promise<KeeperClient> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await findOrStart(stateDir);
    } catch (error) {
      const lost = error instanceof OperatorError && error.code === "KEEPER_LOST";
      if (!lost || attempt === ATTEMPTS) throw error;
    }
  }
}

async function findOrStart(stateDir: string): Promise<KeeperClient> {
  const left = readKeeperFile(stateDir);
  if (left !== undefined && isAlive(left.identity)) {
    const client = await connectPatiently(stateDir, () => isAlive(left.identity));
    if (client !== undefined) return ready(client);
    signalProcess(left.identity, "SIGKILL");
  }
  await killMarked(left?.keeperId);
  return startKeeper(stateDir);
}

/** Starts a keeper in a session of its own and connects to it. Its errors go to keeper.log. */
async function startKeeper(stateDir: string): Promise<KeeperClient> {
  const log = openSync(join(stateDir, "keeper.log"), "a", 0o600);
  const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, [programPath("keeper"), stateDir], { detached: true, stdio: ["ignore", "ignore", log], env });
  closeSync(log);
  child.unref();
  let lives = true;
  for (const end of ["exit", "error"]) child.once(end, () => (lives = false));
  const client = await connectPatiently(stateDir, () => lives);
  if (client === undefined) throw new OperatorError("KEEPER_LOST", {});
  return ready(client);
}

async function ready(client: KeeperClient): Promise<KeeperClient> {
  await client.ready;
  return client;
}

/** @returns undefined if the keeper is gone or does not answer in time. */
async function connectPatiently(stateDir: string, lives: () => boolean): Promise<KeeperClient | undefined> {
  const endMs = performance.now() + PATIENCE_MS;
  while (performance.now() < endMs && lives()) {
    const client = await tryConnect(stateDir);
    if (client !== undefined) return client;
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
  }
  return undefined;
}

async function tryConnect(stateDir: string): Promise<KeeperClient | undefined> {
  try {
    return await KeeperClient.connect(keeperSocket(stateDir));
  } catch {
    return undefined;
  }
}

/** @returns undefined if there never was a keeper, or it ended in order. */
function readKeeperFile(stateDir: string): KeeperFile | undefined {
  try {
    return JSON.parse(readFileSync(keeperFile(stateDir), "utf8")) as KeeperFile;
  } catch {
    return undefined;
  }
}
