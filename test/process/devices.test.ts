import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { EXIT } from "../../src/cli/exit-codes.js";
import { type DaemonPlace, writeSmallFlow } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { NODES, type Surroundings, videoflow, type Workplace, writeManifest } from "../support/flow-process.js";

const GPU = "GPU-8f6d0c1e-2b1f-4a53-9d3e-6a0e6f1f7a11";
const TIMEOUT_MS = 180_000;

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

const recording = (name: string) => join(place.path("nvidia"), name);

/** A machine whose nvidia-smi, found in PATH, answers with one of the recordings. */
function machine(name: string): Surroundings {
  mkdirSync(place.path("nvidia"), { recursive: true });
  for (const table of ["gpus", "processes"]) cpSync(`test/fixtures/nvidia/${name}.${table}.csv`, recording(`${table}.csv`));
  writeFileSync(recording("readings.csv"), `${GPU}, 37, 10240\n`);
  return { env: { PATH: `${resolve("test/fixtures/nvidia/bin")}:${process.env["PATH"]}`, NVIDIA_RECORDING: place.path("nvidia") } };
}

function metrics(): Promise<string> {
  return new Promise((done, fail) => {
    request({ socketPath: join(daemon.stateDir, "metrics.sock"), path: "/metrics", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => done(text));
    })
      .on("error", fail)
      .end();
  });
}

test(
  "top and the metrics tell what each GPU does, and what of its memory each task has",
  async () => {
    await daemon.start([], machine("one-gpu"));
    await daemon.apply(writeSmallFlow(place, {}, { pick: { deviceType: "GPU" } }));
    const { status } = await daemon.task("pick", (task) => task.status?.phase === "Running");
    const [own, stranger] = [`${status?.pid}, node`, "1, python3"];
    writeFileSync(recording("processes.csv"), `${GPU}, ${own}, 1536\n${GPU}, ${stranger}, 512\nGPU-other, ${own}, 64\n`);

    const { out } = await videoflow(["top", "--state-dir", daemon.stateDir]);
    const text = await metrics();

    const lines = out.split("\n");
    expect(lines.find((line) => line.includes(".pick.0"))).toMatch(new RegExp(`${GPU} +1536 MiB +37%`));
    expect(lines.find((line) => line.startsWith(GPU))).toMatch(/12288 MiB +10240 MiB +37%/);
    const labels = `namespace="default",flow="${place.flow}",node="pick",task="${place.flow}.pick.0",uuid="${GPU}"`;
    expect(text.split("\n")).toEqual(
      expect.arrayContaining([
        `videoflow_task_device_memory_used_bytes{${labels}} ${1536 * 1024 * 1024}`,
        `videoflow_task_device_utilization_ratio{${labels}} 0.37`,
        `videoflow_device_memory_used_bytes{uuid="${GPU}",product="NVIDIA GeForce RTX 3060"} ${10240 * 1024 * 1024}`,
        `videoflow_device_utilization_ratio{uuid="${GPU}",product="NVIDIA GeForce RTX 3060"} 0.37`,
      ]),
    );
  },
  TIMEOUT_MS,
);

const SINK = { name: "sink", role: "Consumer", inputs: ["wish"], component: "VoidConsumer" };
const TICKS = { name: "ticks", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 1, count: 3 } };
const wish = (device: object) => ({
  name: "wish",
  role: "Processor",
  inputs: ["ticks"],
  component: `${NODES}#Wisher`,
  deviceType: "GPU",
  device,
});

test(
  "a GPU on which a stranger computes is granted with --allow-busy alone, in a run and by an agent, as explain and devices foretell",
  async () => {
    const surroundings = machine("foreign-process");
    const file = writeManifest(place, [TICKS, wish({ required: true }), SINK]);
    const refused = await place.run(file, [], surroundings).ended;
    expect(refused.err).toMatch(/busy: pid \d+/);
    const granted = await place.run(file, ["--allow-busy"], surroundings).ended;
    expect([refused.code === 0, granted.code]).toEqual([false, 0]);

    const told = (...args: string[]) => place.start(args, surroundings).ended;
    expect([(await told("explain", file)).code, (await told("explain", file, "--allow-busy")).code]).toEqual([EXIT.unavailable, 0]);
    expect((await told("devices")).out).toMatch(/no: busy: pid \d+/);
    expect((await told("devices", "--allow-busy")).out).not.toContain("no:");

    await daemon.start([], surroundings);
    await daemon.apply(file);
    expect(JSON.stringify((await daemon.reached("Pending")).status)).toContain("busy: pid");
    await daemon.end();
    await daemon.start(["--allow-busy"], surroundings);
    await daemon.reached("Succeeded");
  },
  TIMEOUT_MS,
);

/** Fails as a library does for which the memory of the GPU does not suffice. */
const HUNGRY = `
import { ProcessorNode } from "videoflow";
export class Hungry extends ProcessorNode {
  static descriptor = { devices: ["CPU", "GPU"] };
  process() {
    process.stderr.write("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\\n");
    process.exit(1);
  }
}
`;

test(
  "a GPU that is full is said to be, with who holds its memory, in the status of the task and in its event",
  async () => {
    place.install();
    const hungry = place.write("hungry.mjs", HUNGRY);
    await daemon.start(["--allow-busy"], machine("foreign-process"));
    const restart = { policy: "Never" };
    const node = { ...wish({ required: true }), component: `${hungry}#Hungry`, restart };
    await daemon.apply(writeManifest(place, [TICKS, node, SINK]));

    await daemon.reached("Failed");
    const { status } = await daemon.task("wish", (task) => task.status?.phase === "Failed");
    const held = `out of memory of the GPU: ${GPU} held by /usr/bin/python3, train (pid 81234) 4096 MiB`;
    expect(status?.lastExit).toMatchObject({ reason: "GpuOutOfMemory", message: expect.stringContaining(held) });
    const { out } = await videoflow(["events", "--state-dir", daemon.stateDir]);
    expect(out).toContain(held);
  },
  TIMEOUT_MS,
);
