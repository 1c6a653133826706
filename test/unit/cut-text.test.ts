import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { describeExit, fitted } from "../../src/agent/exit.js";
import { cutText } from "../../src/base/cut-text.js";
import { MAX_MESSAGE_BYTES } from "../../src/store/event-recorder.js";

const logLine = (number: number, length: number) => `2026-01-01T00:00:0${number % 10} ${"x".repeat(length)} end of ${number}`;

test("twenty long lines all keep their beginning and end, and the sentence before them stays", () => {
  const lines = Array.from({ length: 20 }, (_, number) => logLine(number, 500));
  const cut = cutText(`the restart budget is spent; it ended with exit code 9 (Crashed): ${lines.join("\n")}`, MAX_MESSAGE_BYTES).split(
    "\n",
  );
  expect(cut).toHaveLength(20);
  expect(cut[0]).toMatch(/^the restart budget is spent; it ended with exit code 9 \(Crashed\): 2026.*end of 0$/);
  for (const [number, line] of cut.entries()) expect(line).toMatch(new RegExp(`end of ${number}$`));
  for (const line of cut.slice(1)) expect(line).toMatch(/^2026-01-01T.* … /);
});

test("short lines stay whole, and what they leave goes to the long ones", () => {
  const cut = cutText(["first", "a".repeat(3_000), "short", "b".repeat(3_000)].join("\n"), 1_024).split("\n");
  expect([cut[0], cut[2]]).toEqual(["first", "short"]);
  expect([cut[1]?.length, cut[3]?.length].every((length) => (length ?? 0) > 450)).toBe(true);
});

test("whatever the text, the result fits, keeps its last line's end, and holds no half characters", () => {
  const units = [fc.constantFrom("a", " "), fc.constantFrom("a", "ä", "𝄞", " ")]; // What fits by chance with one does not with the other.
  const lines = fc.oneof(...units.map((unit) => fc.array(fc.string({ unit, minLength: 100, maxLength: 400 }), { maxLength: 40 })));
  fc.assert(
    fc.property(lines, fc.integer({ min: 512, max: 1_500 }), (texts, limit) => {
      const text = texts.join("\n");
      const cut = cutText(text, limit);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
      expect(cut).not.toContain("\ufffd");
      expect(cut.split("\n").length).toBe(Math.min(text.split("\n").length, Buffer.byteLength(text) <= limit ? 41 : 21));
      expect(text.endsWith(cut.slice(-2))).toBe(true);
    }),
  );
});

test("the end of a process fits into its status, however much it has written", () => {
  const lines = Array.from({ length: 20 }, (_, number) => logLine(number, 10_000)).join("\n");
  const { message = "" } = fitted(describeExit({ code: 1, signal: null }, undefined, undefined, lines));
  expect(message.split("\n")).toHaveLength(20);
  expect(message.length).toBeLessThan(4_000);
});
