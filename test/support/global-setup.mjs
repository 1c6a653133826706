// Before all suites: the bundle that the tests of whole flows run is as new as src/.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";

export default function buildIfStale() {
  const built = statSync("dist/main/cli.js", { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(...readdirSync("src", { recursive: true }).map((file) => statSync(`src/${file}`).mtimeMs));
  if (newest > built) execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
}
