import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { maskCredentials } from "../../src/base/mask.js";
import { Backoff } from "../../src/components/video/backoff.js";
import { declaredSizeBytes } from "../../src/components/video/container-size.js";
import { padRgb } from "../../src/components/video/frame-encoder.js";
import { FrameSelector } from "../../src/components/video/frame-selector.js";
import { selectNames } from "../../src/components/video/image-folder-reader.js";
import { toFraction } from "../../src/components/video/rational.js";
import { parseRotation, type Rotation, rotateRgb } from "../../src/components/video/rotation.js";

describe("maskCredentials", () => {
  test.each([
    ["rtsp://admin:pw@cam.local:554/live", "rtsp://***@cam.local:554/live"],
    ["rtsp://admin@cam/live", "rtsp://***@cam/live"],
    ["open rtsp://a:p@ss@cam/live failed", "open rtsp://***@cam/live failed"],
    ["http://a:pa/ss?w#d@10.0.0.1/live", "http://***@10.0.0.1/live"],
    ["https://h/v.m3u8?token=abc&x=1", "https://h/v.m3u8?token=***&x=1"],
    ["https://h/v?x=1&api_key=abc&Password=q", "https://h/v?x=1&api_key=***&Password=***"],
    ["two http://a:b@c/ and http://d:e@f/", "two http://***@c/ and http://***@f/"],
    ["http://cam.local:8080/a@b", "http://cam.local:8080/a@b"],
    ["no address, only me@example.org", "no address, only me@example.org"],
  ])("masks %s", (text, masked) => {
    expect(maskCredentials(text)).toBe(masked);
    expect(maskCredentials(masked)).toBe(masked);
  });

  test("walks through a text once, however long a word of it is", () => {
    for (const long of ["x".repeat(5_000_000), "a:".repeat(1_000_000), "?token".repeat(200_000)]) expect(maskCredentials(long)).toBe(long);
  });

  test("leaves no password of any characters that a URL may hold", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9!$%&*+,;=~.@:_-]{6,12}$/).map((text) => `zz${text}`);
    fc.assert(
      fc.property(word, fc.constantFrom("rtsp", "http", "srt"), (password, scheme) => {
        expect(maskCredentials(`x ${scheme}://user:${password}@host:554/path y`)).toBe(`x ${scheme}://***@host:554/path y`);
      }),
    );
  });
});

describe("toFraction", () => {
  test.each([
    [25, "25/1"],
    [29.97, "30000/1001"],
    [23.976, "24000/1001"],
    [59.94005994, "60000/1001"],
    [12.5, "25/2"],
    [0.5, "1/2"],
    [7.3, "73/10"],
    [1 / 60, "1/60"],
  ])("%d is %s", (rate, text) => {
    const { num, den } = toFraction(rate);
    expect(`${num}/${den}`).toBe(text);
  });

  test("is close for every rate", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1000, noNaN: true }), (rate) => {
        const { num, den } = toFraction(rate);
        expect(Math.abs(num / den - rate)).toBeLessThan(Math.max(0.006, rate * 0.01));
      }),
    );
  });
});

