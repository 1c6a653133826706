import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ReportWatch } from "../../src/agent/report-watch.js";
import { until } from "../support/processes.js";

let dir: string;
let heard = 0;
let reports: ReportWatch;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  heard = 0;
  reports = new ReportWatch(() => {
    heard += 1;
  });
});
afterEach(() => {
  reports.follow(new Set());
  rmSync(dir, { recursive: true, force: true });
});

function report(name: string): void {
  writeFileSync(join(dir, `${name}.part`), "{}");
  renameSync(join(dir, `${name}.part`), join(dir, name));
}

test("a report in a folder that is followed is heard of, again and again", async () => {
  for (const name of ["f.a.0.report.json", "f.b.0.report.json"]) {
    const before = heard;
    reports.follow(new Set([dir]));
    report(name);
    await until(() => heard > before);
  }
});

test("other files are nothing to hear of, nor is a folder that was left; one that was not there is followed once it is", async () => {
  const later = join(dir, "later");
  reports.follow(new Set([dir, later]));
  writeFileSync(join(dir, "f.a.0.json"), "{}");
  reports.follow(new Set([later]));
  report("f.a.0.report.json");
  mkdirSync(later);
  reports.follow(new Set([later]));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard).toBe(0);
  writeFileSync(join(later, "f.a.0.report.json"), "{}");
  await until(() => heard > 0);
});
