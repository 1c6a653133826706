import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { LOGS_KEPT_MS, removeOldLogs } from "../../src/agent/old-logs.js";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const OLD_MS = NOW_MS - LOGS_KEPT_MS;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "videoflow-old-logs-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** @param writtenMs by task. */
function logs(flow: string, writtenMs: Readonly<Record<string, number>>): void {
  const folder = join(dir, "logs", flow);
  mkdirSync(folder, { recursive: true });
  for (const [task, ms] of Object.entries(writtenMs)) {
    writeFileSync(join(folder, `${task}.log`), "a line\n");
    utimesSync(join(folder, `${task}.log`), ms / 1_000, ms / 1_000);
  }
  utimesSync(folder, OLD_MS / 1_000, OLD_MS / 1_000);
}

test("logs of flows that are gone go a week after their last line; those of flows that are there stay", async () => {
  logs("default/gone", { "gone.a.0": OLD_MS, "gone.b.0": OLD_MS - 1_000 });
  logs("default/young", { "young.a.0": OLD_MS, "young.b.0": OLD_MS + 1_000 });
  logs("default/there", { "there.a.0": OLD_MS });
  logs("other/gone", { "gone.a.0": OLD_MS });
  logs("other/empty", {});
  const asked: string[] = [];
  const isThere = async ({ namespace, name }: { namespace: string; name: string }) => {
    asked.push(`${namespace}/${name}`);
    return name === "there";
  };
  const removed = await removeOldLogs(dir, isThere, NOW_MS);

  expect(asked.toSorted()).toEqual(["default/gone", "default/there", "other/empty", "other/gone"]);
  expect(removed.map(({ namespace, name }) => `${namespace}/${name}`).toSorted()).toEqual(["default/gone", "other/empty", "other/gone"]);
  expect(readdirSync(join(dir, "logs/default")).toSorted()).toEqual(["there", "young"]);
  expect(existsSync(join(dir, "logs/other"))).toBe(false);
});

test("without any log there is nothing to do, and what is no folder is left alone", async () => {
  const never = () => Promise.reject(new Error("nobody is to be asked"));
  expect(await removeOldLogs(dir, never, NOW_MS)).toEqual([]);
  mkdirSync(join(dir, "logs"));
  writeFileSync(join(dir, "logs", "note.txt"), "mine");
  expect(await removeOldLogs(dir, never, NOW_MS)).toEqual([]);
  expect(readdirSync(join(dir, "logs"))).toEqual(["note.txt"]);
});
