import { expect, test } from "@jest/globals";
import type { HostDevice } from "../../src/api/kinds.js";
import { type Allocation, isSatisfiable } from "../../src/devices/allocate.js";
import { Ledger } from "../../src/devices/ledger.js";
import { allocate, anyWay, checkScenes, holdsOf, type Scene } from "./devices-scenes.js";

/** Scenes in all; each rule looks at its share. More: VIDEOFLOW_CASES. */
const CASES = Number(process.env["VIDEOFLOW_CASES"] ?? 100_000);

const required = ({ requests }: Scene) => requests.filter((request) => request.required);

/** D1 D2 D5 D6, MIG: what may never be, whatever is asked. */
function safety(scene: Scene): string | undefined {
  const allocation = allocate(scene);
  const all = [...scene.held, ...holdsOf(allocation)];
  return (
    overcommitted(scene.devices, all) ?? withRelative(scene.devices, all) ?? badGrant(scene, allocation) ?? halfAdmitted(scene, allocation)
  );
}

function overcommitted(devices: readonly HostDevice[], all: readonly ReturnType<typeof holdsOf>[number][]): string | undefined {
  for (const { uuid, memoryMiB } of devices) {
    const own = all.filter((hold) => hold.devices.includes(uuid));
    if (own.length > 1 && own.some((hold) => hold.memoryMiB === undefined)) return `D1: ${uuid} is granted twice`;
    if (own.reduce((sum, hold) => sum + (hold.memoryMiB ?? 0), 0) > memoryMiB) return `D2: ${uuid} is granted beyond its memory`;
  }
  return undefined;
}

function withRelative(devices: readonly HostDevice[], all: readonly ReturnType<typeof holdsOf>[number][]): string | undefined {
  const granted = new Set(all.flatMap((hold) => hold.devices));
  const both = devices.find(({ uuid, parent }) => parent !== undefined && granted.has(uuid) && granted.has(parent));
  return both === undefined ? undefined : `${both.uuid} and its parent are granted together`;
}

/** Each grant is what was asked for, of healthy devices of the host (D6). */
function badGrant({ devices, requests }: Scene, { decisions }: Allocation): string | undefined {
  for (const { claim, devices: uuids } of decisions.filter(({ reason }) => reason === "Allocated")) {
    const wanted = requests.find((candidate) => candidate.claim === claim);
    const found = devices.filter(({ uuid }) => uuids.includes(uuid));
    if (found.length !== wanted?.count || new Set(uuids).size !== wanted.count) return `D6: ${claim} has ${uuids.join()}`;
    const suits = ({ healthy, memoryMiB, product }: HostDevice) =>
      healthy && memoryMiB >= (wanted.memoryMiB ?? 0) && product.toLowerCase().includes((wanted.product ?? "").toLowerCase());
    if (!found.every(suits)) return `${claim} got what it did not ask for: ${uuids.join()}`;
  }
  return undefined;
}

/** D5: a refused flow gets nothing, an admitted one all that it requires. */
function halfAdmitted(scene: Scene, { admitted, decisions }: Allocation): string | undefined {
  const must = new Set(required(scene).map(({ claim }) => claim));
  const concerned = admitted ? decisions.filter(({ claim }) => must.has(claim)) : decisions;
  return concerned.every(({ reason }) => (reason === "Allocated") === admitted) ? undefined : "D5: neither all nor nothing";
}

/** If there is any way to serve what is required it is found, and each request is decided once, with a message. */
function completeness(scene: Scene): string | undefined {
  const { admitted, reason, decisions } = allocate(scene);
  const possible = anyWay(scene.devices, scene.held, required(scene));
  if (admitted !== possible) return possible ? "refused although there is a way" : "admitted although there is no way";
  const names = decisions.map(({ claim }) => claim).toSorted();
  if (
    names.join() !==
    scene.requests
      .map(({ claim }) => claim)
      .toSorted()
      .join()
  )
    return `decided: ${names.join()}`;
  if (decisions.some(({ message }) => message === "")) return "a decision without a message";
  const ideal = scene.devices.map((device) => ({ ...device, healthy: true }));
  const expected = admitted ? "Allocated" : anyWay(ideal, [], required(scene)) ? "WaitingForDevices" : "Unsatisfiable";
  if (isSatisfiable({ name: "h", devices: scene.devices }, scene.requests) !== (expected !== "Unsatisfiable") && !admitted)
    return "isSatisfiable says otherwise";
  return reason === expected ? undefined : `called ${reason}, is ${expected}`;
}

/** No wish runs on the CPU while devices for it are free; and when all others have gone, what waits is served. */
function liveness(scene: Scene): string | undefined {
  const allocation = allocate(scene);
  const ledger = new Ledger({ name: "h", devices: scene.devices }, [...scene.held, ...holdsOf(allocation)]);
  const onCpu = new Set(allocation.decisions.filter(({ reason }) => reason === "CpuFallback").map(({ claim }) => claim));
  const starved = scene.requests.find(
    (wish) => onCpu.has(wish.claim) && ledger.free(wish).length >= wish.count && alone(scene, wish.claim),
  );
  if (starved !== undefined) return `${starved.claim} runs on the CPU beside free devices`;
  if (allocation.reason !== "WaitingForDevices") return undefined;
  const healed = { ...scene, held: [], devices: scene.devices.map((device) => ({ ...device, healthy: true })) };
  return allocate(healed).admitted ? undefined : "waits for ever: not served by a free and healthy host";
}

/** A request of several devices may find relatives free one by one that exclude each other. */
function alone({ devices, requests }: Scene, claim: string): boolean {
  const wish = requests.find((request) => request.claim === claim);
  return wish?.count === 1 || devices.every(({ parent }) => parent === undefined);
}

/** What is held stays where it is, whatever comes. */
function stability(scene: Scene): string | undefined {
  const first = holdsOf(allocate(scene));
  if (first.length === 0) return undefined;
  const again = allocate({ ...scene, held: [...scene.held, ...first] });
  const kept = new Map(again.decisions.map(({ claim, devices }) => [claim, devices.join()]));
  const moved = first.find(({ claim, devices }) => kept.get(claim) !== devices.join());
  return moved === undefined ? undefined : `${moved.claim} moved from ${moved.devices.join()} to ${kept.get(moved.claim)}`;
}

/** The order of what is held and asked does not matter, and the same question has the same answer. */
function determinism(scene: Scene): string | undefined {
  const picture = (given: Scene) =>
    allocate(given)
      .decisions.map(({ claim, reason, devices, message }) => `${claim} ${reason} ${devices.join()} ${message}`)
      .join("\n");
  const [one, turned] = [picture(scene), picture({ ...scene, held: scene.held.toReversed(), requests: scene.requests.toReversed() })];
  return one === turned ? undefined : `another answer when turned:\n${one}\n${turned}`;
}

const rules = { safety, completeness, liveness, stability, determinism };
const share = Math.ceil(CASES / Object.keys(rules).length);

test.each(Object.entries(rules))(`%s, ${share} scenes of up to 8 devices and 8 requests`, (name, rule) => {
  const first = 1 + Object.keys(rules).indexOf(name) * share;
  expect(() => checkScenes(share, first, rule)).not.toThrow();
});
