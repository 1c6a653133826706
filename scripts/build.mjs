// Bundles src/ into dist/: one script for keepers, one for everything else and the public API, each part evaluated when it is
// first needed, so that a process reads few files, and their code can be kept as the engine has compiled it (scripts/load.cjs).
// A class has one identity, whoever imports it.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = `${root}dist`;
const fresh = `${dist}.${process.pid}`;

/** Scripts and the parts that they hold. A process that is one of the programs may need the API, too: its user's modules import it. */
const SCRIPTS = {
  keepers: { keeper: "./src/main/keeper.ts", pod: "./src/main/pod.ts" },
  videoflow: { cli: "./src/main/cli.ts", worker: "./src/main/worker.ts", index: "./src/index.ts" },
};
const PROGRAMS = ["cli", "keeper", "pod", "worker"];
/** Packages that most processes never need: scripts of their own. */
const PACKAGES = {
  commander: "commander",
  jsonpath: "jsonpath-plus",
  kubernetes: "@kubernetes/client-node/dist/config.js",
  prometheus: "prom-client",
  yaml: "yaml",
};

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  legalComments: "none",
  sourcemap: "linked",
  // Native packages and the TypeScript loader stay outside; everything else is bundled because a task starts faster that way.
  external: ["koffi", "lmdb", "node-av", "node-av/*", "onnxruntime-node", "tsx", "tsx/*", "acorn-globals"],
  define: { "import.meta.url": "__bundleUrl" },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
};

const packagesApart = {
  name: "packages-apart",
  setup({ onResolve }) {
    for (const [name, specifier] of Object.entries(PACKAGES))
      onResolve({ filter: new RegExp(`^${specifier}$`) }, () => ({ path: `./${name}.js`, external: true }));
  },
};

async function buildScript(name, parts) {
  const contents = Object.entries(parts).map(([part, file]) => `exports.${part} = () => require("${file}");`);
  await build({
    ...COMMON,
    stdin: { contents: contents.join("\n"), resolveDir: root, sourcefile: `${name}.js` },
    outfile: `${fresh}/main/${name}.js`,
    plugins: [packagesApart],
  });
}

async function buildPackage(name, specifier) {
  const contents = `export * from "${specifier}";`;
  await build({ ...COMMON, stdin: { contents, resolveDir: root, sourcefile: `${name}.js` }, outfile: `${fresh}/main/${name}.js` });
}

/** Names that `import … from "videoflow"` gives. */
async function namesOfIndex() {
  const { metafile } = await build({
    ...{ ...COMMON, sourcemap: false, format: "esm" },
    ...{ entryPoints: ["src/index.ts"], outfile: "index.js", metafile: true, write: false },
  });
  return metafile.outputs["index.js"].exports.toSorted();
}

/** Comments and regular expressions are what esbuild leaves as it is. */
function ascii(text) {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

mkdirSync(`${fresh}/main`, { recursive: true });
const [names] = await Promise.all([
  namesOfIndex(),
  ...Object.entries(SCRIPTS).map(([name, parts]) => buildScript(name, parts)),
  ...Object.entries(PACKAGES).map(([name, specifier]) => buildPackage(name, specifier)),
]);

const hash = createHash("sha256");
for (const name of [...Object.keys(SCRIPTS), ...Object.keys(PACKAGES)]) {
  const file = `${fresh}/main/${name}.js`;
  const text = ascii(readFileSync(file, "utf8").replace(/\bimport\(/g, "__import(")); // scripts/load.cjs gives it.
  writeFileSync(file, text);
  hash.update(text);
}
const loader = readFileSync(`${root}scripts/load.cjs`, "utf8").replace("BUILD", hash.digest("hex").slice(0, 16));
writeFileSync(`${fresh}/main/load.js`, loader);
writeFileSync(`${fresh}/main/package.json`, JSON.stringify({ type: "commonjs" }));
for (const name of PROGRAMS) {
  const script = Object.keys(SCRIPTS).find((candidate) => name in SCRIPTS[candidate]);
  writeFileSync(`${fresh}/main/${name}.js`, `#!/usr/bin/env node\nrequire("./load.js")("${script}").${name}();\n`);
}
chmodSync(`${fresh}/main/cli.js`, 0o755);
writeFileSync(
  `${fresh}/index.js`,
  `import { createRequire } from "node:module";
const api = createRequire(import.meta.url)("./main/load.js")("videoflow").index();
export const { ${names.join(", ")} } = api;
`,
);

// The old bundle may be running: it is moved away whole, never changed under its processes.
const old = `${dist}.old.${process.pid}`;
if (existsSync(dist)) renameSync(dist, old);
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
