import { expect, test } from "@jest/globals";
import { Output, ProducerLineage } from "../../src/worker/outputs.js";

const textOf = ({ traceText }: Pick<Output, "traceText">) => new TextDecoder().decode(traceText);
const item = { payload: 1, eventTs: undefined, metadata: undefined };

test.each(["camera", "cam-9", "n9"])(
  "the ASCII trace of each message of producer %s is its trace id, also where a digit more begins",
  (node) => {
    const lineage = new ProducerLineage(node);
    for (let seq = 1; seq <= 1_200; seq += 1) {
      const output = new Output(item, lineage.become(seq), 0);
      expect([textOf(output), output.traceId, output.seq]).toEqual([`${node}:${seq}`, `${node}:${seq}`, seq]);
    }
  },
);

test("a producer that goes on after a death has the next number, whatever it is", () => {
  const lineage = new ProducerLineage("camera");
  for (const seq of [999, 1_000, 7, 8, 2 ** 40, 2 ** 40 + 1])
    expect(textOf(new Output(item, lineage.become(seq), 0))).toBe(`camera:${seq}`);
});

test("a further output of an input has a trace of its own, which nobody has at hand as ASCII", () => {
  const output = new Output(item, new ProducerLineage("camera").become(3), 2);
  expect([output.traceId, output.traceText, output.seq]).toEqual(["camera:3#2", undefined, 3]);
});
