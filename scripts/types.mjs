// Writes types/: the declarations of the public API, and those that they name. Runs before the package is packed.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const types = join(root, "types");

/** Declaration files that a declaration file names. @throws Error if one of them is not there: the user's compiler would not find it. */
function namedBy(file) {
  const names = readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)"/g);
  return Array.from(names, ([, name]) => {
    const path = join(dirname(file), name.replace(/\.js$/, ".d.ts"));
    if (!path.endsWith(".d.ts") || !existsSync(path))
      throw new Error(`${relative(root, file)} names ${name}, which is no declaration file`);
    return path;
  });
}

rmSync(types, { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { cwd: root, stdio: "inherit" });
const needed = new Set([join(types, "index.d.ts")]);
for (const file of needed) for (const path of namedBy(file)) needed.add(path);
for (const { name, parentPath } of readdirSync(types, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
  if (!needed.has(join(parentPath, name))) rmSync(join(parentPath, name));
}
