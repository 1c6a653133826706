import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  eventually,
  type FlowProcess,
  type LiveTask,
  liveTasks,
  memoryOf,
  NODES,
  type Workplace,
  workplace,
  writeManifest,
} from "../support/flow-process.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const TASKS = ["sink.0", "ticker.0", "work.0", "work.1"];
const named = (tasks: readonly LiveTask[]) => tasks.map(({ node, index }) => `${node}.${index}`);

/** Sixth field of /proc/PID/stat, behind the name in parentheses. */
const sessionOf = (pid: number) =>
  Number(
    readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ")[3],
  );

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

/** ticker -> work -> sink, which writes one line per message. */
function chain(ticker: object, work: object = { nbTasks: 2 }): string {
  return writeManifest(place, [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: ticker },
    { name: "work", role: "Processor", component: `${NODES}#CpuOnly`, inputs: ["ticker"], ...work },
    { name: "sink", role: "Consumer", component: `${NODES}#Liner`, inputs: ["work"], params: { path: place.path("seen") } },
  ]);
}

const seen = () => place.lines("seen").map(Number);

/** Waits until messages arrive at the sink. @returns the live tasks. */
async function flowing(flow: FlowProcess, atLeast = 5): Promise<LiveTask[]> {
  await eventually(
    () => `${atLeast} messages: ${flow.output}`,
    () => seen().length >= atLeast,
  );
  return liveTasks(place.flow);
}

describe("a flow of processes", () => {
  test("runs to its end, in order behind three tasks, and leaves nothing", async () => {
    const { code, out } = await place.run(chain({ count: 60, everyMs: 1 }, { nbTasks: 3 })).ended;

    expect([code, out]).toEqual([0, expect.stringContaining("Succeeded")]);
    expect(seen()).toEqual(numbers(60));
    expect(place.leftovers()).toEqual([]);
  });

  test("is one process per task, each in a session that no Ctrl-C of the runner's terminal reaches", async () => {
    const flow = place.run(chain({}));
    const tasks = await flowing(flow);
    const sessions = tasks.map(({ pid }) => sessionOf(pid));
    flow.signal("SIGINT");
    const { code } = await flow.ended;

    expect(named(tasks)).toEqual(TASKS);
    expect(sessions).not.toContain(sessionOf(process.pid));
    expect(sessions).not.toContain(flow.child.pid);
    expect(code).toBe(130);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("drains on %s: all that was given out arrives", async (signal) => {
    const flow = place.run(chain({ everyMs: 2 }));
    await flowing(flow);

    flow.signal(signal);
    const { code, out, err } = await flow.ended;

    expect([code, err]).toEqual([130, expect.stringContaining("finishing what is in flight")]);
    expect(seen()).toEqual(numbers(seen().length));
    expect(Number(/ticker +1 +(\d+)/.exec(out)?.[1])).toBe(seen().length);
    expect(place.leftovers()).toEqual([]);
  });

  test("is killed by a second Ctrl-C while a task hangs in user code", async () => {
    const hanging = { component: `${NODES}#Hanger`, params: { path: place.path("hanging") } };
    const flow = place.run(chain({}, hanging));
    await eventually(
      () => `a task that hangs: ${flow.output}`,
      () => existsSync(place.path("hanging")),
    );

    flow.signal("SIGINT");
    await eventually("the first Ctrl-C", () => flow.output.includes("once more to kill"));
    flow.signal("SIGINT");
    const { code } = await flow.ended;

    expect(code).toBe(137);
    expect(place.leftovers()).toEqual([]);
  });

  test("is gone, memory and all, after kill -9 of its runner", async () => {
    const flow = place.start(["run", chain({}), "--plain"]);
    const [task] = await flowing(flow);
    const memory = memoryOf(task?.pid ?? 0) ?? "";
    const wasThere = existsSync(memory);

    flow.signal("SIGKILL");
    await flow.ended;

    await eventually("no task", () => liveTasks(place.flow).length === 0);
    await eventually("no memory", () => !existsSync(memory));
    expect([wasThere, memory]).toEqual([true, expect.stringContaining(`/dev/shm/videoflow-${process.getuid?.()}/`)]);
  });

  test("goes on where it was when a replica is killed", async () => {
    const flow = place.run(chain({ count: 150, everyMs: 5 }));
    const tasks = await flowing(flow);

    process.kill(tasks.find(({ node }) => node === "work")?.pid ?? 0, "SIGKILL");
    const { code, out, err } = await flow.ended;

    expect([code, out]).toEqual([0, expect.stringContaining("Succeeded")]);
    expect(err).toMatch(/work\.\d: Restarting: restart 1, after SIGKILL/);
    expect(seen()).toEqual(numbers(150));
    expect(place.leftovers()).toEqual([]);
  });

  test("written in TypeScript runs by plain import, does not start itself again, and drains on Ctrl-C", async () => {
    const env = { CHAIN_NAME: place.flow, CHAIN_STEPS: "[]", CHAIN_TICKER: "{}" };
    const flow = place.start([], { env, cwd: resolve("."), program: ["--import", "tsx", resolve("test/fixtures/flows/chain.ts")] });
    const tasks = await eventually("two tasks", () => (liveTasks(place.flow).length === 2 ? liveTasks(place.flow) : undefined));
    const memory = await eventually("memory", () => memoryOf(tasks[0]?.pid ?? 0));

    flow.signal("SIGINT");
    await flow.ended;

    expect(named(tasks)).toEqual(["sink.0", "ticker.0"]);
    expect([liveTasks(place.flow), existsSync(memory)]).toEqual([[], false]);
  });
});
