import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Channel, channelCommands, channelSizes, finish, modelOf, planOf } from "../support/channel-commands.js";
import { withMemory } from "../support/transport.js";

const RUNS = Number(process.env["MODEL_RUNS"] ?? 150);
const MAX_COMMANDS = 120;

/** Every labelled step at which one of these tasks can be. */
const STEPS = [
  "acknowledged",
  "applied",
  "attempt",
  "bits set",
  "bits taken back",
  "cell filled",
  "committed",
  "half taken",
  "ledger written",
  "left",
  "most replicas raised",
  "offered again",
  "prepared",
  "published",
  "recovered",
  "redo written",
  "replica files made",
  "retained freed",
  "room added",
  "rung",
  "set aside",
  "slot freed",
  "slots freed",
  "state written",
  "totals copied",
  "written",
];

test("whatever its tasks do, and wherever they die, a channel says what a list in memory says", async () => {
  const deaths = new Map<string, number>();
  const property = fc.asyncProperty(
    channelSizes,
    fc.commands(channelCommands, { maxCommands: MAX_COMMANDS, size: "max" }),
    (sizes, commands) =>
      withMemory(planOf(sizes), (dir) => {
        const channel = new Channel(dir, planOf(sizes), deaths);
        try {
          const model = modelOf(sizes);
          fc.modelRun(() => ({ model, real: channel }), commands);
          finish(model, channel);
        } finally {
          channel.close();
        }
      }),
  );
  await fc.assert(property, { numRuns: RUNS });
  expect([...deaths.keys()].toSorted()).toEqual(STEPS);
});
