// Runs one benchmark: `npm run bench -- NAME [--json] [--smoke]`. The last line is one JSON object.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".bench.mjs"))
  .map((file) => file.replace(".bench.mjs", ""));
const flags = process.argv.slice(2);
const name = flags.find((flag) => !flag.startsWith("--"));

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [--json] [--smoke]   names: ${names.join(", ")}`);
  process.exit(2);
}
const { run } = await import(`./${name}.bench.mjs`);
const smoke = flags.includes("--smoke");
const runs = smoke ? 1 : 5;
const log = flags.includes("--json") ? () => {} : (text) => console.error(text);
const figures = await run({ smoke, runs, log });
console.log(JSON.stringify({ ...figures, cores: availableParallelism(), node: process.version, runs }));
