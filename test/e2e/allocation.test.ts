import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chainNodes, type Step } from "../support/chain.js";
import { eventually, gpus, gpuUuid, type LiveTask, liveTasks, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

interface Start {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}
type Way = (place: Workplace, steps: readonly Step[], ticker?: { nbTasks?: number }) => Start;

const yaml: Way = (place, steps, ticker) => ({ file: writeManifest(place, chainNodes(steps, ticker)), env: {} });

const typescript: Way = (place, steps, ticker = {}) => {
  const options = steps.map(({ component, name, nbTasks, gpu }) => ({
    component,
    options: { name, nbTasks, deviceType: gpu ? "gpu" : "cpu" },
  }));
  return {
    file: resolve("test/fixtures/flows/chain.ts"),
    env: { CHAIN_NAME: place.flow, CHAIN_STEPS: JSON.stringify(options), CHAIN_TICKER: JSON.stringify(ticker) },
  };
};

const visible = (tasks: readonly LiveTask[], node: string) =>
  tasks.filter((task) => task.node === node).map((task) => task.env.get("CUDA_VISIBLE_DEVICES"));

describe.each<[string, Way]>([
  ["YAML", yaml],
  ["TypeScript", typescript],
])("a flow in %s", (_name, way) => {
  let place: Workplace;
  beforeEach(() => {
    place = workplace();
  });
  afterEach(() => place.remove());

  function start(steps: readonly Step[], gpuCount: number, env: Record<string, string>, ticker?: { nbTasks: number }) {
    const { file, env: own } = way(place, steps, ticker);
    return place.run(file, gpus(place, gpuCount), { env: { ...own, ...env } });
  }

  /** Starts the flow, waits for its tasks, looks, kills it: how a flow drains is tested elsewhere. */
  async function tasksOf(steps: readonly Step[], gpuCount: number, expected: number, env: Record<string, string> = {}) {
    const flow = start(steps, gpuCount, env);
    const tasks = await eventually(
      () => `${expected} tasks: ${liveTasks(place.flow).length} ${flow.output}`,
      () => {
        const live = liveTasks(place.flow);
        return live.length >= expected && live.every((task) => task.env.has("CUDA_VISIBLE_DEVICES")) ? live : undefined;
      },
    );
    flow.signal("SIGINT");
    await eventually("the first Ctrl-C", () => flow.output.includes("once more to kill"));
    flow.signal("SIGINT");
    const { code, out, err } = await flow.ended;
    return { tasks, code, text: out + err, left: place.leftovers() };
  }

  /** Starts a flow that must be refused. */
  async function refused(steps: readonly Step[], gpuCount: number, ticker?: { nbTasks: number }) {
    const { code, out, err } = await start(steps, gpuCount, {}, ticker).ended;
    return { code, text: out + err };
  }

  test("requirement 1: nbTasks n gives a processor n processes, made when the flow runs", async () => {
    const { tasks, code, left } = await tasksOf([{ component: "CpuOnly", name: "work", nbTasks: 3 }], 0, 5);

    expect(tasks.map(({ node, index }) => `${node}.${index}`)).toEqual(["sink.0", "ticker.0", "work.0", "work.1", "work.2"]);
    expect(new Set(tasks.map(({ pid }) => pid)).size).toBe(5);
    expect([code, left]).toEqual([137, []]);
  });

  test("requirement 2: a producer with more than one task is refused", async () => {
    const { code, text } = await refused([{ component: "CpuOnly", name: "work" }], 0, { nbTasks: 2 });

    expect(code).toBe(2);
    expect(text).toMatch(/nbTasks/);
  });

  test("requirement 3: a OneTaskProcessorNode gets one task and its user is told", async () => {
    const { tasks, text } = await tasksOf([{ component: "Summer", name: "sum", nbTasks: 4 }], 0, 3);

    expect(tasks.map(({ node }) => node)).toEqual(["sink", "sum", "ticker"]);
    expect(text).toMatch(/sum.*(one task|nbTasks)/i);
  });

  test("requirement 4: more CPU-bound tasks than cores are allowed and warned about with both numbers", async () => {
    const nbTasks = availableParallelism() + 1;
    const { text } = await tasksOf([{ component: "CpuOnly", name: "work", nbTasks }], 0, nbTasks + 2);

    expect(text).toMatch(new RegExp(`${nbTasks}\\D+${availableParallelism()}\\D`));
  });

  test.each([
    [0, ["-1", "-1", "-1"]],
    [1, [gpuUuid(0), "-1", "-1"]],
    [2, [gpuUuid(0), gpuUuid(1), "-1"]],
    [4, [gpuUuid(0), gpuUuid(1), gpuUuid(2)]],
  ])("requirement 5: three GPU wishes on %i GPUs get a GPU each while there are any", async (count, expected) => {
    const { tasks, text } = await tasksOf([{ component: "Wisher", name: "wish", nbTasks: 3, gpu: true }], count, 5);

    expect(visible(tasks, "wish")).toEqual(expected);
    expect(text).toMatch(/wish/);
  });

  test("requirement 5: a claim that needs a GPU goes before four wishes upstream", async () => {
    const steps: Step[] = [
      { component: "Wisher", name: "wish", nbTasks: 4, gpu: true },
      { component: "GpuOnly", name: "need", gpu: true },
    ];
    const { tasks } = await tasksOf(steps, 4, 7);

    expect(visible(tasks, "wish").filter((devices) => devices === "-1")).toHaveLength(1);
    expect(visible(tasks, "need")).not.toContain("-1");
    expect(new Set([...visible(tasks, "wish"), ...visible(tasks, "need")]).size).toBe(5);
  });

  test("requirement 6: a GPU held by one node is not given to another", async () => {
    const steps: Step[] = [
      { component: "Wisher", name: "first", gpu: true },
      { component: "Wisher", name: "second", gpu: true },
    ];
    const { tasks } = await tasksOf(steps, 1, 4);

    expect([...visible(tasks, "first"), ...visible(tasks, "second")]).toEqual([gpuUuid(0), "-1"]);
  });

  test("requirement 7: a node that can only run on a GPU fails the flow before any process starts", async () => {
    const { code, text } = await refused([{ component: "GpuOnly", name: "need", gpu: true }], 0);

    expect(code).toBe(3);
    expect(text).toMatch(/need.*0/s);
  });

  test("requirement 8: a task on the CPU sees no GPU at all", async () => {
    const { tasks } = await tasksOf([{ component: "CpuOnly", name: "work" }], 2, 3);

    for (const { env } of tasks) {
      expect(["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"].map((name) => env.get(name))).toEqual([
        "-1",
        "-1",
        "-1",
      ]);
    }
  });

  test("requirement 9: the agent's own CUDA_VISIBLE_DEVICES limits what may be granted, in its order", async () => {
    const env = { CUDA_VISIBLE_DEVICES: `${gpuUuid(2)},0` };
    const { tasks } = await tasksOf([{ component: "Wisher", name: "wish", nbTasks: 3, gpu: true }], 4, 5, env);

    expect(visible(tasks, "wish")).toEqual([gpuUuid(2), gpuUuid(0), "-1"]);
  });
});
