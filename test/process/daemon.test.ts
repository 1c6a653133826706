import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { identityOf } from "../../src/base/process-identity.js";
import { expectedArrivals, fileSink, readArrivals, writeChaosFlow } from "../support/chaos-flow.js";
import { type DaemonPlace, daemonPlace } from "../support/daemon.js";
import { eventually, liveTasks, type Workplace, workplace } from "../support/flow-process.js";

let place: Workplace;
let daemon: DaemonPlace;

beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
});
afterEach(() => place.remove());

const identities = () => liveTasks(place.flow).map(({ pid }) => identityOf(pid));

test("Keep: the tasks of a killed agent run on under the next one, and no message is lost or repeated", async () => {
  await daemon.start();
  await daemon.apply(writeChaosFlow(place, fileSink(place)));
  await daemon.reached("Running");
  const before = identities();
  await daemon.killAgent();
  await new Promise((resume) => setTimeout(resume, 300));
  await daemon.start();
  await daemon.reached("Running");
  expect(identities()).toEqual(before);
  place.write("until", "200");
  const flow = await daemon.reached("Succeeded", "Failed");
  expect(flow.status).toMatchObject({ state: "Succeeded" });
  expect((await daemon.tasks()).map(({ status }) => status?.restarts)).toEqual(before.map(() => 0));
  expect(readArrivals(place)).toEqual(expectedArrivals(200));
  await daemon.end();
  await eventually(
    () => `no leftovers ${place.leftovers()}`,
    () => place.leftovers().length === 0,
  );
}, 60_000);
