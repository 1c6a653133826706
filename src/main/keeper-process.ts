/** Starts the keeper. Loads almost nothing, so that a command can do this first and load the rest while the keeper boots. */
import { fileURLToPath } from "node:url";
import { KeeperClient } from "../agent/keeper-client.js";

let early: KeeperClient | undefined;

/** Programs of this package, as they lie beside the bundle of this file. */
export function programPath(name: "cli" | "keeper" | "worker"): string {
  return fileURLToPath(new URL(`../main/${name}.js`, bundleUrl()));
}

/** Chunks of the bundle lie in dist/, entries in dist/main/. */
function bundleUrl(): string {
  return import.meta.url.includes("/dist/main/") ? import.meta.url : new URL("main/chunk.js", import.meta.url).href;
}

/** Starts a keeper before it is known whether it will be needed; see {@link takeKeeper}. */
export function startKeeperEarly(): void {
  early = spawnKeeper();
}

/** @returns the keeper that was started early, or a new one. The caller closes it. */
export function takeKeeper(): KeeperClient {
  const keeper = early ?? spawnKeeper();
  early = undefined;
  return keeper;
}

/** Ends a keeper that nobody took. */
export async function closeEarlyKeeper(): Promise<void> {
  const keeper = early;
  early = undefined;
  await keeper?.close();
}

function spawnKeeper(): KeeperClient {
  return KeeperClient.spawn({ command: [process.execPath, programPath("keeper")] });
}
