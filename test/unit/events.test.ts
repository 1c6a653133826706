import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { hostStory, taskStory } from "../../src/agent/story.js";
import type { FlowTask, HostDevice, VideoFlow, VideoFlowStatus } from "../../src/api/kinds.js";
import { changeStory, flowStory } from "../../src/controller/flow/story.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { type EventNote, EventRecorder, MAX_MESSAGE_BYTES, surplus } from "../../src/store/event-recorder.js";
import { aNewFlow } from "../support/builders.js";

describe("the recorder", () => {
  const time = { ms: Date.parse("2026-01-01T00:00:00Z") };
  const clock = { nowMs: () => time.ms, wallMs: () => time.ms };
  let store: EmbeddedStore;
  let flow: VideoFlow;
  beforeEach(async () => {
    store = await EmbeddedStore.open({ clock });
    flow = await store.create<"VideoFlow">(aNewFlow("f"));
  });
  afterEach(() => store.close());

  const aRecorder = () => new EventRecorder({ store, clock, component: "videoflow-agent", host: "h" });
  const write = async (...notes: EventNote[]) => {
    const recorder = aRecorder();
    for (const note of notes) recorder.record(flow, note);
    await recorder.close();
  };
  const note = (reason: string, message = "m"): EventNote => ({ type: "Warning", reason, message });

  test("counts the same event, also after a restart, and keeps others apart", async () => {
    await write(note("A"), note("A"), note("B"));
    time.ms += 5_000;
    await write(note("A"));
    const events = await store.list("Event");
    expect(events.map(({ reason, count }) => `${reason} ${count}`).toSorted()).toEqual(["A 3", "B 1"]);
    const again = events.find(({ reason }) => reason === "A");
    expect([again?.firstTimestamp, again?.lastTimestamp]).toEqual(["2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"]);
    expect(again?.involvedObject).toEqual({
      apiVersion: flow.apiVersion,
      kind: "VideoFlow",
      namespace: "default",
      name: "f",
      uid: flow.metadata.uid,
    });
  });

  test("keeps no credentials, and of a long message its beginning and its end", async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i} äöü`).join("\n");
    await write(note("A", `cannot read rtsp://user:secret@camera/1\n${lines}`));
    const [event] = await store.list("Event");
    expect(event?.message).toContain("rtsp://***@camera/1");
    expect(event?.message.endsWith("line 199 äöü")).toBe(true);
    expect(Buffer.byteLength(event?.message ?? "")).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(event?.message).not.toContain("\ufffd");
  });

  test("writes what comes while it sweeps", async () => {
    const recorder = aRecorder();
    let swept = () => {};
    const sweeps = new Promise<void>((resolve) => {
      swept = resolve;
    });
    const list = store.list.bind(store);
    store.list = (async (...args: Parameters<typeof list>) => {
      recorder.record(flow, note("late"));
      swept();
      return list(...args);
    }) as typeof store.list;
    recorder.record(flow, note("early"));
    await sweeps;
    await recorder.close();
    store.list = list;
    expect((await store.list("Event")).map(({ reason }) => reason).toSorted()).toEqual(["early", "late"]);
  });

  test("forgets after an hour", async () => {
    await write(note("old"));
    time.ms += 3_700_000;
    await write(note("new"));
    expect((await store.list("Event")).map(({ reason }) => reason)).toEqual(["new"]);
  });

  test("has so many at most for one object", async () => {
    await write(...Array.from({ length: 120 }, (_, i) => note(`R${i}`)));
    const events = await store.list("Event");
    expect(events.length).toBe(50);
    expect(surplus(events, time.ms)).toEqual([]);
  });

  test("goes on when the store refuses", async () => {
    const recorder = aRecorder();
    await store.close();
    recorder.record(flow, note("A"));
    await recorder.close();
  });
});

