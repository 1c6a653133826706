import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, gpus, gpuUuid, liveTasks, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let places: Workplace[];

beforeEach(() => {
  places = [workplace(), workplace()];
});

afterEach(async () => {
  for (const place of places) await place.remove();
});

function wishingFlow(place: Workplace): string {
  return writeManifest(place, [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker` },
    { name: "wish", role: "Processor", component: `${NODES}#Wisher`, inputs: ["ticker"], deviceType: "GPU" },
    { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["wish"] },
  ]);
}

test("requirement 6: a GPU held by another flow is not given away, and is free again after it", async () => {
  const [first, second] = places as [Workplace, Workplace];
  const env = { XDG_RUNTIME_DIR: first.dir };
  const start = async (place: Workplace) => {
    const flow = place.run(wishingFlow(place), gpus(place, 1), { env });
    const tasks = await eventually("three tasks", () => {
      const live = liveTasks(place.flow);
      return live.length === 3 && live.every((task) => task.env.has("CUDA_VISIBLE_DEVICES")) ? live : undefined;
    });
    return { flow, granted: tasks.find(({ node }) => node === "wish")?.env.get("CUDA_VISIBLE_DEVICES") };
  };

  const holder = await start(first);
  const other = await start(second);
  holder.flow.signal("SIGINT");
  await holder.flow.ended;
  other.flow.signal("SIGINT");
  const { err } = await other.flow.ended;
  const later = await start(first);
  later.flow.signal("SIGINT");
  await later.flow.ended;

  expect([holder.granted, other.granted, later.granted]).toEqual([gpuUuid(0), "-1", gpuUuid(0)]);
  expect(err).toMatch(new RegExp(`held by flow ${first.flow}`));
});
