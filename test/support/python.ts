/** Tests of Python nodes run where there is a Python interpreter, and say so where there is none. */
import { spawnSync } from "node:child_process";
import { describe } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import type { NodeContext } from "../../src/flow/node.js";

const { status } = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]);

if (status !== 0) process.stderr.write("SKIPPED: there is no python3 of version 3.8 or newer, so no Python node is tested\n");

export const describePython = status === 0 ? describe : describe.skip;

/** The surroundings of a node that runs in the test's own process. */
export const aContext = (fields: Partial<NodeContext> = {}): NodeContext =>
  ({
    flow: "f",
    run: "r-1",
    node: "n",
    taskIndex: 1,
    nbTasks: 2,
    devices: ["GPU-0"],
    logger: { info() {}, warn() {}, error() {} },
    committed: 0,
    traceId: "cam:7",
    seq: 7,
    eventTs: 12.5,
    metadata: { key: "k" },
    partitionKey: undefined,
    allocate: (shape: readonly number[], dtype: "uint8") => Tensor.zeros(dtype, shape),
    reportDevice() {},
    ...fields,
  }) as NodeContext;
