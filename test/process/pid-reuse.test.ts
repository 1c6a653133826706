import { execFileSync, spawnSync } from "node:child_process";
import { release } from "node:os";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openWorkshop, type Workshop } from "../support/processes.js";

let workshop: Workshop;
let program: string;
beforeAll(() => {
  workshop = openWorkshop();
  program = workshop.bundle("test/support/pid-reuse-program.ts");
});
afterAll(() => workshop.remove());

const UNSHARE = process.getuid?.() === 0 ? ["-pf", "--mount-proc"] : ["-rpf", "--mount-proc"];
/** Since Linux 6.14 each PID namespace has a pid_max of its own; before, the number would be that of the whole machine. */
const [major = 0, minor = 0] = release().split(".").map(Number);
const isOwn = (major > 6 || (major === 6 && minor >= 14)) && spawnSync("unshare", [...UNSHARE, "true"]).status === 0;
if (!isOwn) process.stderr.write("SKIPPED: reuse of pids needs unshare -p and a kernel with a pid_max for each namespace\n");

(isOwn ? test : test.skip)(
  "P4: a stranger that got the pid of a dead task is never signalled",
  () => {
    const out = execFileSync("unshare", [...UNSHARE, process.execPath, program], { encoding: "utf8", timeout: 60_000 });
    expect(JSON.parse(out)).toEqual({ reused: true, outcome: "gone", lives: true });
  },
  60_000,
);
