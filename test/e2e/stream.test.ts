import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { writeClip } from "../../src/components/video/clip.js";
import { eventually, liveTasks, NODES, titleOf, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { someFrames } from "../support/video-context.js";

/** A camera: gives an MPEG transport stream, piece by piece and faster than it plays, to whoever asks; can be cut. */
class Camera {
  readonly #server: Server;
  /** The next piece of each. */
  readonly #viewers = new Map<ServerResponse, number>();
  readonly #pieces: readonly Buffer[];
  readonly #timer: NodeJS.Timeout;
  isCut = false;
  connections = 0;

  constructor(file: string, pieces = 400, everyMs = 20) {
    const bytes = readFileSync(file);
    const size = Math.ceil(bytes.length / pieces);
    this.#pieces = Array.from({ length: pieces }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    this.#server = createServer((_request, response) => this.#admit(response));
    this.#timer = setInterval(() => this.#give(), everyMs);
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const viewer of this.#viewers.keys()) viewer.destroy();
    this.#viewers.clear();
  }

  restore(): void {
    this.isCut = false;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }

  #admit(response: ServerResponse): void {
    this.connections += 1;
    response.writeHead(this.isCut ? 503 : 200, { "content-type": "video/mp2t" });
    if (this.isCut) response.end();
    else this.#viewers.set(response, 0);
  }

  #give(): void {
    for (const [viewer, next] of this.#viewers) {
      viewer.write(this.#pieces[next % this.#pieces.length]);
      this.#viewers.set(viewer, next + 1);
    }
  }
}

/** Everything that a folder of state still holds. */
function textBelow(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "latin1")).join("\n");
}

let place: Workplace;
let camera: Camera;
let address: string;

beforeEach(async () => {
  place = workplace();
  await writeClip(place.path("camera.ts"), someFrames(800), 25);
  camera = new Camera(place.path("camera.ts"));
  address = await camera.listen();
});

afterEach(async () => {
  await place.remove();
  await camera.close();
});

const RECONNECT = { initialBackoffSeconds: 0.05, timeoutSeconds: 5 };

const watching = (params: object) =>
  writeManifest(
    place,
    [
      {
        name: "camera",
        role: "Producer",
        component: "VideostreamReader",
        params: { ...RECONNECT, ...params },
        restart: { maxRestarts: 1, initialBackoffSeconds: 1 },
      },
      { name: "slow", role: "Processor", component: `${NODES}#Slow`, inputs: ["camera"], params: { ms: 60 } },
      { name: "sink", role: "Consumer", component: `${NODES}#Liner`, inputs: ["slow"], params: { path: place.path("seen") } },
    ],
    { flowType: "Realtime" },
  );

test("a stream that is cut and restored costs no task its life, and what came too fast is counted", async () => {
  const flow = place.run(watching({ url: `http://${address}/live` }));
  await eventually(
    () => `frames: ${flow.output}`,
    () => place.lines("seen").length >= 5,
  );
  const before = liveTasks(place.flow).map(({ pid }) => pid);

  camera.cut();
  const connections = camera.connections;
  await eventually("attempts to connect again", () => camera.connections > connections + 1);
  const seen = place.lines("seen").length;
  camera.restore();
  await eventually(
    () => `frames after the cut: ${flow.output}`,
    () => place.lines("seen").length >= seen + 10,
  );
  const after = liveTasks(place.flow).map(({ pid }) => pid);
  flow.signal("SIGINT");
  const { code, out } = await flow.ended;

  expect(after).toEqual(before);
  expect(before).toHaveLength(3);
  expect(code).toBe(130);
  expect(out).toMatch(/^camera +1 +\d+ \(-[1-9]\d*\)/m);
  expect(place.leftovers()).toEqual([]);
});

test("credentials of a stream are shown nowhere while it runs, is cut, and fails", async () => {
  const url = `http://user:hunter2@${address}/live?token=hunter3`;
  const file = watching({ url, maxRetries: 3 });
  const flow = place.run(file, ["--state-dir", place.path("state"), "--json"]);
  await eventually(
    () => `frames: ${flow.output}`,
    () => place.lines("seen").length >= 5,
  );
  const titles = liveTasks(place.flow).map(({ pid }) => titleOf(pid));
  camera.cut();
  const { code, out, err } = await flow.ended;
  const explained = await place.start(["explain", file]).ended;
  const explainedJson = await place.start(["explain", file, "--json"]).ended;
  const logs = textBelow(place.path("state"));

  expect(code).toBe(1);
  expect(titles).toHaveLength(3);
  expect(logs).toContain("connecting again");
  const shown = [out, err, explained.out, explained.err, explainedJson.out, explainedJson.err, logs, ...titles].join("\n");
  expect(shown).toContain("***");
  expect(shown).not.toMatch(/hunter/);
});

test("credentials of an address that nobody answers are shown nowhere", async () => {
  const file = watching({ url: "rtsp://user:hunter2@127.0.0.1:9/live", maxRetries: 1 });
  const { code, out, err } = await place.run(file, ["--state-dir", place.path("state")]).ended;
  const logs = textBelow(place.path("state"));

  expect([code, err]).toEqual([1, expect.stringContaining("STREAM_LOST")]);
  expect(out + err + logs).not.toContain("hunter2");
});
