/**
 * The process of the keeper: `keeper.js` with a socket on descriptor 3, whose end is the end of everything below it; or
 * `keeper.js STATE_DIR`, which waits for agents on a Unix socket of that folder and outlives them.
 * Deaf to the terminal's signals: only the agent, or its death, ends a keeper.
 */
import { Socket } from "node:net";
import { REAL_CLOCK } from "../base/clock.js";
import { type AgentMessage, KEEPER_SOCKET_FD } from "../base/keeper-protocol.js";
import { readLines } from "../base/lines.js";
import { Keeper } from "../keeper/keeper.js";
import { prepareRecovery, recover } from "./recover-memory.js";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.title = "videoflow: keeper";

const stateDir = process.argv[2];
if (stateDir === undefined) serveOne();
else void import("../keeper/service.js").then(({ serveAgents }) => serveAgents(stateDir, recover, new Set(), prepareRecovery));

function serveOne(): void {
  const socket = new Socket({ fd: KEEPER_SOCKET_FD, readable: true, writable: true });
  const keeper = new Keeper({ clock: REAL_CLOCK, recover, end: () => process.exit(0) });
  readLines(socket, (line) => keeper.receive(JSON.parse(line) as AgentMessage));
  socket.on("error", () => void keeper.terminate());
  socket.on("close", () => void keeper.terminate());
  keeper.start();
  void keeper.attach((message) => socket.writable && socket.write(`${JSON.stringify(message)}\n`));
}
