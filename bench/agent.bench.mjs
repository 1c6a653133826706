// What an agent and its keeper cost while 20 tasks run and nothing happens: CPU a minute of both, memory of each.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { applyFlow, endDaemon, startAgent } from "./daemon.mjs";
import { consumer, flowName, processor, producer } from "./flows.mjs";
import { rounded, withFolder } from "./measure.mjs";

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ smoke, log }) {
  const [tasks, seconds] = smoke ? [3, 1] : [20, 60];
  return withFolder(async (folder) => {
    const nodes = [
      producer("source", "Silent", { seconds: 3600 }),
      processor("same", "Same", ["source"], {}, { nbTasks: tasks - 2 }),
      consumer("sink", "=VoidConsumer", ["same"]),
    ];
    const daemon = await startAgent(folder);
    try {
      await applyFlow(folder, flowName(), nodes, tasks, { flowType: "Realtime" });
      await sleep(smoke ? 200 : 5_000); // The start is over.
      const pids = [daemon.child.pid, daemon.keeperPid];
      const before = pids.map(cpuSecondsOf);
      await sleep(seconds * 1000);
      const [agent, keeper] = pids.map((pid, i) => ((cpuSecondsOf(pid) - before[i]) * 60) / seconds);
      log(`agent ${rounded(agent)} s, keeper ${rounded(keeper)} s a minute`);
      const [agentRssMb, keeperRssMb] = pids.map(rssMbOf);
      return {
        cpuSecondsPerMinute: rounded(agent + keeper),
        agentRssMb: rounded(agentRssMb, 1),
        keeperRssMb: rounded(keeperRssMb, 1),
      };
    } finally {
      await endDaemon(daemon);
    }
  });
}

function cpuSecondsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function rssMbOf(pid) {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}
