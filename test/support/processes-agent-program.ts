/** An agent with one task, as a process of its own that a test can kill: node <this> <keeper program> <folder> <script>. */
import { Agent } from "../../src/agent/agent.js";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import { REAL_CLOCK } from "../../src/base/clock.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { HOST, newTask } from "./processes-agent.js";

const [program, dir, script] = process.argv.slice(2) as [string, string, string];
const keeper = KeeperClient.spawn({ command: [process.execPath, program] });
const store = await EmbeddedStore.open();
await Agent.start({
  store,
  hostName: HOST,
  keeper,
  clock: REAL_CLOCK,
  stateDir: dir,
  shmBase: dir,
  workerCommand: ["/bin/sh", "-c", script],
});
await store.create(newTask({ workingDir: dir }));
setInterval(() => {}, 1000);
