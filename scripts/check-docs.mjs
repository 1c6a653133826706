// What stands in the documents and in the code at once. `node scripts/check-docs.mjs --write` writes the generated parts anew.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { listFiles } from "./check-tree.mjs";

const WRITE_ADVICE = "run npm run docs and commit the result";

/** Bundles a module of src/ and imports it, so that no build has to be fresh. */
async function load(root, path) {
  const outfile = join(root, "node_modules/.cache/videoflow", path.replace(/\//g, "-").replace(/\.ts$/, ".mjs"));
  mkdirSync(dirname(outfile), { recursive: true });
  const banner = { js: "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);" };
  await build({
    absWorkingDir: root,
    entryPoints: [path],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    banner,
    logLevel: "silent",
  });
  return import(`${pathToFileURL(outfile).href}?${Date.now()}`);
}

/** Stands for every detail that a message may ask for: prints as "…", has any property, and is any list. */
const ANY = new Proxy(function any() {}, {
  get: (_target, key) => {
    if (key === Symbol.toPrimitive) return (hint) => (hint === "number" ? 2 : "…");
    if (key === Symbol.iterator) return [][Symbol.iterator];
    if (key === "toString" || key === "join" || key === "toFixed") return () => "…";
    if (key === "length") return 2;
    return ANY;
  },
  apply: () => ANY,
});

/** One row per code: what it says with "…" for the details, and what to do. */
async function errorRows(root) {
  const { ERRORS } = await load(root, "src/base/errors.ts");
  return Object.keys(ERRORS)
    .toSorted()
    .map((code) => {
      const text = `${ERRORS[code].message(ANY)}`.replace(/\s*\n\s*/g, " ").trim();
      return `| \`${code}\` | ${cell(text)} | ${cell(ERRORS[code].fix)} | ${ERRORS[code].retry === "never" ? "no" : "yes"} |`;
    });
}

const cell = (text) => text.replace(/\|/g, "\\|").replace(/</g, "&lt;");

async function errorTable(root) {
  return ["| code | it says | what to do | tried again |", "|---|---|---|---|", ...(await errorRows(root))].join("\n");
}

/** The help of every command as it is printed. */
async function helpBlocks(root) {
  const { createProgram } = await load(root, "src/cli/program.ts");
  const sink = { write() {}, isTTY: false, columns: 100, rows: 24 };
  const program = createProgram({ out: sink, err: sink, env: {}, cwd: root, version: "0.0.0", engine: {} }, () => {});
  return [program, ...program.commands].map((command) => {
    let text = "";
    command.configureOutput({ writeOut: (more) => (text += more), getOutHelpWidth: () => 100, getOutHasColors: () => false });
    command.outputHelp();
    const title = command === program ? "videoflow" : `videoflow ${command.name()}`;
    return `## ${title}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\``;
  });
}

function layerTable(root) {
  const layers = createRequire(import.meta.url)(join(root, "layers.cjs"));
  const rows = Object.entries(layers).map(
    ([name, { does, imports }]) => `| \`src/${name}/\` | ${does} | ${imports.map((i) => (i === "*" ? "all" : i)).join(" ") || "nothing"} |`,
  );
  return ["| folder | what it does | may import |", "|---|---|---|", ...rows].join("\n");
}

/** [document, name of the part, its text]. A part stands between `<!-- generated: name -->` and `<!-- end: name -->`. */
const GENERATED = [
  ["docs/errors.md", "errors", errorTable],
  ["docs/cli.md", "help", async (root) => (await helpBlocks(root)).join("\n\n")],
  ["docs/ARCHITECTURE.md", "layers", layerTable],
];

const partPattern = (name) => new RegExp(`(<!-- generated: ${name} -->\n)([\\s\\S]*?)(\n<!-- end: ${name} -->)`);

async function checkPart(root, [document, name, make]) {
  const text = readFileSync(join(root, document), "utf8");
  const found = partPattern(name).exec(text)?.[2];
  if (found === undefined) return [`${document}: the lines <!-- generated: ${name} --> and <!-- end: ${name} --> are missing`];
  const wanted = (await make(root)).split("\n");
  const present = found.split("\n");
  const missing = wanted.filter((line) => !present.includes(line)).map((line) => `+ ${line}`);
  const extra = present.filter((line) => !wanted.includes(line)).map((line) => `- ${line}`);
  if (missing.length + extra.length > 0) return [`${document}: ${WRITE_ADVICE}`, ...missing.slice(0, 10), ...extra.slice(0, 10)];
  return found === wanted.join("\n") ? [] : [`${document}: the lines stand in another order: ${WRITE_ADVICE}`];
}

async function writePart(root, [document, name, make]) {
  const path = join(root, document);
  const made = await make(root);
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace(partPattern(name), (_all, open, _old, close) => `${open}${made}${close}`),
  );
}

/** The heading's anchor as GitHub makes it. */
const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

function anchors(path) {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) => anchorOf(line.replace(/^#+ /, "")));
}

function brokenLinks(root) {
  const documents = listFiles(root).filter((path) => path.endsWith(".md"));
  return documents.flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8").replace(/```[\s\S]*?```/g, "");
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => brokenLink(root, document, link));
  });
}

