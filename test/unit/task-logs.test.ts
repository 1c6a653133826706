import { appendFileSync, copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { moveTimes, noteTime } from "../../src/agent/log-times.js";
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

describe("times", () => {
  const SECOND = 1_000;
  const BEGAN = Date.parse("2026-01-01T00:00:00Z");
  /** Writes at a time, and lets the agent look if it does. */
  const write = (text: string, second: number, isSeen = true) => {
    appendFileSync(file("f.a.0.log"), text);
    const at = new Date(BEGAN + second * SECOND);
    utimesSync(file("f.a.0.log"), at, at);
    if (!isSeen) return;
    noteTime(file("f.a.0.log"));
    utimesSync(file("f.a.0.log.times"), at, at);
  };
  const since = async (second: number, more: Partial<ReadLogsOptions> = {}) =>
    (await read({ sinceMs: BEGAN + second * SECOND, ...more })).replaceAll("f.a.0: ", "");
  async function stamped(options: Partial<ReadLogsOptions> = {}): Promise<string[]> {
    const lines: string[] = [];
    for await (const { text, at = "" } of readLogs({ dir, isWanted: () => true, timestamps: true, ...options }))
      lines.push(
        ...text
          .trimEnd()
          .split("\n")
          .map((line) => `${at.slice(17, 19)} ${line}`),
      );
    return lines;
  }

  test("only what was written since then, in whole lines, what no look has seen among it", async () => {
    write("one\ntwo\nth", 1);
    write("ree\n", 5);
    write("four\n", 9, false);
    expect(await since(0)).toBe("one\ntwo\nthree\nfour\n");
    expect(await since(1)).toBe("one\ntwo\nthree\nfour\n");
    expect(await since(2)).toBe("three\nfour\n");
    expect(await since(6)).toBe("four\n");
    expect(await since(10)).toBe("");
    expect(await since(2, { tail: 1 })).toBe("four\n");
    expect(await since(6, { tail: 3 })).toBe("four\n");
  });

  test("each line has the time by which it was there", async () => {
    write("one\ntwo\nth", 1);
    write("ree\n", 5);
    write("four\nno end", 9, false);
    expect(await stamped()).toEqual(["01 one", "01 two", "05 three", "09 four", "09 no end"]);
  });

  test("the times go with a log that is set aside, and begin anew with one that was cut", async () => {
    write("one\n", 1);
    write("two\n", 2);
    copyFileSync(file("f.a.0.log"), file("f.a.0.log.1"));
    moveTimes(file("f.a.0.log"), file("f.a.0.log.1"));
    truncateSync(file("f.a.0.log"));
    write("three\n", 3);
    expect([await stamped({ previous: true }), await stamped()]).toEqual([["01 one", "02 two"], ["03 three"]]);
    truncateSync(file("f.a.0.log"));
    write("4\n", 4);
    expect(await stamped()).toEqual(["04 4"]);
  });

  test("a log that grows for ever has no more times than fit, and half a stamp costs no more than itself", async () => {
    for (let line = 0; line < 10_000; line += 1) write("x\n", line);
    expect(statSync(file("f.a.0.log.times")).size).toBeLessThanOrEqual(16 * 8_192);
    expect((await since(9_990)).length / 2).toBeLessThanOrEqual(12);
    expect((await since(9_999)).length).toBe(2);
    appendFileSync(file("f.a.0.log.times"), "torn");
    write("last\n", 10_001);
    expect([await since(10_001), (await since(5_000)).length > 9_000]).toEqual(["last\n", true]);
  });
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
