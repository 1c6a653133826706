import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { REFUSALS } from "../../src/api/refusal.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = ["docs/reference/conditions.md", "docs/supervision.md", "docs/devices.md"];
/** Where programs say why: `reason: "X"`, `fact("Ready", true, all ? "X" : "Y"`, `pending("X"`. */
const SAID = [/\breason: ("[A-Z]\w+")/g, /\bfact\("\w+", [^,]+, ([^,]+),/g, /\bpending\(("[A-Z]\w+")/g];

function sourcesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return names.map((name) => readFileSync(join(ROOT, folder, name), "utf8"));
}

function reasonsIn(text: string): string[] {
  const places = SAID.flatMap((pattern) => [...text.matchAll(pattern)].map(([, place = ""]) => place));
  return places.flatMap((place) => [...place.matchAll(/"([A-Z]\w+)"/g)].map(([, reason = ""]) => reason));
}

test("each reason that a status or an event may give is explained to operators", () => {
  const said = new Set([...["src/controller", "src/agent"].flatMap(sourcesIn).flatMap(reasonsIn), ...Object.keys(REFUSALS)]);
  const pages = PAGES.map((page) => readFileSync(join(ROOT, page), "utf8")).join("\n");
  expect([...said].filter((reason) => !pages.includes(`\`${reason}\``)).toSorted()).toEqual([]);
  expect(said.size).toBeGreaterThan(50);
});