function brokenLink(root, document, link) {
  if (/^[a-z]+:/.test(link)) return [];
  const [file, anchor] = link.split("#");
  const target = file === "" ? join(root, document) : resolve(root, dirname(document), file);
  if (!existsSync(target)) return [`${document}: the link ${link} leads nowhere: correct it, or write the document`];
  if (anchor && target.endsWith(".md") && !anchors(target).includes(anchor))
    return [`${document}: ${file} has no heading #${anchor}: correct the link`];
  return [];
}

/** Documents that comments of the code point to. */
function brokenMentions(root) {
  const sources = listFiles(root).filter((path) => /^(src|test|bench|scripts)\/.*\.(ts|mjs)$/.test(path) || path === "README.md");
  return sources.flatMap((source) =>
    [...readFileSync(join(root, source), "utf8").matchAll(/(?<![\w/.-])(docs\/[\w/.-]+\.md)/g)]
      .filter(([, path]) => !existsSync(join(root, path)))
      .map(([, path]) => `${source} mentions ${path}, which is not there: write it, or correct the comment`),
  );
}

/** "`name` (`src/file.ts`)" and the rows "| `name` | `src/file.ts` |": the file must hold the name. */
function brokenNames(root) {
  const documents = listFiles(root).filter((path) => path.endsWith(".md"));
  return documents.flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8");
    const pairs = [...text.matchAll(/((?:`\w+`(?:, )?)+)(?: \(| \| )`(src\/[\w/.-]+\.ts)`/g)];
    return pairs.flatMap(([, names, file]) => {
      if (!existsSync(join(root, file))) return [`${document}: ${file} is not there: correct the path`];
      const source = readFileSync(join(root, file), "utf8");
      const lost = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => !new RegExp(`\\b${name}\\b`).test(source));
      return lost.map((name) => `${document}: ${file} has no ${name}: correct the document`);
    });
  });
}

const ADR_SECTIONS = ["Status", "Context", "Decision", "Example", "Consequences"];

function misshapenDecisions(root) {
  const folder = join(root, "docs/adr");
  const files = readdirSync(folder).filter((file) => file.endsWith(".md"));
  const findings = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title.trim());
    const hasStatusLine = /^Status: /m.test(text);
    const lost = ADR_SECTIONS.filter((section) => !headings.includes(section) && !(section === "Status" && hasStatusLine));
    const named = /^\d{4}-[a-z0-9-]+\.md$/.test(file) ? [] : [`docs/adr/${file}: name it NNNN-title.md`];
    return [...named, ...(lost.length > 0 ? [`docs/adr/${file}: the sections ${lost.join(", ")} are missing: see 0000-template.md`] : [])];
  });
  const numbers = files.map((file) => file.slice(0, 4));
  const twice = numbers.filter((number, i) => numbers.indexOf(number) !== i);
  return [...findings, ...twice.map((number) => `docs/adr/${number}: two decisions have this number: renumber the later one`)];
}

function unknownCommands(root) {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const builtIn = new Set(["ci", "install", "pack", "test"]);
  const documents = listFiles(root).filter((path) => path.endsWith(".md"));
  return documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/\bnpm (run )?([a-z][\w:-]*)/g)]
      .filter(([, run, name]) => (run === undefined ? builtIn.has(name) && name === "test" && !scripts.test : !(name in scripts)))
      .map(([text]) => `${document}: package.json has no script for "${text}": correct the text, or add the script`),
  );
}

/** @returns [name, check] pairs; a check returns its findings. */
export function checkDocs(root) {
  return [
    ...GENERATED.map((part) => [`${part[0]} (${part[1]})`, () => checkPart(root, part)]),
    ["links in the documents", () => [...brokenLinks(root), ...brokenMentions(root)]],
    ["names of the code in the documents", () => brokenNames(root)],
    ["shape of the decisions (ADR)", () => misshapenDecisions(root)],
    ["npm commands in the documents", () => unknownCommands(root)],
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  if (process.argv.includes("--write")) for (const part of GENERATED) await writePart(root, part);
  for (const [name, check] of checkDocs(root)) for (const finding of await check()) console.log(`${name}: ${finding}`);
}
