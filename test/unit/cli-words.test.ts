import { expect, test } from "@jest/globals";
import { plainWords } from "../../src/cli/words.js";

const options = [
  { short: "-o", long: "--output", hasValue: true },
  { short: "-w", long: "--watch", hasValue: false },
  { long: "--no-headers", hasValue: false },
  { long: "--dry-run", hasValue: false },
  { long: "--wait", hasValue: true },
];

test.each([
  ["-o=yaml", "-o yaml"],
  ["-o=jsonpath={.a}=b", "-o jsonpath={.a}=b"],
  ["--output=yaml", "--output=yaml"],
  ["--watch=true vf", "--watch vf"],
  ["-w=false vf", "vf"],
  ["--no-headers=true", "--no-headers"],
  ["--dry-run=client", "--dry-run"],
  ["--dry-run=server", "--dry-run"],
  ["--dry-run=none", ""],
  ["--dry-run", "--dry-run"],
  ["--wait=false", "--wait=false"],
  ["--watch=maybe", "--watch=maybe"],
  ["--unknown=true -x=1", "--unknown=true -x=1"],
  ["detector=4", "detector=4"],
  ["-- -w=false", "-- -w=false"],
])("%s means %s", (line, meant) => {
  expect(plainWords(line.split(" "), options).join(" ")).toBe(meant);
});
