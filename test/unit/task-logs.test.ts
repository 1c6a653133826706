import { appendFileSync, copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ReadLogsOptions, readLogs } from "../../src/agent/task-logs.js";
import { ownGroup } from "../../src/keeper/cgroup.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "videoflow-logs-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const file = (name: string) => join(dir, name);
async function read(options: Partial<ReadLogsOptions> = {}): Promise<string> {
  let text = "";
  for await (const lines of readLogs({ dir, isWanted: () => true, ...options })) text += `${lines.task}: ${lines.text}`;
  return text;
}

test("the logs of the wanted tasks, whole or their last lines; an unfinished line comes at the end", async () => {
  writeFileSync(file("f.a.0.log"), "one\ntwo\nthree\n");
  writeFileSync(file("f.b.0.log"), "four");
  writeFileSync(file("f.a.0.log.1"), "zero\n");
  expect(await read()).toBe("f.a.0: one\ntwo\nthree\nf.b.0: four\n");
  expect(await read({ isWanted: (task) => task === "f.a.0", tail: 2 })).toBe("f.a.0: two\nthree\n");
  expect(await read({ isWanted: (task) => task === "f.a.0", tail: 0 })).toBe("");
  expect(await read({ isWanted: (task) => task === "f.a.0", tail: 9 })).toBe("f.a.0: one\ntwo\nthree\n");
  expect(await read({ previous: true })).toBe("f.a.0: zero\n");
});

test.each([
  { text: "\nabc\n", tail: 1, last: "abc\n" },
  { text: "\nabc\n", tail: 2, last: "\nabc\n" },
  { text: "\nabc\n", tail: 3, last: "\nabc\n" },
  { text: "\n\n", tail: 5, last: "\n\n" },
  { text: "\nno end", tail: 2, last: "\nno end\n" },
  { text: "", tail: 3, last: "" },
])("the last $tail lines of a log that begins with an empty one: $text", async ({ text, tail, last }) => {
  writeFileSync(file("f.a.0.log"), text);
  expect((await read({ tail })).replace(/^f\.a\.0: /gm, "")).toBe(last);
});

test("a follower loses nothing of a file that is copied aside and cut", async () => {
  const log = file("f.a.0.log");
  writeFileSync(log, "one\ntw");
  const steps = [
    () => {
      appendFileSync(log, "o\nthree\nfo");
      copyFileSync(log, `${log}.1`);
      writeFileSync(log, "ur\n");
    },
    () => appendFileSync(log, "five\n"),
  ];
  const goesOn = async () => {
    const step = steps.shift();
    step?.();
    return step !== undefined;
  };
  expect((await read({ goesOn })).replaceAll("f.a.0: ", "")).toBe("one\ntwo\nthree\nfour\nfive\n");
});

test("a follower sees what is added, a new task, and a file that was set aside and begins anew", async () => {
  writeFileSync(file("f.a.0.log"), "one\ntw");
  const steps = [
    () => appendFileSync(file("f.a.0.log"), "o\n"),
    () => writeFileSync(file("f.b.0.log"), "new\n"),
    () => truncateSync(file("f.a.0.log")),
    () => appendFileSync(file("f.a.0.log"), "again\n"),
  ];
  const goesOn = async () => {
    const step = steps.shift();
    step?.();
    return step !== undefined;
  };
  expect(await read({ goesOn })).toBe("f.a.0: one\nf.a.0: two\nf.b.0: new\nf.a.0: again\n");
});

test.each([
  { what: "version 2 alone", mountinfo: "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", own: "/sys/fs/cgroup/user/a.service" },
  {
    what: "beside version 1",
    mountinfo: "30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 none rw",
    own: "/sys/fs/cgroup/unified/user/a.service",
  },
  { what: "version 1 alone", mountinfo: "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", own: undefined },
])("the group of this process: $what", ({ mountinfo, own }) => {
  expect(ownGroup(mountinfo, "1:cpu:/x\n0::/user/a.service\n")).toBe(own);
});
