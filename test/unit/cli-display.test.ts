import { describe, expect, test } from "@jest/globals";
import type { FlowSnapshot } from "../../src/api/snapshot.js";
import { coloured, Display, displayMode, isDue } from "../../src/cli/display.js";
import type { Output } from "../../src/cli/world.js";

class Recorder implements Output {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 24;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.text += text;
  }
}

const snapshotAt = (elapsedMs: number, state: FlowSnapshot["state"] = "Running"): FlowSnapshot => ({
  flow: "f",
  state,
  elapsedMs,
  nodes: [],
  warnings: [],
  outputs: [],
});
const result = { reason: "Completed", message: "done" };

test("a terminal gets a live display, a pipe and a dumb terminal get lines, options win", () => {
  const terminal = new Recorder(true);
  expect(displayMode({}, terminal, {})).toBe("live");
  expect(displayMode({}, new Recorder(false), {})).toBe("plain");
  expect(displayMode({}, terminal, { TERM: "dumb" })).toBe("plain");
  expect(displayMode({ plain: true }, terminal, {})).toBe("plain");
  expect(displayMode({ quiet: true }, terminal, {})).toBe("quiet");
  expect(displayMode({ json: true, quiet: true }, terminal, {})).toBe("json");
});

test("NO_COLOR turns colours off, an empty one does not", () => {
  const terminal = new Recorder(true);
  expect(coloured(terminal, {})).toBe(true);
  expect(coloured(terminal, { NO_COLOR: "" })).toBe(true);
  expect(coloured(terminal, { NO_COLOR: "1" })).toBe(false);
  expect(coloured(new Recorder(false), {})).toBe(false);
});

test("a plain line is due each second and whenever the state changes", () => {
  expect(isDue(snapshotAt(0), undefined)).toBe(true);
  expect(isDue(snapshotAt(900), snapshotAt(0))).toBe(false);
  expect(isDue(snapshotAt(1000), snapshotAt(0))).toBe(true);
  expect(isDue(snapshotAt(100, "Stopping"), snapshotAt(0))).toBe(true);
});

describe("a display", () => {
  test("that is live draws in place, keeps notices, and ends with the report on the other stream", () => {
    const progress = new Recorder(true);
    const results = new Recorder(true);
    const display = new Display("live", progress, results, false);
    display.show(snapshotAt(0));
    display.show(snapshotAt(100));
    display.notice("task f.a.0 starts again");
    display.show(snapshotAt(200));
    display.finish(snapshotAt(300, "Succeeded"), result);
    const up = "\x1b[2A\x1b[J";
    expect(progress.text.split(up)).toHaveLength(4);
    expect(progress.text).toContain(`${up}task f.a.0 starts again\nf: Running, 0.2 s\n`);
    expect(progress.text.endsWith(up)).toBe(true);
    expect(results.text.split("\n")[0]).toBe("f: Succeeded after 0.3 s");
  });

  test("in JSON prints one object per line, the last of type result", () => {
    const results = new Recorder(false);
    const display = new Display("json", new Recorder(false), results, false);
    display.show(snapshotAt(0));
    display.notice("hello");
    display.finish(snapshotAt(300, "Succeeded"), result);
    const objects = results.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(objects.map(({ type }) => type)).toEqual(["progress", "notice", "result"]);
    expect(objects.at(-1)).toMatchObject({ state: "Succeeded", reason: "Completed" });
  });

  test("tells what tasks print: above the live display, as objects, or alone; harmless each time", () => {
    const told = (mode: "live" | "plain" | "json" | "quiet", isTTY: boolean) => {
      const [progress, results] = [new Recorder(isTTY), new Recorder(isTTY)];
      const display = new Display(mode, progress, results, false);
      display.show(snapshotAt(0));
      display.printed("sink.0", "one\n\x1b[2Jtwo\n");
      return { progress: progress.text, results: results.text };
    };
    expect(told("live", true).results).toBe("[sink.0] one\n[sink.0] \\x1b[2Jtwo\n");
    expect(told("live", true).progress.endsWith("\x1b[2A\x1b[J")).toBe(true);
    expect(told("plain", false).results).toBe("[sink.0] one\n[sink.0] \\x1b[2Jtwo\n");
    expect(JSON.parse(told("json", false).results.split("\n")[1] ?? "")).toEqual({
      type: "printed",
      task: "sink.0",
      text: "one\n\x1b[2Jtwo\n",
    });
    expect(told("quiet", false).results).toBe("one\n\\x1b[2Jtwo\n");
  });

  test("that is quiet prints nothing else", () => {
    const output = new Recorder(true);
    const display = new Display("quiet", output, output, true);
    display.show(snapshotAt(0));
    display.notice("hello");
    display.finish(snapshotAt(300, "Succeeded"), result);
    expect(output.text).toBe("");
  });
});
