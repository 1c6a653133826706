import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { VideoFileWriter, type VideoFileWriterParams } from "../../src/components/video/video-file-writer.js";
import { ConsumerNode, describe as descriptorOf, type Message } from "../../src/flow/node.js";
import type { TaskPort } from "../../src/transport/port.js";
import type { Member } from "../../src/worker/members.js";
import { Settlement } from "../../src/worker/settlement.js";
import { packStates, TaskStates, unpackStates } from "../../src/worker/states.js";
import { open, psnr, readAll, someFrames } from "../support/video-context.js";

test.each<[string, (Uint8Array | undefined)[]]>([
  ["nothing", []],
  ["one state", [Uint8Array.of(1, 2)]],
  ["members without state and empty states", [undefined, new Uint8Array(0), Uint8Array.of(9), undefined]],
])("a frame of a group keeps %s", (_name, parts) => {
  expect(unpackStates(packStates(parts))).toEqual(parts);
});

class Hoarder extends ConsumerNode<[number]> {
  static override readonly descriptor = { holds: 2 };
  consume(): void {}
  override settled(): number {
    return 0;
  }
}

test("a consumer that holds back more than its descriptor says is an error", async () => {
  const node = new Hoarder();
  const port = { setAside: () => {} } as unknown as TaskPort;
  const member = { node, descriptor: descriptorOf(Hoarder as never), member: { name: "hoarder" } } as unknown as Member;
  const settlement = new Settlement(port, new TaskStates([member], port), member);
  const consume = (): Promise<void> => {
    settlement.count();
    return settlement.unitDone();
  };
  await consume();
  await consume();
  await expect(consume()).rejects.toThrow("HOLDS_EXCEEDED");
});

const FRAMES = someFrames(60);

/** Writes frames with one writer after the other; each dies after some frames and is followed from its last settled frame. */
async function writeThroughDeaths(params: VideoFileWriterParams, lives: readonly number[]): Promise<void> {
  let state: Uint8Array = new Uint8Array(0);
  let settled = 0;
  const live = async (frames: number): Promise<VideoFileWriter> => {
    const writer = await open(new VideoFileWriter(params));
    const first = settled;
    writer.restore(state);
    for (const frame of FRAMES.slice(first, first + frames)) {
      writer.consume(frame);
      state = writer.snapshot();
      settled = first + writer.settled();
    }
    return writer;
  };
  for (const frames of lives) await live(frames);
  const last = await live(FRAMES.length);
  last.flush();
  last.close();
}

test.each<[string, Partial<VideoFileWriterParams>, readonly number[]]>([
  ["out.mp4", {}, [7, 13, 1, 20]],
  ["out.mkv", { preset: "medium" }, [30, 5]],
  ["out.avi", {}, [11, 11]],
  ["out.ts", {}, [25]],
  ["out.mov", { codec: "h265" }, [22, 9]],
])("%s with %j and deaths after %j frames has every frame once, in order", async (name, params, lives) => {
  const folder = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  const path = join(folder, name);
  try {
    await writeThroughDeaths({ path, threads: 1, ...params }, lives);
    const got = (await readAll(new VideoFileReader({ path }))) as Message<never>[];
    expect(got).toHaveLength(FRAMES.length);
    expect(Math.min(...FRAMES.map((frame, index) => psnr(frame, got[index]!.payload)))).toBeGreaterThan(24);
    expect(readdirSync(folder)).toEqual([name]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