describe("the story of a flow", () => {
  const condition = (type: string, status: "True" | "False", reason: string, message = "m") => ({
    ...{ type, status, reason, message, lastTransitionTime: "2026-01-01T00:00:00Z" },
  });
  const before = (status?: VideoFlowStatus) => ({ metadata: { name: "f" }, ...(status === undefined ? {} : { status }) }) as VideoFlow;
  const told = (from: VideoFlowStatus | undefined, to: VideoFlowStatus) =>
    flowStory(before(from), to).map(({ type, reason }) => `${type} ${reason}`);

  test.each<[string, VideoFlowStatus | undefined, VideoFlowStatus, string[]]>([
    [
      "admitted",
      undefined,
      { conditions: [condition("Accepted", "True", "Valid"), condition("Admitted", "True", "Admitted")] },
      ["Normal Admitted"],
    ],
    [
      "waiting",
      undefined,
      { state: "Pending", conditions: [condition("Admitted", "False", "WaitingForDevices")] },
      ["Normal WaitingForDevices"],
    ],
    [
      "refused",
      undefined,
      { state: "Failed", reason: "DeviceUnavailable", conditions: [condition("Admitted", "False", "DeviceUnavailable")] },
      ["Warning DeviceUnavailable"],
    ],
    [
      "an invalid spec, of which several conditions speak",
      undefined,
      {
        state: "Failed",
        reason: "Invalid",
        conditions: [condition("Accepted", "False", "Invalid"), condition("Admitted", "False", "Invalid")],
      },
      ["Warning Invalid"],
    ],
    ["running", { state: "Pending", run: 1 }, { state: "Running", run: 1 }, ["Normal Running"]],
    ["still running", { state: "Running", run: 1 }, { state: "Running", run: 1, message: "other" }, []],
    ["running anew", { state: "Running", run: 1 }, { state: "Running", run: 2 }, ["Normal Running"]],
    ["over", { state: "Running", run: 1 }, { state: "Succeeded", run: 1 }, ["Normal Succeeded"]],
    [
      "another invalid spec",
      { conditions: [condition("Accepted", "False", "Invalid", "a")] },
      { conditions: [condition("Accepted", "False", "Invalid", "b")] },
      ["Warning Invalid"],
    ],
    [
      "degraded",
      { conditions: [condition("Degraded", "False", "")] },
      { conditions: [condition("Degraded", "True", "CpuFallback")] },
      ["Warning CpuFallback"],
    ],
  ])("%s", (_name, from, to, expected) => {
    expect(told(from, to)).toEqual(expected);
  });

  test("tells once per node what its tasks were given anew", () => {
    const task = (name: string) => ({ metadata: { name }, spec: { node: "work" } }) as FlowTask;
    const changes = ["f.work.0", "f.work.1"].map((name) => ({
      op: "updateTask" as const,
      task: task(name),
      spec: {} as never,
      why: "its template changed",
    }));
    expect(changeStory(changes)).toEqual([{ type: "Normal", reason: "TasksChanged", message: "node work: its template changed" }]);
  });
});

describe("the story of a task and its host", () => {
  const task = (status: FlowTask["status"]) => ({ metadata: { name: "f.work.0" }, status }) as FlowTask;
  const lastExit = { code: 70, reason: "Crashed", message: "last line" };

  test("tells starts, ends and what the log said last", () => {
    expect(taskStory(task(undefined), { phase: "Running", provider: "cpu" })).toMatchObject([
      { reason: "Started", message: "the task runs on cpu" },
    ]);
    expect(taskStory(task({ phase: "Running", restarts: 0 }), { phase: "Starting", restarts: 1, lastExit })).toMatchObject([
      { reason: "Restarted" },
    ]);
    const [backoff] = taskStory(task({ phase: "Running", restarts: 1 }), {
      phase: "Backoff",
      restarts: 1,
      message: "starts again after 2 s",
      lastExit,
    });
    expect(backoff).toEqual({
      type: "Warning",
      reason: "BackOff",
      message: "starts again after 2 s; it ended with exit code 70 (Crashed): last line",
    });
    expect(taskStory(task({ phase: "Backoff", restarts: 5 }), { phase: "Failed", reason: "TooManyRestarts", restarts: 5 })).toMatchObject([
      { type: "Warning", reason: "TooManyRestarts" },
    ]);
    expect(taskStory(task({ phase: "Running", restarts: 1 }), { phase: "Running", restarts: 1, message: "other" })).toEqual([]);
  });

  test("tells of devices that come and go", () => {
    const device = (uuid: string, healthy: boolean): HostDevice => ({ uuid, product: "T", memoryMiB: 1, healthy });
    const notes = hostStory(
      { devices: [device("a", true), device("b", false), device("c", true)] },
      { devices: [device("a", false), device("b", true)] },
    );
    expect(notes.map(({ reason }) => reason)).toEqual(["DeviceTainted", "DeviceHealthy", "DeviceGone"]);
    expect(hostStory(undefined, { devices: [device("a", false)] })).toEqual([]);
  });
});
