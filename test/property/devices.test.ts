import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { HostDevice } from "../../src/api/kinds.js";
import { type Allocation, allocateDevices, type DeviceRequest, type HeldDevices, isSatisfiable } from "../../src/devices/allocate.js";
import { Ledger } from "../../src/devices/ledger.js";

const numRuns = Number(process.env["VIDEOFLOW_CASES"] ?? 2_000);
const check = (property: fc.IProperty<[Scene]>) => fc.assert(property, { numRuns });

interface Scene {
  readonly devices: HostDevice[];
  readonly held: HeldDevices[];
  readonly requests: DeviceRequest[];
}

// Few sizes and products, so that ties, exact fits and collisions are common.
const size = fc.integer({ min: 1, max: 8 });
const product = fc.constantFrom("A", "B");

const devices = fc
  .array(fc.record({ memoryMiB: size, product, healthy: fc.boolean(), child: fc.boolean() }), { maxLength: 5 })
  .map((list) =>
    list.map(
      ({ child, ...device }, index): HostDevice => ({
        ...device,
        uuid: `GPU-${index}`,
        ...(child && index > 0 ? { parent: "GPU-0" } : {}),
      }),
    ),
  );

const request = fc.record({
  ...{
    required: fc.boolean(),
    count: fc.integer({ min: 1, max: 2 }),
    order: fc.integer({ min: 0, max: 2 }),
    sharing: fc.constantFrom("Exclusive" as const, "Shared" as const),
  },
  ...{ memoryMiB: fc.option(size, { nil: undefined }), product: fc.option(product, { nil: undefined }) },
});
const requestsOf = (prefix: string, maxLength: number) =>
  fc.array(request, { maxLength }).map((list) =>
    list.map(
      ({ memoryMiB, product: wanted, ...rest }, index): DeviceRequest => ({
        ...rest,
        claim: `${prefix}.${index}`,
        node: `n${rest.order}`,
        index,
        ...(memoryMiB === undefined ? {} : { memoryMiB }),
        ...(wanted === undefined ? {} : { product: wanted }),
      }),
    ),
  );

const holdsOf = ({ decisions }: Allocation): HeldDevices[] =>
  decisions
    .filter(({ reason }) => reason === "Allocated")
    .map(({ claim, devices: uuids, memoryMiB }) => ({ claim, devices: uuids, ...(memoryMiB === undefined ? {} : { memoryMiB }) }));

/** What others hold is what the allocator gave them before. */
const scenes: fc.Arbitrary<Scene> = fc.tuple(devices, requestsOf("other", 4), requestsOf("f", 6)).map(([list, others, requests]) => {
  const wishes = others.map((other) => ({ ...other, required: false }));
  return { devices: list, requests, held: holdsOf(allocateDevices({ name: "h", devices: list }, [], wishes)) };
});

const allocate = ({ devices: list, held, requests }: Scene) => allocateDevices({ name: "h", devices: list }, held, requests);

