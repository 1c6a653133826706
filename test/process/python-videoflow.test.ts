/** Classes as Videoflow's users wrote them, unchanged: with its package installed, and where ours stands in for it. */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { OperatorError } from "../../src/base/errors.js";
import { END, type Message, type NodeContext } from "../../src/flow/node.js";
import { PythonConsumer, PythonProcessor, PythonProducer } from "../../src/worker/python-nodes.js";
import { type Workplace, workplace } from "../support/flow-process.js";
import { aContext, describePython } from "../support/python.js";

const USERS = `
import asyncio
from videoflow.core.constants import BATCH, CPU, GPU, REALTIME
from videoflow.core.context import RuntimeContext
from videoflow.core.errors import SchemaError
from videoflow.core.node import ConsumerNode, OneTaskProcessorNode, ProcessorNode, ProducerNode

class Detector(ProcessorNode):
    def __init__(self, threshold, nb_tasks=1, device_type=GPU, **kwargs):
        self._threshold = threshold
        super(Detector, self).__init__(nb_tasks=nb_tasks, device_type=device_type, **kwargs)
    def open(self):
        self._opened_on = self.device_type
        self._logger.info("opens")
    def process(self, inp):
        return [self._opened_on, self._threshold, isinstance(self.name, str), isinstance(self.nb_tasks, int)]
    def close(self):
        self._opened_on = None

class OnlyGpu(Detector):
    def change_device(self, device_type):
        if device_type == CPU:
            raise ValueError("there is no code for the CPU")
        super().change_device(device_type)

class OnlyCpu(ProcessorNode):
    def change_device(self, device_type):
        if device_type != CPU:
            raise ValueError("there is no code for a GPU")
    def process(self, inp):
        return self.device_type

class Enricher(ProcessorNode):
    def open(self, ctx=None):
        self._replica = ctx.replica_id
    async def process(self, event, ctx: RuntimeContext = None):
        await asyncio.sleep(0)
        if "sensor" in event:
            ctx.set_partition_key(event["sensor"])
        return [ctx.flow_id, ctx.run_id, ctx.node_name, self._replica]

class Named(ProcessorNode):
    def process(self, context):
        return context

class Tracker(OneTaskProcessorNode):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._seen = 0
    def process(self, inp):
        self._seen += 1
        return self._seen

class Lines(ProducerNode):
    def __init__(self, is_finite=True, **kwargs):
        super().__init__(is_finite=is_finite, **kwargs)
        self._next = 0
    def next(self):
        self._next += 1
        if self._next > 4:
            raise StopIteration()
        return self._next

class AsyncLines(ProducerNode):
    async def next(self, ctx):
        raise StopAsyncIteration

class Seekable(Lines):
    replayable = True
    def seek(self, offset):
        self._next = self.sought = offset
    def next(self):
        return [self.sought, super().next()]

class Metered(ConsumerNode):
    def __init__(self):
        super().__init__(metadata=True)
    def consume(self, item):
        pass

class Refusing(ProcessorNode):
    def process(self, inp):
        raise SchemaError("the event is malformed", remedy="Fix the producer.")
`;

/** As much of the package as these classes meet; a producer of it is live until it says that it can be replayed. */
const PACKAGE: Readonly<Record<string, string>> = {
  "__init__.py": "",
  "core/__init__.py": "",
  "core/constants.py": 'BATCH, REALTIME, CPU, GPU = "batch", "realtime", "cpu", "gpu"',
  "core/context.py": "class RuntimeContext: pass",
  "core/errors.py": "class SchemaError(Exception):\n    def __init__(self, message, remedy=None): super().__init__(message)",
  "core/node.py": `
import logging
class Node:
    def __init__(self, name=None): self._logger = logging.getLogger("n")
    def open(self): pass
    def close(self): pass
    name = property(lambda self: "n-1")
class ProducerNode(Node):
    replayable = False
    def __init__(self, is_finite=True, **kwargs):
        self._is_finite = is_finite
        super().__init__(**kwargs)
    is_finite = property(lambda self: self._is_finite)
    def seek(self, offset): return None
class ProcessorNode(Node):
    def __init__(self, nb_tasks=1, device_type="cpu", **kwargs):
        self._nb_tasks, self._device_type = nb_tasks, device_type
        super().__init__(**kwargs)
    nb_tasks = property(lambda self: self._nb_tasks)
    device_type = property(lambda self: self._device_type)
    def change_device(self, device_type): self._device_type = device_type
class OneTaskProcessorNode(ProcessorNode): pass
class ConsumerNode(Node):
    def __init__(self, metadata=False, **kwargs):
        self._metadata = metadata
        super().__init__(**kwargs)
    metadata = property(lambda self: self._metadata)
`,
};

