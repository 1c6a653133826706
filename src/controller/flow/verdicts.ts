/** Why a flow fits on each host or not, for people: the same trial of hosts by which one is chosen. Pure. */
import type { HostVerdict, Share } from "../../api/explanation.js";
import type { FlowTask } from "../../api/kinds.js";
import { candidateOf, placeNeeds } from "./candidates.js";
import { desiredClaims, runId } from "./desired.js";
import { idOf, isFinal } from "./holding.js";
import { eligibleHosts } from "./hosts.js";
import type { Observed } from "./observed.js";
import { ownOf } from "./own.js";
import { byFitness, free, granted, type Needs, type Tried, tryHost } from "./place.js";
import { refusalAmong } from "./refused.js";

/** One verdict per host, by name; none for a spec that is invalid. What the flow itself uses counts as free where it runs. */
export function judgeHosts(observed: Observed): HostVerdict[] {
  const { flow, shape, tasks, claims } = observed;
  const { graph } = shape;
  if (graph === undefined) return [];
  const own = ownOf(flow, tasks, claims).tasks;
  const ids = new Set(own.map(idOf));
  const others = tasks.filter((task) => !ids.has(idOf(task)));
  const needs = placeNeeds(observed, graph, desiredClaims(flow, graph, runId(flow)));
  const { hosts, others: unfit } = eligibleHosts(observed);
  const tried = hosts.map((host) => tryHost(candidateOf(host, observed, others), needs));
  const best = tried.filter(({ refusal }) => refusal === undefined).toSorted(byFitness)[0]?.candidate.host.metadata.name;
  const told = tellerOf(own, best);
  const verdicts = [
    ...tried.map((one) => verdictOf(one, needs, told(one))),
    ...unfit.map(({ host, why }) => {
      const one = tryHost(candidateOf(host, observed, others), needs);
      return verdictOf(one, needs, {
        fits: runsOn(host.metadata.name, own) !== "",
        why: [runsOn(host.metadata.name, own), why].filter(Boolean).join(", but "),
      });
    }),
  ];
  return verdicts.toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

type Told = Pick<HostVerdict, "fits" | "why">;

/** @param best where a flow without tasks would begin. */
function tellerOf(own: readonly FlowTask[], best: string | undefined): (tried: Tried) => Told {
  const refusal = refusalAmong(own);
  return ({ candidate, refusal: lack }) => {
    const { name } = candidate.host.metadata;
    const runs = runsOn(name, own);
    if (runs !== "") return { fits: refusal === undefined, why: refusal?.message ?? runs };
    if (lack !== undefined) return { fits: false, why: lack.message };
    return { fits: true, why: own.every(isFinal) && name === best ? "the flow begins here" : "it could run here" };
  };
}

function runsOn(host: string, own: readonly FlowTask[]): string {
  return own.some((task) => task.spec.host === host && !isFinal(task)) ? "the flow runs here" : "";
}

function verdictOf({ candidate, allocation }: Tried, needs: Needs, told: Told): HostVerdict {
  const { host, used, shmBytes = 0 } = candidate;
  const { cores, memoryMiB, shmBytes: shm } = host.status ?? {};
  return {
    host: host.metadata.name,
    ...told,
    gpuTasks: { asked: needs.requests.length, granted: allocation.admitted ? granted(allocation) : 0 },
    cores: share(needs.cpu, cores, used.cpu),
    memoryMiB: share(needs.memoryMiB, memoryMiB, used.memoryMiB),
    shmBytes: share(needs.shmBytes, shm, shmBytes),
  };
}

function share(asked: number, all: number | undefined, used: number): Share {
  return all === undefined ? { asked } : { asked, free: free(all, used) };
}
