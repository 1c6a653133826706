// Checks of the sources as text: what a file must begin with, and the words that must not stand in the tree.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Words that must not be committed: [pattern, what to do instead]. Written in pieces so that this file passes its own check. */
const BANNED = [
  [new RegExp(`\\b(${"TO"}DO|${"FIX"}ME|${"XX"}X)\\b`), "finish it now, or say in the code what the limit is and why"],
  [
    new RegExp(`(?<![\\w.])/(${"wo"}rk/[a-z]|${"ro"}ot/[a-z]|(${"ho"}me|Users)/[a-z]{2,}/)`),
    "a path of one machine: make it relative, or take it from a parameter",
  ],
  [/https?:\/\/(localhost|127\.0\.0\.1|\[::1\]):(4873|8081)\b/, "an address of one network: take it from the environment"],
];

/** Files in which a banned word is data. */
const EXEMPT = [/^package-lock\.json$/, /\.snap$/, /^LICENSE$/, /^src\/api\/generated\//, /^test\/fixtures\//];

const TEXT = /\.(ts|mjs|cjs|js|json|md|yaml|yml|sh)$|^\.ci\/|^\.[a-z]+$/;

/** Committed and new files, without those that git ignores. */
export function listFiles(root) {
  const text = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  return text.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
}

function bannedWords(root) {
  const findings = [];
  const files = listFiles(root).filter((path) => TEXT.test(path) && !EXEMPT.some((pattern) => pattern.test(path)));
  for (const path of files) {
    const lines = readFileSync(join(root, path), "utf8").split("\n");
    lines.forEach((line, index) => {
      for (const [pattern, advice] of BANNED) {
        const match = pattern.exec(line);
        if (match) findings.push(`${path}:${index + 1} "${match[0]}": ${advice}`);
      }
    });
  }
  return findings;
}

/** The lines of the comment that a file begins with. */
export function openingComment(text) {
  const block = /^(?:#!.*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1];
  if (block !== undefined)
    return block
      .split("\n")
      .map((line) => line.replace(/^\s*\*?\s?/, "").trim())
      .filter(Boolean);
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#!"))
    .slice(0, 5)
    .filter((line) => line.startsWith("// "))
    .map((line) => line.slice(3));
}

/** True if the comment says what the folder does, what it knows, and what it must not know. */
function opensFolder(text) {
  const comment = openingComment(text).join(" ");
  return /\bknows?\b/i.test(comment) && /\bmust not\b/i.test(comment);
}

function folderOpenings(root) {
  const src = join(root, "src");
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name }) => {
    const files = readdirSync(join(src, name)).filter((file) => file.endsWith(".ts"));
    if (files.length === 0 || files.some((file) => opensFolder(readFileSync(join(src, name, file), "utf8")))) return [];
    return [`src/${name}: no file opens with three lines (what it does, "Knows …; must not …"): add them to its main file`];
  });
}

function folderNames(root) {
  const vague = /(^|\/)(utils?|common|helpers?|shared|misc)(\/|\.[a-z]+$)/;
  return listFiles(root)
    .filter((path) => /^(src|test|bench|scripts)\//.test(path) && vague.test(path))
    .map((path) => `${path}: name the file for what it does; "${vague.exec(path)[2]}" says nothing`);
}

/** @returns [name, check] pairs; a check returns its findings. */
export function checkTree(root) {
  return [
    ["words that must not stay", () => bannedWords(root)],
    ["three lines open each folder", () => folderOpenings(root)],
    ["names of files", () => folderNames(root)],
  ];
}
