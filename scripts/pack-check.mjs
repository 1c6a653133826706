// Packs the package, installs it into an empty folder elsewhere, compiles a user's own flow.ts and runs it on their own video there.
// Prints the size and the seconds of the installation. Leaves nothing behind.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "videoflow-pack-"));
const FRAMES = 20;

/** A user's video: made here by a flow of its own, so that no file is needed. */
const MAKE_CLIP = `
import { END, type End, Flow, ProducerNode, Tensor, VideoFileWriter, type Frame } from "videoflow";

/** A white square that moves to the right. */
export class Square extends ProducerNode<Frame> {
  #next = 0;
  next(): Frame | End {
    if (this.#next === ${FRAMES}) return END;
    const frame = Tensor.zeros("uint8", [120, 160, 3]);
    for (let y = 40; y < 80; y += 1) frame.data.fill(255, (y * 160 + this.#next * 5) * 3, (y * 160 + this.#next * 5 + 40) * 3);
    this.#next += 1;
    return frame;
  }
}

const flow = new Flow([new VideoFileWriter({ path: "clip.mp4", fps: 10 }, { name: "writer" }).from(new Square({}, { name: "square" }))]);
await flow.run();
await flow.join();
`;

const FLOW = `
import { FileAppender, Flow, ProcessorNode, VideoFileReader, type Frame } from "videoflow";

/** The brightest value of a frame. */
export class Brightness extends ProcessorNode<[Frame], { brightest: number }> {
  process(frame: Frame) {
    return { brightest: frame.data.reduce((a, b) => Math.max(a, b), 0) };
  }
}

const reader = new VideoFileReader({ path: "clip.mp4" }, { name: "reader" });
const brightness = new Brightness({}, { name: "brightness", nbTasks: 2 }).from(reader);
const flow = new Flow([new FileAppender({ path: "brightness.jsonl" }, { name: "appender" }).from(brightness)]);
await flow.run();
await flow.join();
`;

/** Runs a command in the folder. @throws Error with its output if it fails. */
function call(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 240_000,
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status ?? error}:\n${stdout}\n${stderr}`);
  return stdout;
}

function requireOutput(name, isGood) {
  const path = join(folder, name);
  if (!existsSync(path)) throw new Error(`the flow ended well, but ${name} is not there`);
  if (!isGood(path)) throw new Error(`${name} does not hold what it should`);
  console.log(`ok: ${name} (${statSync(path).size} bytes)`);
}

function requireBrightness() {
  const lines = (path) => readFileSync(path, "utf8").trimEnd().split("\n");
  requireOutput("brightness.jsonl", (path) => lines(path).length === FRAMES && lines(path).every((line) => /2[0-9]{2}/.test(line)));
  rmSync(join(folder, "brightness.jsonl"));
}

/** What a user's editor says: the compiler of this tree, the declarations of the package, the strictest of the usual options. */
function requireTypes() {
  const compilerOptions = {
    ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, target: "es2022", module: "nodenext" },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["make-clip.ts", "flow.ts"] }));
  call(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."]);
  console.log("ok: flow.ts has types");
}

let tarball;
try {
  tarball = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, encoding: "utf8" })
    .trim()
    .split("\n")
    .at(-1);
  const packedBytes = statSync(join(folder, tarball)).size;

  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }));
  const startMs = performance.now();
  call("npm", ["install", "--no-audit", "--no-fund", "--silent", `./${tarball}`]);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const installedMiB = Number(execFileSync("du", ["-sm", join(folder, "node_modules")], { encoding: "utf8" }).split("\t")[0]);
  console.log(`package ${(packedBytes / 2 ** 20).toFixed(1)} MiB, installed ${installedMiB} MiB in ${seconds} s`);

  writeFileSync(join(folder, "make-clip.ts"), MAKE_CLIP);
  writeFileSync(join(folder, "flow.ts"), FLOW);
  call("npx", ["--no-install", "videoflow", "run", "make-clip.ts", "--plain"]);
  requireOutput("clip.mp4", (path) => statSync(path).size > 0);
  call("npx", ["--no-install", "videoflow", "run", "flow.ts", "--plain"]);
  requireBrightness();
  call("npm", ["pkg", "set", "type=module"]); // Node itself, and the compiler, read flow.ts as a module only then.
  requireTypes();
  call(process.execPath, ["--import", "tsx", "flow.ts"]);
  requireBrightness();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
