// Bundles src/ into dist/: one entry per OS process plus the public API, sharing chunks so that a class has one identity.
import { chmodSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = `${root}dist`;

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts", "src/main/cli.ts", "src/main/keeper.ts", "src/main/worker.ts"],
  outdir,
  outbase: "src",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  legalComments: "none",
  // Native packages and the TypeScript loader stay outside; everything else is bundled because a task starts faster that way.
  external: ["koffi", "lmdb", "node-av", "node-av/*", "onnxruntime-node", "tsx", "tsx/*"],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
chmodSync(`${outdir}/main/cli.js`, 0o755);
