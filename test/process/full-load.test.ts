import { expect, test } from "@jest/globals";
import type { DaemonPlace } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { videoflow, type Workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

/** Computes without a pause, and says so now and then. */
const BURNER = `
import { ProcessorNode } from "videoflow";
export class Burner extends ProcessorNode {
  process(number) {
    for (let i = 0, end = performance.now() + 0.2; performance.now() < end; i += 1) Math.sqrt(i);
    if (number % 1000 === 0) console.log("burnt " + number);
    return number;
  }
}
`;

interface TopTask {
  readonly node: string;
  readonly messages: number;
  readonly cpuCores?: number;
}

test("get, top, logs, describe and explain answer while every core is at work on messages", async () => {
  place.install();
  const burner = `${place.write("burner.mjs", BURNER)}#Burner`;
  const file = writeManifest(place, [
    { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 1_000_000_000 } },
    { name: "burn", role: "Processor", inputs: ["numbers"], component: burner, nbTasks: 4 },
    { name: "sink", role: "Consumer", inputs: ["burn"], component: "VoidConsumer" },
  ]);
  await daemon.start();
  await daemon.apply(file);
  await daemon.reached("Running");

  const ask = (...args: readonly string[]) => videoflow([...args, "--state-dir", daemon.stateDir]);
  const messagesOf = async () => {
    const { tasks } = JSON.parse((await ask("top", "--json")).out) as { tasks: readonly TopTask[] };
    return tasks.filter(({ node }) => node === "burn").reduce((sum, { messages }) => sum + messages, 0);
  };
  const before = await messagesOf();
  const answers = await Promise.all([
    ask("get", "vf", "-o", "name"),
    ask("get", "ft"),
    ask("logs", place.flow, "--tail", "3"),
    ask("describe", "vf", place.flow),
    ask("explain", place.flow),
  ]);
  const after = await messagesOf();

  expect(answers.map(({ code, err }) => [code, err])).toEqual(answers.map(() => [0, ""]));
  expect(answers[0]?.out).toContain(place.flow);
  expect(answers[1]?.out.match(/Running/g)).toHaveLength(6);
  expect(answers[2]?.out).toContain("burnt ");
  expect(after).toBeGreaterThan(before + 100);
});
