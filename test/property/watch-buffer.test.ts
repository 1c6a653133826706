import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { VideoFlow } from "../../src/api/kinds.js";
import { WatchBuffer } from "../../src/store/socket/watch-buffer.js";
import type { WatchEvent } from "../../src/store/store.js";

type State = Map<string, string>;

/** A watcher that is told of changes it knows nothing about, or of those it knows again, is wrong. */
function apply(state: State, { type, object }: WatchEvent): void {
  const { name, resourceVersion } = object.metadata;
  expect([type, state.has(name)]).toEqual([type, type !== "Added"]);
  if (type === "Deleted") state.delete(name);
  else state.set(name, resourceVersion);
}

/** Writes to three objects, each a valid next step of it, mixed with looks of the watcher. */
const steps = fc.array(fc.oneof(fc.record({ name: fc.constantFrom("a", "b", "c"), remove: fc.boolean() }), fc.constant("take" as const)), {
  maxLength: 40,
});

test("a slow watcher ends in the same state, never sees an impossible step, and costs at most one entry per object", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const buffer = new WatchBuffer();
      const truth: State = new Map();
      const seen: State = new Map();
      let version = 0;
      for (const step of all) {
        if (step === "take") {
          for (const event of buffer.take()) apply(seen, event);
          continue;
        }
        if (step.remove && !truth.has(step.name)) continue;
        version += 1;
        const object = {
          kind: "VideoFlow",
          metadata: { namespace: "default", name: step.name, resourceVersion: String(version) },
        } as VideoFlow;
        const type = step.remove ? "Deleted" : truth.has(step.name) ? "Modified" : "Added";
        apply(truth, { type, object });
        buffer.offer({ type, object });
        expect(buffer.size).toBeLessThanOrEqual(3);
      }
      while (buffer.size > 0) for (const event of buffer.take()) apply(seen, event);
      expect([...seen].sort()).toEqual([...truth].sort());
    }),
  );
});
