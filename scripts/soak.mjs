// `npm run soak -- KILLS [SEED]`: kills tasks of real flows at random, in every third run agent and keeper too, run after run with a
// new seed, until so many were killed. A seed that failed is run again alone by `npm run soak -- 500 SEED`.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tsImport } from "tsx/esm/api";

/** Per run of the flow; its memory is checked to be at rest after each. */
const KILLS_PER_RUN = 500;
const root = fileURLToPath(new URL("..", import.meta.url));
const kills = Number(process.argv[2] ?? 10_000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 1_000_000);

process.chdir(root);
if (!existsSync("dist/main/cli.js")) {
  console.error("dist/ is missing: run npm run build");
  process.exit(1);
}
const { abandonSoak, SCENES, soakRun } = await tsImport("../test/support/chaos-soak.ts", import.meta.url);
// The flow is no child of the terminal: it would go on for ever.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => abandonSoak().finally(() => process.exit(130)));
const victims = new Map();
const told = () => [...victims].map(([victim, times]) => `${victim} ${times}`).join(", ");
const sum = { runs: 0, kills: 0, inHand: 0, inCommit: 0, recoveryMs: [] };
while (sum.kills < kills) {
  const seed = firstSeed + sum.runs;
  const { result, problems } = await soakRun(seed, Math.min(KILLS_PER_RUN, kills - sum.kills), SCENES[seed % SCENES.length]);
  sum.runs += 1;
  sum.kills += result.kills;
  sum.inHand += result.inHand;
  sum.inCommit += result.commits.prepared + result.commits.committed;
  sum.recoveryMs.push(...result.recoveryMs);
  const recovery = sum.recoveryMs.toSorted((a, b) => a - b);
  const [middle, slow] = [0.5, 0.99].map((part) => Math.round(recovery[Math.floor(recovery.length * part)] ?? Number.NaN));
  const share = Math.round((100 * sum.inHand) / sum.kills);
  for (const [victim, times] of Object.entries(result.victims)) victims.set(victim, (victims.get(victim) ?? 0) + times);
  console.log(
    `seed ${seed}: ${sum.kills} of ${kills} kills, ${share} % in hand, ${sum.inCommit} in a commit, back after ${middle} ms (median), ${slow} ms (p99)\n  ${told()}`,
  );
  if (problems.length > 0) {
    console.error(`seed ${seed} failed:\n${problems.join("\n")}`);
    process.exit(1);
  }
}
if (sum.inHand < 0.8 * sum.kills) {
  console.error("too few kills hit a message: the machine is too busy for a soak");
  process.exit(1);
}
