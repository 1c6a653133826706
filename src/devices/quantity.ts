/** Quantities of memory in the words of Kubernetes. */

const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `8Gi` to MiB, rounded up; undefined for text that is no quantity, or less than one byte. */
export function memoryMiBOf(quantity: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(quantity);
  const factor = FACTORS[match?.[2] ?? ""];
  if (match === null || factor === undefined) return undefined;
  const sizeMiB = Math.ceil((Number(match[1]) * factor) / 2 ** 20);
  return sizeMiB > 0 ? sizeMiB : undefined;
}
