// Runs every static check, a line each, and says for each finding what to do instead. Two at a time: most of them are other programs.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { checkDocs } from "./check-docs.mjs";
import { checkTree } from "./check-tree.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;

/** Runs a program. @returns its output lines as findings when it fails, none when it succeeds. */
function program(command, args, advice) {
  return () =>
    new Promise((resolve) => {
      const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      const add = (data) => {
        text += data;
      };
      child.stdout.on("data", add);
      child.stderr.on("data", add);
      child.on("error", (error) => resolve([`${command} does not start: ${error.message}. Run npm ci.`]));
      child.on("close", (code) => resolve(code === 0 ? [] : [...text.trimEnd().split("\n"), advice]));
    });
}

const CHECKS = [
  ["types (tsc)", program(bin("tsc"), [], "Correct the types; a cast needs a comment that says why it is right.")],
  [
    "imports (dependency-cruiser)",
    program(
      bin("depcruise"),
      ["--config", ".dependency-cruiser.cjs", "--output-type", "err-long", "src"],
      "Follow the layers of layers.cjs; npx depcruise explains each rule.",
    ),
  ],
  [
    "style (biome)",
    program(
      bin("biome"),
      ["check", "--reporter=concise", "--max-diagnostics=50", "."],
      "Run npx biome check --write FILE, then look at what is left.",
    ),
  ],
  ["generated code (crds/)", program(process.execPath, ["scripts/generate.mjs", "--check"], "Run npm run generate and commit the result.")],
  ...checkTree(root),
  ...checkDocs(root),
];

/** Runs one check and prints its line. @returns 1 if it found something, else 0. */
async function runCheck([name, check]) {
  const startMs = performance.now();
  const findings = await Promise.resolve()
    .then(check)
    .catch((error) => [`the check itself failed: ${error.stack}`]);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${findings.length === 0 ? "ok  " : "FAIL"} ${name.padEnd(34)} ${seconds.padStart(5)} s`);
  for (const finding of findings) console.log(`     ${finding}`);
  return findings.length === 0 ? 0 : 1;
}

const waiting = [...CHECKS];
let failed = 0;
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const found = await runCheck(next);
    failed += found;
  }
}
await Promise.all([work(), work()]);
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
