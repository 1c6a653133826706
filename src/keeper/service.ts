/** A keeper that waits for its agents on a Unix socket. One agent at a time: a new one takes the place of the one before. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { REAL_CLOCK } from "../base/clock.js";
import { keeperFile, keeperSocket } from "../base/keeper-places.js";
import type { AgentMessage, KeeperFile, TaskMemory } from "../base/keeper-protocol.js";
import { readLines } from "../base/lines.js";
import { listenPrivately } from "../base/private-socket.js";
import { TaskGroups } from "./cgroup.js";
import { Keeper } from "./keeper.js";

/**
 * @param stateDir of the agent, who owns it (its lock) and has made sure that no other keeper lives.
 * @param recover  brings the shared memory of a dead task in order.
 * @param siblings children of this process that are no tasks.
 * @param prepareRecovery loads what `recover` needs.
 * @param ended called when an agent has let this keeper go, which then waits for agents however long that takes; absent: the process
 *   ends then, and where it has nothing to keep and no agent comes.
 */
export async function serveAgents(
  stateDir: string,
  recover: (memory: TaskMemory, ordered: boolean) => Promise<void>,
  siblings: ReadonlySet<number> = new Set(),
  prepareRecovery: () => void = () => {},
  ended?: () => void,
): Promise<void> {
  const [path, file] = [keeperSocket(stateDir), keeperFile(stateDir)];
  const line: Line = {};
  const keeper = new Keeper({
    clock: REAL_CLOCK,
    recover,
    prepareRecovery,
    siblings,
    isPatient: ended !== undefined,
    groups: (keeperId) => TaskGroups.open(keeperId),
    end: () => {
      if (isOurs(file, self)) for (const left of [path, file]) rmSync(left, { force: true });
      line.present?.destroy();
      if (ended === undefined) process.exit(0);
      else ended();
    },
  });
  const self = keeper.start();
  writeFileSync(`${file}.tmp`, JSON.stringify(self), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  await listen(path, keeper, line);
}

/** An agent that did not find this keeper in time has started another, whose files these are now. */
function isOurs(file: string, self: KeeperFile): boolean {
  return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as KeeperFile).keeperId === self.keeperId;
}

/** The connection of the agent that is served now. */
interface Line {
  present?: Socket | undefined;
}

function listen(path: string, keeper: Keeper, line: Line): Promise<void> {
  const server = createServer((socket) => {
    if (line.present !== undefined) keeper.detach();
    line.present?.destroy();
    line.present = socket;
    readLines(socket, (line) => keeper.receive(JSON.parse(line) as AgentMessage));
    socket.on("error", () => socket.destroy()); // "close" follows.
    socket.on("close", () => {
      if (line.present !== socket) return;
      line.present = undefined;
      keeper.detach();
    });
    void keeper.attach((message) => socket.writable && socket.write(`${JSON.stringify(message)}\n`));
  });
  return listenPrivately(server, path);
}