describe("FrameSelector", () => {
  test("gives the same choices as a restart that counts them", () => {
    const selections = fc.record(
      { startFrame: fc.nat(9), maxFrames: fc.integer({ min: 1, max: 9 }), fps: fc.integer({ min: 1, max: 40 }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(selections, fc.nat(60), (selection, frames) => {
        const selector = new FrameSelector(selection);
        const taken = Array.from({ length: frames }, (_, i) => i).filter((i) => selector.choose(i, i / 25) === "take");
        expect(taken.length).toBeLessThanOrEqual(selection.maxFrames ?? frames);
        expect(taken.every((index) => index >= (selection.startFrame ?? 0))).toBe(true);
        expect(new Set(taken.map((index) => Math.floor((index / 25) * (selection.fps ?? 1e9) + 1e-6))).size).toBe(taken.length);
      }),
    );
  });
});

describe("rotateRgb", () => {
  test.each<[Rotation, number[]]>([
    [0, [1, 2, 3, 4, 5, 6]],
    [90, [4, 1, 5, 2, 6, 3]],
    [180, [6, 5, 4, 3, 2, 1]],
    [270, [3, 6, 2, 5, 1, 4]],
  ])("turns 2 x 3 pixels by %i degrees clockwise", (rotation, expected) => {
    const source = Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap((value) => [value, value, value]));
    const target = new Uint8Array(18);
    rotateRgb(source, 2, 3, rotation, target);
    expect([...target].filter((_, index) => index % 3 === 0)).toEqual(expected);
  });

  test.each<[number[], Rotation]>([
    [[65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30], 0],
    [[0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30], 90],
    [[-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30], 180],
    [[0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30], 270],
  ])("reads the display matrix %j as %i degrees", (matrix, rotation) => {
    expect(parseRotation(new Uint8Array(Int32Array.from(matrix).buffer))).toBe(rotation);
  });
});

test("padRgb repeats the last column and row", () => {
  const target = new Uint8Array(2 * 4 * 3);
  padRgb(Uint8Array.from([1, 1, 1, 2, 2, 2, 3, 3, 3]), 1, 3, target, 4);
  expect([...target].filter((_, index) => index % 3 === 0)).toEqual([1, 2, 3, 3, 1, 2, 3, 3]);
});

test("Backoff doubles to its limit and starts again after a success", () => {
  const backoff = new Backoff({ initialSeconds: 0.5, maxSeconds: 3 });
  expect([backoff.fail(), backoff.fail(), backoff.fail(), backoff.fail()]).toEqual([500, 1000, 2000, 3000]);
  backoff.reset();
  expect(backoff.fail()).toBe(500);
});

test.each([
  ["*.{jpg,png}", ["a1.jpg", "a2.PNG", "a10.jpg"]],
  ["a?.*", ["a1.jpg", "a2.PNG"]],
  ["*", ["a1.jpg", "a2.PNG", "a10.jpg", "b(1).txt"]],
  ["b(1).txt", ["b(1).txt"]],
  ["x*", []],
])("selectNames gives the names that match %s in natural order", (pattern, names) => {
  expect(selectNames(["a10.jpg", "b(1).txt", "a2.PNG", "a1.jpg"], pattern)).toEqual(names);
});

describe("declaredSizeBytes", () => {
  const declared = (bytes: Buffer, sizeBytes = bytes.length) =>
    declaredSizeBytes((offset, length) => bytes.subarray(offset, offset + length), sizeBytes);
  const box = (size: number, type: string) => Buffer.concat([Buffer.from([size >> 24, size >> 16, size >> 8, size]), Buffer.from(type)]);

  test.each([
    ["the box that goes beyond the end", Buffer.concat([box(16, "ftyp"), Buffer.alloc(8), box(1000, "mdat")]), 1016],
    ["a last box without a size", Buffer.concat([box(16, "ftyp"), Buffer.alloc(8), box(0, "mdat"), Buffer.alloc(4)]), 28],
    ["a RIFF header", Buffer.concat([Buffer.from("RIFF"), Buffer.from([100, 0, 0, 0]), Buffer.from("AVI LIST")]), 108],
    ["a Matroska segment", Buffer.from("1a45dfa381001853806740c8000000000000", "hex"), 5 + 1 + 4 + 2 + 200],
    ["a live Matroska segment", Buffer.from("1a45dfa3810018538067ff000000000000", "hex"), undefined],
    ["an unknown format", Buffer.alloc(64, 0x47), undefined],
  ])("reads %s", (_name, bytes, expected) => {
    expect(declared(bytes)).toBe(expected);
  });

  test("survives any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void declared(Buffer.from(bytes))));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void declared(Buffer.concat([box(8, "free"), bytes]))));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void declared(Buffer.concat([Buffer.from("1a45dfa3", "hex"), bytes]))),
    );
  });
});