describePython("a class of a user of Videoflow", () => {
  describe.each([
    ["where the package is missing", {}],
    ["where it is installed", PACKAGE],
  ])("%s", (_where, files) => {
    let place: Workplace;
    let node: PythonProducer | PythonProcessor | PythonConsumer | undefined;
    beforeEach(() => {
      place = workplace();
      place.write("users.py", USERS);
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(place.path(`videoflow/${name}`)), { recursive: true });
        place.write(`videoflow/${name}`, text);
      }
    });
    afterEach(async () => {
      await node?.close();
      node = undefined;
      place.remove();
    });

    const component = (className: string) => ({ folder: place.dir, module: "users", className });
    const processor = async (className: string, fields: Partial<NodeContext> = {}, params: object = {}) => {
      const made = new PythonProcessor(params, { name: "n" }, component(className));
      node = made;
      await made.open(aContext({ nbTasks: 1, devices: [], ...fields }));
      return made;
    };
    const producer = async (className: string, fields: Partial<NodeContext> = {}, params: object = {}) => {
      const made = new PythonProducer(params, { name: "n" }, component(className));
      node = made;
      await made.open(aContext({ nbTasks: 1, devices: [], ...fields }));
      return made;
    };
    const refusal = async (opened: Promise<unknown>) => {
      const error = (await opened.then(String, (problem: unknown) => problem)) as OperatorError;
      node = undefined; // Its process is gone.
      return [error.code, error.retryable, error.message];
    };

    test.each([
      ["cpu", []],
      ["gpu", ["GPU-0"]],
    ])("knows in open() that it runs on the %s, whatever its constructor was told", async (device, devices) => {
      const detector = await processor("Detector", { devices }, { threshold: 0.5 });
      expect(await detector.process("frame")).toEqual([device, 0.5, true, true]);
    });

    test("that cannot run on the CPU does not start there", async () => {
      const [code, canRestart, message] = await refusal(processor("OnlyGpu", {}, { threshold: 1 }));
      expect([code, canRestart]).toEqual(["COMPONENT_DISAGREES", false]);
      expect(message).toMatch(/the spec says device\.required false, .* says true \(ValueError: there is no code for the CPU\)/);
    });

    test("that cannot run on a GPU does not start there, and runs on the CPU", async () => {
      const [code, , message] = await refusal(processor("OnlyCpu", { devices: ["GPU-0"] }));
      expect([code, message]).toEqual(["COMPONENT_DISAGREES", expect.stringMatching(/the spec says deviceType GPU, .* says CPU/)]);
      expect(await (await processor("OnlyCpu")).process(1)).toBe("cpu");
    });

    test("that keeps state does not start as one of two tasks", async () => {
      const [code, canRestart, message] = await refusal(processor("Tracker", { nbTasks: 2 }));
      expect([code, canRestart]).toEqual(["COMPONENT_DISAGREES", false]);
      expect(message).toMatch(/the spec says nbTasks 2, .* OneTaskProcessorNode: add oneTask: true/);
      expect(await (await processor("Tracker")).process(1)).toBe(1);
    });

    test("gets the context where it names it, is awaited, and sets the partition key of its outputs", async () => {
      const enricher = await processor("Enricher");
      const output = (await enricher.process({ sensor: "s-1" })) as Message<unknown>;
      expect([output.payload, output.options]).toEqual([["f", "r-1", "n", 1], { metadata: { _partition_key: "s-1" } }]);
      expect(await enricher.process({})).toEqual(["f", "r-1", "n", 1]);
    });

    test("may call its input `context`", async () => {
      expect(await (await processor("Named")).process("input")).toBe("input");
    });

    test.each([
      ["a finite producer gives what it gave before, unseen", "Lines", {}, [3, 4, END]],
      ["a live one just goes on", "Lines", { is_finite: false }, [1, 2, 3]],
      ["one that can seek is told where", "Seekable", {}, [[2, 3], [2, 4], END]],
    ])("%s, when it starts again", async (_what, className, params, given) => {
      const lines = await producer(className, { committed: 2 }, params);
      expect([await lines.next(), await lines.next(), await lines.next()]).toEqual(given);
    });

    test("ends an async stream", async () => {
      expect(await (await producer("AsyncLines")).next()).toBe(END);
    });

    test("that wants metadata in place of its input is refused", async () => {
      const consumer = new PythonConsumer({}, { name: "n" }, component("Metered"));
      const [code, , message] = await refusal(consumer.open(aContext({ nbTasks: 1 })));
      expect([code, message]).toEqual(["COMPONENT_NOT_FOUND", expect.stringMatching(/metadata=True is not offered here/)]);
    });

    test("may raise the package's errors", async () => {
      const refusing = await processor("Refusing");
      await expect(refusing.process(1)).rejects.toThrow(/SchemaError: the event is malformed/);
    });
  });
});
