/** How a host says that it is alive: a Lease that its agent renews. Names and numbers that agent and controller share. */

/** Leases of hosts live beside the controller. */
export const LEASE_NAMESPACE = "videoflow-system";
/** How often an agent renews its Lease. */
export const RENEW_SECONDS = 10;
/** A host whose Lease did not change for so long is not reachable. */
export const LEASE_SECONDS = 40;
/** `fenceSeconds` of a flow that does not say. */
export const DEFAULT_FENCE_SECONDS = 30;
/**
 * How much later than its fence a task counts as dead: its keeper looks every half second, needs up to five to kill a tree,
 * and its clock may run slower than the controller's.
 */
export const FENCE_DRIFT_MS = 15_000;
/** Carried by each Host, so that a `hostSelector` can name one. */
export const HOSTNAME_LABEL = "kubernetes.io/hostname";

/** Name of the Lease of a host. */
export function hostLeaseName(host: string): string {
  return `host.${host}`;
}

/** The condition of hosts and tasks that only the controller writes. */
export const REACHABLE = "Reachable";
