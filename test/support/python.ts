/** Tests of Python nodes run where there is a Python interpreter, and say so where there is none. */
import { spawnSync } from "node:child_process";
import { describe } from "@jest/globals";

const { status } = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]);

if (status !== 0) process.stderr.write("SKIPPED: there is no python3 of version 3.8 or newer, so no Python node is tested\n");

export const describePython = status === 0 ? describe : describe.skip;
