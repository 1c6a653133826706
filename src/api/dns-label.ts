/** The names of flows, namespaces and nodes. */

export const DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

const PATTERN = new RegExp(DNS_LABEL);

/** Its length is for others to check. */
export function isDnsLabel(text: string): boolean {
  return PATTERN.test(text);
}
