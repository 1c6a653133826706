/** Finds devices for all required requests together: first fit, and back if a later request then finds none. */
import type { DeviceHost, DeviceRequest } from "./allocate.js";
import type { Ledger } from "./ledger.js";

/** Steps before the search gives up; far more than any real host needs. */
const MAX_STEPS = 20_000;

interface Pick {
  readonly request: DeviceRequest;
  /** The first pick of a request may be any device; the next ones come later in the host's order. */
  readonly first: boolean;
}

/**
 * Grants devices in the ledger to all requests, or to none.
 *
 * The result is the first one in the order of the devices: with interchangeable devices it is plain first fit.
 *
 * @returns claim name to UUIDs in the host's order; undefined if there is no way.
 */
export function grantAll(host: DeviceHost, ledger: Ledger, requests: readonly DeviceRequest[]): Map<string, string[]> | undefined {
  const picks = requests.flatMap((request) =>
    Array.from({ length: request.count }, (_, number): Pick => ({ request, first: number === 0 })),
  );
  const chosen: number[] = [];
  let steps = 0;

  const search = (at: number): boolean => {
    const pick = picks[at];
    if (pick === undefined) return true;
    const from = pick.first ? 0 : (chosen[at - 1] ?? -1) + 1;
    for (let index = from; index < host.devices.length; index += 1) {
      const device = host.devices[index];
      steps += 1;
      if (steps > MAX_STEPS) return false;
      if (device === undefined || !ledger.fits(device, pick.request)) continue;
      ledger.grant(device.uuid, pick.request);
      chosen[at] = index;
      if (search(at + 1)) return true;
      ledger.revoke(device.uuid);
    }
    return false;
  };

  return search(0) ? collect(host, picks, chosen) : undefined;
}

function collect(host: DeviceHost, picks: readonly Pick[], chosen: readonly number[]): Map<string, string[]> {
  const granted = new Map<string, string[]>();
  for (const [at, { request }] of picks.entries()) {
    const uuid = host.devices[chosen[at] ?? -1]?.uuid;
    if (uuid !== undefined) granted.set(request.claim, [...(granted.get(request.claim) ?? []), uuid]);
  }
  return granted;
}
