// `npm run soak -- KILLS [SEED]`: kills tasks of real flows at random, run after run with a new seed, until so many were killed.
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
const { abandonSoak, soakRun } = await tsImport("../test/support/chaos-soak.ts", import.meta.url);
// The flow is no child of the terminal: it would go on for ever.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => abandonSoak().finally(() => process.exit(130)));
const sum = { runs: 0, kills: 0, inHand: 0, inCommit: 0, recoveryMs: [] };
while (sum.kills < kills) {
  const seed = firstSeed + sum.runs;
  const { result, problems } = await soakRun(seed, Math.min(KILLS_PER_RUN, kills - sum.kills), sum.runs % 2 === 1);
  sum.runs += 1;
  sum.kills += result.kills;
  sum.inHand += result.inHand;
  sum.inCommit += result.commits.prepared + result.commits.committed;
  sum.recoveryMs.push(...result.recoveryMs);
  const recovery = sum.recoveryMs.toSorted((a, b) => a - b);
  const [middle, slow] = [0.5, 0.99].map((part) => Math.round(recovery[Math.floor(recovery.length * part)] ?? Number.NaN));
  const share = Math.round((100 * sum.inHand) / sum.kills);
  console.log(
    `seed ${seed}: ${sum.kills} of ${kills} kills, ${share} % in hand, ${sum.inCommit} in a commit, back after ${middle} ms (median), ${slow} ms (p99)`,
  );
  if (problems.length > 0) {
    console.error(`seed ${seed} failed:\n${problems.join("\n")}`);
    process.exit(1);
  }
}
