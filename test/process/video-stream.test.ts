import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Frame } from "../../src/base/tensor.js";
import { VideoFileWriter } from "../../src/components/video/video-file-writer.js";
import { VideostreamReader } from "../../src/components/video/videostream-reader.js";
import { END, type Message } from "../../src/flow/node.js";
import { aContext, inFolder, open, readAll, someFrames, writeAll } from "../support/video-context.js";

const SECRET = "s3cret%2Fpass";

/** A short clip as bytes. */
async function clipBytes(name: string, count = 30): Promise<Buffer> {
  return inFolder(async (folder) => {
    const path = join(folder, name);
    await writeAll(new VideoFileWriter({ path, preset: "ultrafast" }), someFrames(count));
    return readFileSync(path);
  });
}

/** An HTTP server that answers each request with `answer`, on a port of its own; gone when `use` is done. */
async function serving<T>(answer: (response: ServerResponse) => void, use: (url: string, server: Server) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await use(`http://user:${SECRET}@127.0.0.1:${port}/live?token=${SECRET}`, server);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("VideostreamReader", () => {
  test.each(["clip.ts", "clip.mp4"])("reads %s over HTTP to its end", async (name) => {
    const bytes = await clipBytes(name);
    const got = await serving(
      (response) => response.end(bytes),
      (url) => readAll(new VideostreamReader({ url, onEnd: "end" })),
    );
    expect(got.map((item) => (item as Message<never>).options.metadata?.["frameIndex"])).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect((got[0] as Message<Frame>).payload.shape).toEqual([96, 128, 3]);
  });

  test("gives frames again after the stream was cut, and shows no credentials", async () => {
    const bytes = await clipBytes("clip.ts");
    const lines: string[] = [];
    let requests = 0;
    const cut = (response: ServerResponse): void => {
      requests += 1;
      response.write(bytes, () => response.destroy());
    };
    const got = await serving(cut, async (url) => {
      const reader = new VideostreamReader({ url, initialBackoffSeconds: 0.01, maxFrames: 70 });
      const context = aContext({}, lines);
      reader.attach(context);
      await reader.open(context);
      const frames: unknown[] = [];
      for (let item = await reader.next(); item !== END; item = await reader.next()) frames.push(item);
      await reader.close();
      return frames;
    });
    expect(got).toHaveLength(70);
    expect(requests).toBeGreaterThan(2);
    expect(lines.join("\n")).toMatch(/lost http:\/\/\*\*\*@127\.0\.0\.1/);
    expect(lines.join("\n")).not.toMatch(/s3cret/);
  });

  test("fails after maxRetries, and shows no credentials", async () => {
    const url = `http://user:${SECRET}@127.0.0.1:9/live?password=${SECRET}`;
    const [error] = await readAll(new VideostreamReader({ url, maxRetries: 2, initialBackoffSeconds: 0.001 }));
    expect(error).toMatchObject({ code: "STREAM_LOST", detail: { attempts: 3 } });
    expect((error as Error).message).not.toMatch(/s3cret/);
  });

  test.each(["http", "rtsp"])("ends at once when it is closed while an %s server says nothing", async (scheme) => {
    const sockets = new Set<{ destroy(): void }>();
    let connect = (): void => {};
    const connected = new Promise<void>((resolve) => {
      connect = resolve;
    });
    const server = createTcpServer((socket) => {
      sockets.add(socket.on("error", () => {}));
      connect();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
    const reader = await open(new VideostreamReader({ url, timeoutSeconds: 600 }));
    const waiting = reader.next();
    await connected;
    await reader.close();
    expect(await waiting).toBe(END);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test("ends at once when it is closed while it waits for frames, and while it pauses", async () => {
    const bytes = await clipBytes("clip.ts", 60);
    await serving(
      (response) => response.write(bytes),
      async (url) => {
        const reader = await open(new VideostreamReader({ url, timeoutSeconds: 600 }));
        const first = await reader.next();
        expect(first).not.toBe(END);
        let last: unknown;
        const drained = (async () => {
          for (last = first; last !== END; last = await reader.next());
        })();
        await new Promise((resolve) => setTimeout(resolve, 200));
        await reader.close();
        await drained;
      },
    );
    const pausing = await open(new VideostreamReader({ url: "http://127.0.0.1:9/", initialBackoffSeconds: 600 }));
    const waiting = pausing.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pausing.close();
    expect(await waiting).toBe(END);
  });

  test("counts silence as a loss", async () => {
    const got = await serving(
      () => {},
      (url) => readAll(new VideostreamReader({ url, timeoutSeconds: 0.1, maxRetries: 0 })),
    );
    expect(got).toMatchObject([{ code: "STREAM_LOST", detail: { reason: "nothing came for 0.1 s" } }]);
  });
});
