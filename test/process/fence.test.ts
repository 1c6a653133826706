import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { Agent } from "../../src/agent/agent.js";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import { hostLeaseName, LEASE_NAMESPACE } from "../../src/api/host-lease.js";
import type { FlowTask, Kind, Kinds } from "../../src/api/kinds.js";
import { bootTimeMs, REAL_CLOCK } from "../../src/base/clock.js";
import type { ExitRecord } from "../../src/base/keeper-protocol.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import type { Store } from "../../src/store/store.js";
import { openWorkshop, runs, startKeeper, until, type Workshop } from "../support/processes.js";
import { fakeMemories, HOST, newTask } from "../support/processes-agent.js";

let workshop: Workshop;
let program: string;

beforeAll(() => {
  workshop = openWorkshop();
  program = workshop.bundle("src/main/keeper.ts");
});
afterAll(() => workshop.remove());

test("a keeper kills what is fenced at its time, the whole tree, and tells that the fence did it; a later time puts it off", async () => {
  const keeper = await startKeeper(program, workshop.dir);
  const [first, second] = [await keeper.spawn("first", "sleep 60 & exec sleep 60"), await keeper.spawn("second", "exec sleep 60")];
  for (const id of ["first", "second"]) keeper.client.go(id);
  keeper.client.fence({ first: bootTimeMs() + 700, second: bootTimeMs() + 700 });
  keeper.client.fence({ second: bootTimeMs() + 60_000 });
  expect(await keeper.exitOf("first")).toMatchObject({ fenced: true, signal: "SIGKILL", treeDead: true });
  expect([runs(first.pid), runs(second.pid)]).toEqual([false, true]);
  await keeper.client.close();
});

let keeper: KeeperClient;
let store: EmbeddedStore;
let agent: Agent | undefined;
beforeEach(async () => {
  keeper = KeeperClient.spawn({ command: [process.execPath, program] });
  store = await EmbeddedStore.open();
});
afterEach(async () => {
  await agent?.stop();
  await keeper.close();
  await store.close();
});

/** A store of which the Leases cannot be written while `cut` says so. */
function cuttable(cut: () => boolean): Store {
  const refuse = <T>(kind: Kind, write: () => Promise<T>) =>
    kind === "Lease" && cut() ? Promise.reject(new Error("no route to host")) : write();
  return {
    get: (key) => store.get(key),
    list: (kind, options) => store.list(kind, options),
    create: (object) => refuse(object.kind, () => store.create(object)),
    update: <K extends Kind>(object: Kinds[K]) => refuse(object.kind, () => store.update<K>(object)),
    updateStatus: <K extends Kind>(object: Kinds[K]) => store.updateStatus<K>(object),
    delete: (key, options) => store.delete(key, options),
    watch: (kind, onEvent, options) => store.watch(kind, onEvent, options),
    close: async () => {},
  };
}

test("a host that cannot renew its Lease ends its fenced tasks alone, starts none, and goes on when it can", async () => {
  let isCut = false;
  const notes: string[] = [];
  const exits: ExitRecord[] = [];
  const dir = mkdtempSync(join(workshop.dir, "agent-"));
  keeper.onExit((record) => exits.push(record));
  const deadlines: number[] = [];
  const fence = keeper.fence.bind(keeper);
  keeper.fence = (told) => {
    deadlines.push(...Object.values(told));
    fence(told);
  };
  const script = `REPORT=$(sed 's/.*"reportFile":"\\([^"]*\\)".*/\\1/' $1); printf '{"phase":"ready"}' > $REPORT.tmp; mv $REPORT.tmp $REPORT; exec sleep 60`;
  agent = await Agent.start({
    ...{ store: cuttable(() => isCut), hostName: HOST, keeper, clock: REAL_CLOCK, stateDir: dir, shmBase: dir },
    ...{ workerCommand: ["/bin/sh", "-c", script, "worker"], memories: fakeMemories(), heartbeat: { renewMs: 600_000 } },
    onNote: ({ subject, what }) => notes.push(`${subject} ${what}`),
  });
  const common = { workingDir: dir, flowTasks: 2 };
  await store.create<"FlowTask">(newTask({ ...common, fenceSeconds: 4 }));
  await store.create<"FlowTask">(newTask({ ...common, node: "b" }));
  const read = async (name: string) => (await store.get({ kind: "FlowTask", namespace: "default", name })) as FlowTask;
  const isRunning = async (name: string) => (await read(name)).status?.phase === "Running";
  const untilRunning = async (name: string) => {
    while (!(await isRunning(name))) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await Promise.all([untilRunning("f.a.0"), untilRunning("f.b.0")]);
  const [fenced, free] = [await read("f.a.0"), await read("f.b.0")];
  expect([fenced.status?.fenceSeconds, free.status?.fenceSeconds]).toEqual([4, undefined]);
  const lease = await store.get({ kind: "Lease", namespace: LEASE_NAMESPACE, name: hostLeaseName(HOST) });
  expect(lease?.spec).toMatchObject({ holderIdentity: HOST, leaseDurationSeconds: 40 });

  await until(() => deadlines.length > 2); // Renewed as often as its fence needs, and put off each time.
  expect([new Set(deadlines).size, exits]).toEqual([deadlines.length, []]);
  isCut = true;
  await until(() => exits.length > 0);
  expect(exits[0]).toMatchObject({ fenced: true, treeDead: true });
  expect([runs(fenced.status?.pid as number), runs(free.status?.pid as number)]).toEqual([false, true]);
  await until(() => notes.filter((note) => note === `${HOST} Error`).length > 0);
  expect(await isRunning("f.a.0")).toBe(false);
  expect(notes).toContain(`${HOST} LeaseNotRenewed`);

  isCut = false;
  await untilRunning("f.a.0");
  const again = await read("f.a.0");
  expect(again.status).toMatchObject({ restarts: 0, lastExit: { reason: "Fenced", signal: "SIGKILL" } });
  expect((await read("f.b.0")).status?.pid).toBe(free.status?.pid);
});
