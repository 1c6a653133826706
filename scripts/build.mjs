// Bundles src/ into dist/: one entry per OS process plus the public API, sharing chunks so that a class has one identity.
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = `${root}dist`;
const fresh = `${dist}.${process.pid}`;

await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts", "src/main/cli.ts", "src/main/keeper.ts", "src/main/pod.ts", "src/main/worker.ts"],
  outdir: fresh,
  outbase: "src",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  legalComments: "none",
  // Native packages and the TypeScript loader stay outside; everything else is bundled because a task starts faster that way.
  external: ["koffi", "lmdb", "node-av", "node-av/*", "onnxruntime-node", "tsx", "tsx/*", "acorn-globals"],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
chmodSync(`${fresh}/main/cli.js`, 0o755);

// The old bundle may be running: it is moved away whole, never changed under its processes.
const old = `${dist}.old.${process.pid}`;
if (existsSync(dist)) renameSync(dist, old);
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
