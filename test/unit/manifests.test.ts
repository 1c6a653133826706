import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { API_VERSION, type NewResource, type VideoFlow } from "../../src/api/kinds.js";
import { MANIFEST_FILE, MANIFEST_HASH, type ManifestFile, reconcileManifests } from "../../src/controller/manifests/reconcile.js";
import { ManifestFolder } from "../../src/controller/manifests/reconciler.js";
import { REAL_SCHEDULER } from "../../src/controller/runtime/scheduler.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";

const aFlow = (name: string, spec: object = {}): NewResource<"VideoFlow"> => ({
  apiVersion: API_VERSION,
  kind: "VideoFlow",
  metadata: { name },
  spec: { flowType: "Batch", desiredState: "Running", nodes: [], ...spec } as unknown as VideoFlow["spec"],
});
const file = (name: string, ...flows: NewResource<"VideoFlow">[]): ManifestFile => ({ name, flows, problems: [] });
const broken = (name: string): ManifestFile => ({ name, flows: [], problems: ["line 3: no"] });

/** What the store holds after a plan was made true. */
function stored(files: readonly ManifestFile[], before: readonly VideoFlow[] = []): VideoFlow[] {
  const flows = new Map(before.map((flow) => [flow.metadata.name, flow]));
  for (const change of reconcileManifests(files, before).changes) {
    if (change.op === "delete") flows.delete(change.flow.metadata.name);
    else flows.set(change.flow.metadata.name, kept(change.flow));
  }
  return [...flows.values()];
}
const kept = (flow: NewResource<"VideoFlow"> | VideoFlow): VideoFlow => ({
  ...flow,
  metadata: {
    namespace: "default",
    uid: "uid",
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...flow.metadata,
  },
});
const planned = (files: readonly ManifestFile[], flows: readonly VideoFlow[]) => {
  const { changes, problems } = reconcileManifests(files, flows);
  return [
    ...changes.map(({ op, flow }) => `${op} ${flow.metadata.name}`),
    ...problems.map((problem) => `${problem.file}: ${problem.flow ?? ""}`),
  ];
};

test("a new file creates its flows, marked with the file; a second look finds nothing to do", () => {
  const files = [file("a.yaml", aFlow("f"), aFlow("g"))];
  expect(planned(files, [])).toEqual(["create f", "create g"]);
  const flows = stored(files);
  expect(flows[0]?.metadata.annotations).toEqual({ [MANIFEST_FILE]: "a.yaml", [MANIFEST_HASH]: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(planned(files, flows)).toEqual([]);
});

test("a changed file updates its flow, a flow that left its file or whose file left is deleted", () => {
  const flows = stored([file("a.yaml", aFlow("f"), aFlow("g")), file("b.yaml", aFlow("h"))]);
  expect(planned([file("a.yaml", aFlow("f", { run: 2 }))], flows)).toEqual(["update f", "delete g", "delete h"]);
});

test("a file that cannot be used leaves its flows alone and says so of each", () => {
  const flows = stored([file("a.yaml", aFlow("f"))]);
  expect(planned([broken("a.yaml")], flows)).toEqual(["a.yaml: default/f"]);
  expect(planned([broken("new.yaml")], [])).toEqual(["new.yaml: "]);
});

test("a change by hand stays until the file changes; a flow deleted by hand comes back when it is gone", () => {
  const files = [file("a.yaml", aFlow("f"))];
  const [flow] = stored(files) as [VideoFlow];
  expect(planned(files, [{ ...flow, spec: { ...flow.spec, desiredState: "Stopped" } }])).toEqual([]);
  const deleted = { ...flow, metadata: { ...flow.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  expect(planned(files, [deleted])).toEqual([]);
  expect(planned([file("a.yaml", aFlow("f", { run: 2 }))], [deleted])).toEqual([]);
  expect(planned(files, [])).toEqual(["create f"]);
});

test("another type makes the flow anew: it is deleted, and created when it is gone", () => {
  const flows = stored([file("a.yaml", aFlow("f"))]);
  expect(planned([file("a.yaml", aFlow("f", { flowType: "Realtime" }))], flows)).toEqual(["delete f"]);
});

test("a flow that was applied by hand is not touched; of two files with one name the first counts", () => {
  expect(planned([file("a.yaml", aFlow("f"))], [kept(aFlow("f"))])).toEqual(["a.yaml: "]);
  expect(planned([file("b.yaml", aFlow("f")), file("a.yaml", aFlow("f"))], [])).toEqual(["create f", "b.yaml: "]);
  const { problems } = reconcileManifests(
    ["a", "b", "c"].map((name) => file(name, aFlow("f"))),
    [],
  );
  expect(problems.map(({ text }) => text.includes("is in a already"))).toEqual([true, true]);
  const flows = stored([file("a.yaml", aFlow("f")), file("b.yaml", aFlow("f"))]);
  expect(planned([file("b.yaml", aFlow("f"))], flows)).toEqual(["update f"]); // The second takes over when the first leaves.
});

test("what is no file in the folder is not read, for nobody may ever write into a pipe; the others are followed", async () => {
  const dir = mkdtempSync(join(tmpdir(), "videoflow-manifests-"));
  const store = await EmbeddedStore.open();
  const log: string[] = [];
  const read: string[] = [];
  try {
    execFileSync("mkfifo", [join(dir, "a.yaml")]);
    writeFileSync(join(dir, "b.yaml"), "");
    const folder = new ManifestFolder({
      dir,
      store,
      scheduler: REAL_SCHEDULER,
      read: async (path) => {
        read.push(basename(path));
        return { flows: [aFlow("f")], problems: [] };
      },
      log: (text) => void log.push(text),
    });
    folder.start();
    while ((await store.list("VideoFlow")).length === 0) await sleep(10);
    await folder.close();
    expect([read, log[0]]).toEqual([["b.yaml"], "manifests: a.yaml: not applied: it is no file"]);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
});
