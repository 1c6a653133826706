import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const MACHINE = ["cores", "node", "runs"];

/** Keys that scripts and documents rely on; a figure per size or per number of tasks is an object of its own. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  hop: ["hopUs", "hopUsP99", "rawUs", "ratio"],
  frames: ["handoverFps", "readOutFps", "memcpyFps", "handoverRatio", "readOutRatio", "copiesPerFrame"],
  fanout: ["fpsPerConsumer", "ratio"],
  payload: ["mbPerSecond", "memcpyMbPerSecond"],
  messages: ["messagesPerSecond", "ringMessagesPerSecond"],
  scale: ["perSecond", "efficiency"],
  overload: ["batch", "realtime"],
  join: ["perSecond", "efficiency", "share", "correct"],
  timejoin: ["complete", "onlyA", "onlyB"],
  kill: ["delivered", "duplicates", "recoveryMs", "wallRatio"],
  eos: ["tailMsPerHop"],
  idle: ["cpuSeconds", "rssMb", "privateMb"],
  converge: [
    ...["tasksPerSecond", "tasksPerSecondTenth", "diskTasksPerSecondTenth", "costGrowth", "writesPerTask"],
    ...["steadyWritesPerMinute", "rssMiB"],
  ],
  startup: ["firstMessageMs", "bareNodeMs", "ratio"],
  restart: ["deathToSpawnMs", "deathToProgramMs", "deathToReadyMs", "bareNodeMs"],
  adopt: ["tasks", "adoptMs", "restartedTasks"],
  agent: ["cpuSecondsPerMinute", "agentRssMb", "keeperRssMb"],
};

/** Runs a benchmark small and fast. @returns its last line, parsed. */
async function smoke(name: string): Promise<Record<string, unknown>> {
  const args = ["bench/bench.mjs", name, "--smoke", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
}

/** All numbers of a figure, however deep. */
function numbersOf(figure: unknown): unknown[] {
  return typeof figure === "object" && figure !== null ? Object.values(figure).flatMap(numbersOf) : [figure];
}

/** These need what not every machine has: the program or file that must be there, and the keys. */
const GUESTS: Readonly<Record<string, { readonly needs: string; readonly there: boolean; readonly keys: readonly string[] }>> = {
  python: {
    needs: "python3 with numpy",
    there: spawnSync("python3", ["-c", "import numpy"]).status === 0,
    keys: ["fps", "pythonAloneFps", "ratio"],
  },
  flow: {
    needs: "clips and models, named by VIDEOFLOW_ASSETS",
    there: existsSync(join(process.env["VIDEOFLOW_ASSETS"] ?? resolve("../shared/assets"), "models/yolox_nano.onnx")),
    keys: ["fps", "singleProcessFps", "ratio", "fpsTwoTasks", "ratioTwoTasks", "frames"],
  },
};
const [possible, impossible] = [true, false].map((there) => Object.entries(GUESTS).filter(([, guest]) => guest.there === there));
for (const [name, { needs }] of impossible ?? []) process.stderr.write(`SKIPPED: benchmark ${name} needs ${needs}\n`);

const cases = [...Object.entries(KEYS), ...(possible ?? []).map(([name, { keys }]) => [name, keys] as const)];

test.each(cases)(
  "%s prints one object with exactly its keys and finite numbers",
  async (name, keys) => {
    const { node, ...figures } = await smoke(name);
    expect([...Object.keys(figures), "node"].toSorted()).toEqual([...keys, ...MACHINE].toSorted());
    expect(node).toBe(process.version);
    expect(numbersOf(figures).filter((number) => !Number.isFinite(number))).toEqual([]);
  },
  120_000,
);
