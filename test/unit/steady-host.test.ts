import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { SteadyBytes, steadyDevices } from "../../src/agent/steady-host.js";
import type { HostDevice } from "../../src/api/kinds.js";

const MIB = 2 ** 20;
const LOOK_MS = 30_000;
const GPU: HostDevice = { uuid: "GPU-1", product: "a GPU", memoryMiB: 8_192, healthy: false, reason: "Busy", message: "" };

/** What is told, look after look. */
function told(sizes: readonly number[]): number[] {
  const steady = new SteadyBytes();
  return sizes.map((bytes, index) => steady.tell(bytes, index * LOOK_MS));
}

/** How often it is told anew, after the first time. */
const changes = (values: readonly number[]) => values.filter((value, index) => index > 0 && value !== values[index - 1]).length;

test("a stranger that takes and frees a little for ever, at whatever edge, is told once at most", () => {
  for (const size of [64, 100, 1_000, 2_048, 4_096, 65_536]) {
    for (let edge = size - 40; edge <= size + 40; edge += 5) {
      const looks = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? edge * MIB : edge * MIB - 300_000));
      expect(changes(told(looks))).toBeLessThanOrEqual(1);
    }
  }
});

test("one that takes and frees a lot by turns is told once at most", () => {
  const looks = Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 1_000 : 6_000) * MIB);
  expect(changes(told(looks))).toBeLessThanOrEqual(1);
});

test("more is never told than there is; less is told by an eighth at most, once there was that much for a while", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 8_192 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(sizes, (mebibytes) => {
      const looks = mebibytes.flatMap((size) => Array.from({ length: 6 }, () => size * MIB));
      const values = told(looks);
      expect(values.every((value, index) => value <= (looks[index] as number))).toBe(true);
      const last = mebibytes.at(-1) as number;
      expect(values.at(-1)).toBeGreaterThanOrEqual(Math.max(0, (last * 7) / 8 - 4) * MIB);
    }),
  );
});

test("what a stranger has on a device is told again when it is twice as much, or is another stranger", () => {
  const messages = ["300", "310", "450", "700", "690", "200"].map((mib) => `busy: pid 7, python, ${mib} MiB`);
  let devices: readonly HostDevice[] = [];
  const said = [...messages, "busy: pid 8, python, 200 MiB", "the driver reports an error"].map((message) => {
    devices = steadyDevices(devices, [{ ...GPU, message }]);
    return devices[0]?.message?.replace(/^busy: pid |, python,| MiB$/g, "");
  });
  expect(said).toEqual(["7 300", "7 300", "7 300", "7 700", "7 700", "7 200", "8 200", "the driver reports an error"]);
});
