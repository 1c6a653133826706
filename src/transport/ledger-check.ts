/** Whether the ledgers of a run add up. Pure; loads nothing of the data plane. */
import type { EdgeStats } from "./port.js";

/** What does not add up at the end of a run; empty if every message and every mark has met its fate, once. */
export function ledgerProblems(edges: readonly EdgeStats[]): string[] {
  return edges.flatMap((edge) => {
    const { from, to, produced, acknowledged, deadLettered, dropped, marks, marksProduced } = edge;
    const settled = acknowledged + deadLettered + dropped;
    const problems: string[] = [];
    if (produced !== settled)
      problems.push(
        `${produced} messages produced, ${settled} settled: ${acknowledged} acknowledged, ${deadLettered} dead letters, ${dropped} dropped`,
      );
    if (marks !== marksProduced) problems.push(`${marksProduced} marks produced, ${marks} acknowledged`);
    return problems.map((problem) => `edge ${from} -> ${to}: ${problem}`);
  });
}