describe("allocateDevices", () => {
  test("safety: no device is granted twice, except shared ones within their memory (D1, D2)", () => {
    check(
      fc.property(scenes, (scene) => {
        const all = [...scene.held, ...holdsOf(allocate(scene))];
        for (const { uuid, memoryMiB } of scene.devices) {
          const own = all.filter((hold) => hold.devices.includes(uuid));
          const whole = own.filter((hold) => hold.memoryMiB === undefined).length;
          expect(whole === 0 || own.length === 1).toBe(true);
          expect(own.reduce((sum, hold) => sum + (hold.memoryMiB ?? 0), 0)).toBeLessThanOrEqual(memoryMiB);
        }
      }),
    );
  });

  test("safety: a GPU and its MIG instances are never granted together", () => {
    check(
      fc.property(scenes, (scene) => {
        const granted = new Set([...scene.held, ...holdsOf(allocate(scene))].flatMap((hold) => hold.devices));
        const both = scene.devices.filter(({ uuid, parent }) => parent !== undefined && granted.has(uuid) && granted.has(parent));
        expect(both).toEqual([]);
      }),
    );
  });

  test("safety: each grant is what was asked for, of healthy devices of the host (D6)", () => {
    check(
      fc.property(scenes, (scene) => {
        for (const { claim, devices: uuids } of allocate(scene).decisions.filter(({ reason }) => reason === "Allocated")) {
          const wanted = scene.requests.find((candidate) => candidate.claim === claim);
          const found = scene.devices.filter(({ uuid }) => uuids.includes(uuid));
          expect([found.length, new Set(uuids).size]).toEqual([wanted?.count, wanted?.count]);
          expect(
            found.every(
              (device) => device.healthy && device.memoryMiB >= (wanted?.memoryMiB ?? 0) && device.product.includes(wanted?.product ?? ""),
            ),
          ).toBe(true);
        }
      }),
    );
  });

  test("safety: all or nothing: a refused flow gets nothing, an admitted one all that it requires (D5)", () => {
    check(
      fc.property(scenes, (scene) => {
        const { admitted, decisions } = allocate(scene);
        const required = decisions.filter(({ claim }) => scene.requests.find((wanted) => wanted.claim === claim)?.required === true);
        const granted = (admitted ? required : decisions).map(({ reason }) => reason === "Allocated");
        expect(granted.every((yes) => yes === admitted)).toBe(true);
      }),
    );
  });

  test("completeness: every request is decided once, with a message", () => {
    check(
      fc.property(scenes, (scene) => {
        const { decisions } = allocate(scene);
        expect(decisions.map(({ claim }) => claim).toSorted()).toEqual(scene.requests.map(({ claim }) => claim).toSorted());
      }),
    );
  });

  test("liveness: no wish runs on the CPU while devices for it are free", () => {
    check(
      fc.property(scenes, (scene) => {
        const allocation = allocate(scene);
        const ledger = new Ledger({ name: "h", devices: scene.devices }, [...scene.held, ...holdsOf(allocation)]);
        const onCpu = new Set(allocation.decisions.filter(({ reason }) => reason === "CpuFallback").map(({ claim }) => claim));
        const starved = scene.requests
          .filter(({ claim, count }) => count === 1 && onCpu.has(claim))
          .filter((wish) => ledger.free(wish).length > 0);
        expect(starved).toEqual([]);
      }),
    );
  });

  test("liveness: what an empty, healthy host can give is never called unsatisfiable, and the other way round", () => {
    check(
      fc.property(scenes, (scene) => {
        const allocation = allocate(scene);
        const satisfiable = isSatisfiable({ name: "h", devices: scene.devices }, scene.requests);
        const expected = allocation.admitted ? "Allocated" : satisfiable ? "WaitingForDevices" : "Unsatisfiable";
        expect(allocation.reason).toBe(expected);
      }),
    );
  });

  test("stability: what is held stays where it is, whatever comes", () => {
    check(
      fc.property(scenes, (scene) => {
        const first = holdsOf(allocate(scene));
        const again = allocate({ ...scene, held: [...scene.held, ...first] });
        const kept = again.decisions.filter(({ claim }) => first.some((hold) => hold.claim === claim));
        expect(kept.map(({ claim, devices: uuids }) => `${claim} ${uuids.join()}`)).toEqual(
          first.map(({ claim, devices: uuids }) => `${claim} ${uuids.join()}`),
        );
      }),
    );
  });

  test("determinism: the order of held and of requests does not matter", () => {
    check(
      fc.property(scenes, (scene) => {
        const turned = { ...scene, held: scene.held.toReversed(), requests: scene.requests.toReversed() };
        const picture = ({ decisions }: Allocation) =>
          decisions.map(({ claim, reason, devices: uuids }) => `${claim} ${reason} ${uuids.join()}`);
        expect(picture(allocate(turned))).toEqual(picture(allocate(scene)));
      }),
    );
  });
});
