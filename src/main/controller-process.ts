/** `videoflow controller`: the controllers of a cluster, in one process that leads or waits for its turn. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { LEASE_NAMESPACE } from "../api/host-lease.js";
import { REAL_CLOCK } from "../base/clock.js";
import { Endings } from "../base/endings.js";
import { errorText, OperatorError } from "../base/errors.js";
import { Prng } from "../base/prng.js";
import type { ControllerProcessOptions } from "../cli/world.js";
import { describeBuiltIn } from "../components/descriptors.js";
import { createFlowController } from "../controller/flow/flow-controller.js";
import { Heartbeats } from "../controller/host/heartbeats.js";
import { createHostController } from "../controller/host/host-controller.js";
import type { Controller } from "../controller/runtime/controller.js";
import { LeaderElection } from "../controller/runtime/leader-election.js";
import { LEADERSHIP_TIMES } from "../controller/runtime/leadership.js";
import { REAL_SCHEDULER } from "../controller/runtime/scheduler.js";
import { EventRecorder } from "../store/event-recorder.js";
import { KubernetesStore } from "../store/kubernetes/kubernetes-store.js";
import { CONTROLLER_STATUS } from "../store/kubernetes/owned-status.js";
import type { Store } from "../store/store.js";
import { serveHealth } from "./health-server.js";
import { leaderText, storeText } from "./metrics.js";
import { type Measured, serveMetrics } from "./metrics-server.js";

const LEASE_NAME = "videoflow-controller";
/** Out of touch with the API server for so long, it is not ready. */
const UNREADY_MS = 30_000;

/** Runs until a signal ends it. @throws OperatorError LEADERSHIP_LOST, CLUSTER_UNKNOWN. */
export async function runController(options: ControllerProcessOptions): Promise<void> {
  const { log } = options;
  const store = await KubernetesStore.fromKubeconfig(options.cluster, {
    fieldManager: "videoflow-controller",
    owns: CONTROLLER_STATUS,
    onTrouble: (text) => log(text),
  });
  const ended = new Ending();
  let controllers: readonly NamedController[] = [];
  let heardMs = REAL_CLOCK.nowMs();
  const identity = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const election = new LeaderElection({
    store: heardStore(store, () => {
      heardMs = REAL_CLOCK.nowMs();
    }),
    clock: REAL_CLOCK,
    scheduler: REAL_SCHEDULER,
    namespace: LEASE_NAMESPACE,
    name: LEASE_NAME,
    identity,
    times: LEADERSHIP_TIMES,
    onLead: () => {
      log(`${identity} leads`);
      controllers = startControllers(store, log);
    },
    onLose: (why) => ended.fail(new OperatorError("LEADERSHIP_LOST", { identity, why })),
    onError: (problem) => log(`election: ${problem}`),
  });
  const silent = () =>
    REAL_CLOCK.nowMs() - heardMs > UNREADY_MS ? `the API server ${store.server} has not answered for a while` : undefined;
  const health =
    options.probes === undefined ? undefined : await serveHealth({ address: options.probes, unhealthy: () => undefined, unready: silent });
  log(`controller ${identity} of ${store.server}${health === undefined ? "" : `; probes on port ${health.port}`}`);
  const served =
    options.metrics === undefined
      ? undefined
      : await serveMetrics(
          measured(store, election, () => controllers),
          { open: options.metrics },
        );
  if (served !== undefined) log(`metrics on port ${served.port}`);
  election.start();
  try {
    log(`${await ended.reached}: ending`);
  } finally {
    const endings = new Endings();
    for (const end of [() => store.close(), () => served?.close(), () => health?.close()]) endings.add(end);
    endings.add(() => election.stop().catch(() => undefined)); // Nobody answers: the Lease runs out by itself.
    for (const { controller } of controllers) endings.add(() => controller.stop());
    for (const problem of await endings.end()) log(`ending: ${errorText(problem)}`);
  }
}

interface NamedController {
  readonly name: string;
  readonly controller: Controller;
}

function measured(store: KubernetesStore, election: LeaderElection, controllers: () => readonly NamedController[]): Measured {
  return {
    loops: () => controllers().map(({ name, controller }) => controller.figures(name)),
    more: () => `${leaderText({ name: LEASE_NAME, leads: election.leads })}\n${storeText(store.figures)}`,
  };
}

function startControllers(store: Store, log: (text: string) => void): readonly NamedController[] {
  const heartbeats = new Heartbeats();
  const shared = {
    store,
    heartbeats,
    clock: REAL_CLOCK,
    scheduler: REAL_SCHEDULER,
    prng: new Prng(process.pid),
    onError: (key: string, problem: string, delayMs: number) =>
      log(`${key}: ${problem}${delayMs > 1_000 ? ` (again in ${Math.round(delayMs)} ms)` : ""}`),
  };
  const flows = createFlowController({
    ...shared,
    isCached: true,
    describe: describeBuiltIn,
    defaultAdmission: "Wait",
    isScalable: true,
    events: new EventRecorder({ store, clock: REAL_CLOCK, component: "videoflow-controller", storeExpires: true }),
  });
  const controllers = [
    { name: "host", controller: createHostController(shared) },
    { name: "videoflow", controller: flows },
  ];
  for (const { controller } of controllers) controller.start();
  return controllers;
}

/** A store that tells of each answer. */
function heardStore(store: Store, heard: () => void): Pick<Store, "get" | "create" | "update"> {
  const told = async <T>(asked: Promise<T>): Promise<T> => {
    const answer = await asked;
    heard();
    return answer;
  };
  return {
    get: (key) => told(store.get(key)),
    create: (object) => told(store.create(object)),
    update: (object) => told(store.update(object)),
  };
}

/** What ends the process: a signal, or a failure. */
class Ending {
  readonly reached: Promise<string>;
  fail!: (error: Error) => void;

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.fail = reject;
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
    });
  }
}
