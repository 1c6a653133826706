/** Finds devices for all required requests together: first fit, and back if a later request then finds none. */
import type { HostDevice } from "../api/kinds.js";
import type { DeviceHost, DeviceRequest } from "./allocate.js";
import type { Ledger } from "./ledger.js";

/** Steps before the search gives up; far more than any real host needs. */
const MAX_STEPS = 200_000;

/** One device of one request. */
interface Pick {
  readonly request: DeviceRequest;
  /** The next devices of a request come later in the host's order than its first one. */
  readonly first: boolean;
  /** Asks for one whole device, like the pick before it: the two are interchangeable, so it need not look before it. */
  readonly twin: boolean;
}

/**
 * Grants devices in the ledger to all requests, or to none.
 *
 * The result is the first one in the order of the devices: with interchangeable devices it is plain first fit. What is
 * interchangeable is tried once, so that "there is no way" is found without looking at every permutation.
 *
 * @returns claim name to UUIDs in the host's order; undefined if there is no way.
 */
export function grantAll(host: DeviceHost, ledger: Ledger, requests: readonly DeviceRequest[]): Map<string, string[]> | undefined {
  const picks = requests.flatMap((request, number) => picksOf(request, requests[number - 1]));
  const search = new Search(host.devices, ledger, picks);
  return search.from(0) ? collect(host, picks, search.chosen) : undefined;
}

function picksOf(request: DeviceRequest, before: DeviceRequest | undefined): Pick[] {
  const twin = request.count === 1 && before !== undefined && isTwin(request, before);
  return Array.from({ length: request.count }, (_, number) => ({ request, first: number === 0, twin: twin && number === 0 }));
}

function isTwin(a: DeviceRequest, b: DeviceRequest): boolean {
  return a.sharing === "Exclusive" && b.sharing === "Exclusive" && b.count === 1 && a.memoryMiB === b.memoryMiB && a.product === b.product;
}

class Search {
  /** Per pick, the index of its device. */
  readonly chosen: number[] = [];
  readonly #devices: readonly HostDevice[];
  readonly #ledger: Ledger;
  readonly #picks: readonly Pick[];
  #steps = 0;

  constructor(devices: readonly HostDevice[], ledger: Ledger, picks: readonly Pick[]) {
    this.#devices = devices;
    this.#ledger = ledger;
    this.#picks = picks;
  }

  /** Grants devices to the picks from number `at` on; the ledger is as before if there is no way. */
  from(at: number): boolean {
    const pick = this.#picks[at];
    if (pick === undefined) return true;
    const tried = new Set<string>();
    const start = pick.first && !pick.twin ? 0 : (this.chosen[at - 1] ?? -1) + 1;
    for (let index = start; index < this.#devices.length; index += 1) {
      if (this.#steps > MAX_STEPS) return false;
      if (this.#try(at, pick, index, tried)) return true;
    }
    return false;
  }

  #try(at: number, { request }: Pick, index: number, tried: Set<string>): boolean {
    const device = this.#devices[index] as HostDevice;
    this.#steps += 1;
    if (!this.#ledger.fits(device, request)) return false;
    const kind = this.#ledger.kindOf(device);
    if (tried.has(kind)) return false;
    tried.add(kind);
    this.#ledger.grant(device.uuid, request);
    this.chosen[at] = index;
    if (this.#othersFit(at + 1) && this.from(at + 1)) return true;
    this.#ledger.revoke(device.uuid);
    return false;
  }

  /** Looks ahead: a request that fits nowhere any more ends this way at once. */
  #othersFit(at: number): boolean {
    for (let next = at; next < this.#picks.length; next += 1) {
      const { request, first } = this.#picks[next] as Pick;
      if (first && !this.#devices.some((device) => this.#ledger.fits(device, request))) return false;
    }
    return true;
  }
}

function collect(host: DeviceHost, picks: readonly Pick[], chosen: readonly number[]): Map<string, string[]> {
  const granted = new Map<string, string[]>();
  for (const [at, { request }] of picks.entries()) {
    const uuid = host.devices[chosen[at] ?? -1]?.uuid;
    if (uuid !== undefined) granted.set(request.claim, [...(granted.get(request.claim) ?? []), uuid]);
  }
  return granted;
}
