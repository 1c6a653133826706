// An agent that is killed while 50 tasks run: from the start of the next one until it answers for all of them.
import { applyFlow, endDaemon, startAgent } from "./daemon.mjs";
import { consumer, flowName, liveTasks, processor, producer } from "./flows.mjs";
import { median, monotonicMs, rounded, withFolder } from "./measure.mjs";

export async function run({ smoke, runs, log }) {
  const tasks = smoke ? 4 : 50;
  return withFolder(async (folder) => {
    const name = flowName();
    const nodes = [
      producer("source", "Silent", { seconds: 3600 }),
      processor("same", "Same", ["source"], {}, { nbTasks: tasks - 2 }),
      consumer("sink", "=VoidConsumer", ["same"]),
    ];
    let daemon = await startAgent(folder);
    try {
      await applyFlow(folder, name, nodes, tasks, { flowType: "Realtime" });
      const pids = pidsOf(name);
      const times = [];
      let restartedTasks = 0;
      for (let i = 0; i < runs; i += 1) {
        const ended = new Promise((resolve) => daemon.child.once("exit", resolve));
        daemon.child.kill("SIGKILL");
        await ended;
        const startMs = monotonicMs();
        daemon = await startAgent(folder);
        times.push(monotonicMs() - startMs);
        restartedTasks = pids.filter((pid) => !pidsOf(name).includes(pid)).length;
        log(`${rounded(times[i], 1)} ms, ${restartedTasks} restarted`);
      }
      return { tasks, adoptMs: rounded(median(times), 1), restartedTasks };
    } finally {
      await endDaemon(daemon);
    }
  });
}

function pidsOf(flow) {
  return liveTasks(flow).map(({ pid }) => pid);
}
