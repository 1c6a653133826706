// Takes one file out of a zip archive: node scripts/unzip-one.mjs ARCHIVE NAME TARGET. Nothing that a clean machine lacks is needed.
import { readFileSync, writeFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

const [archive, name, target] = process.argv.slice(2);
const zip = readFileSync(archive);
const END = 0x06054b50;
const ENTRY = 0x02014b50;

let end = zip.length - 22;
while (end >= 0 && zip.readUInt32LE(end) !== END) end -= 1;
if (end < 0) throw new Error(`${archive} is no zip archive`);
let at = zip.readUInt32LE(end + 16);
const entries = zip.readUInt16LE(end + 10);
for (let index = 0; index < entries; index += 1) {
  if (zip.readUInt32LE(at) !== ENTRY) throw new Error(`${archive} has a broken directory`);
  const [method, packed, nameBytes, extra, comment] = [10, 20, 28, 30, 32].map((offset) =>
    offset === 20 ? zip.readUInt32LE(at + offset) : zip.readUInt16LE(at + offset),
  );
  if (zip.toString("utf8", at + 46, at + 46 + nameBytes) === name) {
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + packed);
    writeFileSync(target, method === 0 ? bytes : inflateRawSync(bytes), { mode: 0o755 });
    process.exit(0);
  }
  at += 46 + nameBytes + extra + comment;
}
throw new Error(`${archive} has no ${name}`);
