/** Where a keeper that outlives its agents is found: files of the agent's state folder. */
import { join } from "node:path";

/** The socket on which it waits for an agent. */
export function keeperSocket(stateDir: string): string {
  return join(stateDir, "keeper.sock");
}

/** Who it is: {@link import("./keeper-protocol.js").KeeperFile}, there from before its first task until its orderly end. */
export function keeperFile(stateDir: string): string {
  return join(stateDir, "keeper.json");
}

/** Exit records that no agent has taken note of yet, one file each. */
export function exitsDir(stateDir: string): string {
  return join(stateDir, "exits");
}
