import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import type { OperatorError } from "../../src/base/errors.js";
import { Tensor } from "../../src/base/tensor.js";
import { END, Message, type NodeContext, Outputs } from "../../src/flow/node.js";
import { PythonConsumer, PythonProcessor, PythonProducer } from "../../src/worker/python-nodes.js";
import { eventually, type Workplace, workplace } from "../support/flow-process.js";
import { aContext, describePython } from "../support/python.js";

const ECHO = `
import os, signal, sys, time
import videoflow_node
from videoflow_node import Message, Outputs

class Echo:
    def process(self, *inputs):
        return inputs[0] if len(inputs) == 1 else list(inputs)

class Kinds:
    def process(self, value):
        return [type(element).__name__ for element in value]

class Many:
    def process(self, value):
        for i in range(value):
            yield Message(i, event_ts=1.5, metadata={"n": i})

class Strict:
    def __init__(self, size):
        raise ValueError("the size %d is odd" % size)

class Shut:
    def process(self, value):
        pass
    def open(self):
        raise OSError("the door is shut")

class Loud:
    def process(self, value):
        return outer(value)

def outer(value):
    raise KeyError("no " + value)

class Unsendable:
    def process(self, value):
        return object()

class Around:
    def open(self, context):
        self.context = context
    def process(self, value):
        c = self.context
        return [c.flow, c.run, c.node, c.task_index, c.nb_tasks, list(c.devices), c.trace_id, c.seq, c.event_ts, c.metadata]

class Leaves:
    def __init__(self, at):
        self.at = at
    def open(self):
        if self.at == "open":
            sys.exit(0)
    def process(self, value):
        if self.at == value:
            sys.exit(0)
        return value

class Hangs:
    def __init__(self, path):
        self.path = path
    def process(self, value):
        open(self.path, "w").write(str(os.getpid()))
        time.sleep(60)

class Suicide:
    def __init__(self):
        self.calls = 0
    def process(self, value):
        self.calls += 1
        if value == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.calls

class Blocked:
    def __init__(self, path):
        self.path = path
    def next(self):
        open(self.path + ".entered", "w").close()
        time.sleep(60)
    def close(self):
        open(self.path, "w").close()

class Count:
    def __init__(self, until, replayable=True):
        self.until, self.at, self.replayable = until, 0, replayable
    def next(self):
        if self.at >= self.until:
            raise StopIteration
        self.at += 1
        return self.at

class Clumsy:
    def consume(self, value):
        pass
    def close(self):
        raise RuntimeError("the disk is full")
`;

describePython("a node in Python", () => {
  const places: Workplace[] = [];
  const open: { close(): Promise<void> }[] = [];
  const component = (className: string, module = "echo") => ({ folder: (places[0] as Workplace).dir, module, className });
  const place = () => {
    const made = workplace();
    places.unshift(made);
    made.write("echo.py", ECHO);
    made.write("leaving.py", "import sys; sys.exit(3)");
    return made;
  };
  const opened = async <N extends PythonProcessor | PythonProducer | PythonConsumer>(node: N, fields: Partial<NodeContext> = {}) => {
    open.push(node);
    await node.open(aContext(fields));
    return node;
  };
  const processor = (className: string, params: object = {}, module = "echo") => {
    place();
    return opened(new PythonProcessor(params, { name: "n" }, component(className, module)));
  };
  const failure = async (work: Promise<unknown>) => (await work.catch((error: unknown) => error)) as Error;

  afterEach(async () => {
    for (const node of open.splice(0)) await node.close().catch(() => {});
    for (const made of places.splice(0)) made.remove();
  });

  test("gives back values of all kinds as it got them", async () => {
    const node = await processor("Echo");
    const value = { a: [null, true, 1, -1.5, "ä", 2n ** 60n], bytes: new Uint8Array([1, 2, 255]) };
    const boxes = (await node.process(Tensor.from("float32", [2, 3], [1, 2, 3, 4, 5, 6]))) as Tensor;

    expect(await node.process(value)).toEqual(value);
    expect([boxes.dtype, boxes.shape, [...boxes.data]]).toEqual(["float32", [2, 3], [1, 2, 3, 4, 5, 6]]);
    expect(await node.process(1, "two")).toEqual([1, "two"]);
  });

  test("sees whole numbers as int and others as float", async () => {
    const node = await processor("Kinds");
    expect(await node.process([1, 1.5, true, "s", null, [], {}, new Uint8Array(2)])).toEqual([
      "int",
      "float",
      "bool",
      "str",
      "NoneType",
      "list",
      "dict",
      "bytes",
    ]);
  });

  test("gives many outputs from a generator, with event times and metadata of their own, and none for None", async () => {
    const node = await processor("Many");

    expect(await node.process(2)).toEqual(new Outputs([0, 1].map((n) => new Message(n, { eventTs: 1.5, metadata: { n } }))));
    expect(await node.process(0)).toBeUndefined();
    expect(await node.flush()).toBeUndefined();
  });

  test("knows its surroundings and the lineage of its input", async () => {
    const node = await processor("Around");
    expect(await node.process("x")).toEqual(["f", "r-1", "n", 1, 2, ["GPU-0"], "cam:7", 7, 12.5, { key: "k" }]);
  });

  test("fails with the traceback of the user's code alone, and goes on", async () => {
    const node = await processor("Loud");
    const error = await failure(node.process("bread") as Promise<unknown>);

    expect([error.name, error.message]).toEqual(["KeyError", "KeyError: 'no bread'"]);
    expect(error.stack).toMatch(/echo\.py", line \d+, in process\n[\s\S]*in outer[\s\S]*KeyError: 'no bread'/);
    expect(error.stack).not.toMatch(/videoflow_node\.py/);
    expect((await failure(node.process("milk") as Promise<unknown>)).message).toBe("KeyError: 'no milk'");
  });

  test("is told what it returned and must not", async () => {
    const node = await processor("Unsendable");
    expect((await failure(node.process(1) as Promise<unknown>)).message).toMatch(/a message cannot carry a object/);
  });

  test.each([
    ["a module that is missing", "Echo", "nowhere", {}, /No module named 'nowhere'/],
    ["a class that is missing", "Nobody", "echo", {}, /module echo has no class Nobody/],
    ["a class of another role", "Clumsy", "echo", {}, /Clumsy has no method process\(\): it is no Processor/],
    ["a class that takes other params", "Echo", "echo", { size: 3 }, /takes no arguments|unexpected keyword/],
    ["a constructor that refuses its params", "Strict", "echo", { size: 3 }, /the size 3 is odd/],
    ["a module that calls sys.exit()", "Any", "leaving", {}, /SystemExit: 3/],
  ])("cannot be loaded from %s, and no restart can help", async (_what, className, module, params, problem) => {
    const error = (await failure(processor(className, params, module))) as OperatorError;

    expect([error.code, error.retryable, error.message]).toEqual(["COMPONENT_NOT_FOUND", false, expect.stringMatching(problem)]);
  });

  test("that fails in open() says so", async () => {
    const error = await failure(processor("Shut"));
    expect([error.name, error.message]).toEqual(["OSError", "OSError: the door is shut"]);
  });

  test("that calls sys.exit() fails the input at which it does, and goes on", async () => {
    const node = await processor("Leaves", { at: 2 });
    expect(await node.process(1)).toBe(1);
    await expect(node.process(2)).rejects.toThrow("SystemExit: 0");
    expect(await node.process(3)).toBe(3);
    expect((await failure(processor("Leaves", { at: "open" }))).message).toBe("SystemExit: 0");
  });

  test("that is asked to end in the middle of an input has not processed it", async () => {
    const { path } = place();
    const node = await opened(new PythonProcessor({ path: path("pid") }, { name: "n" }, component("Hangs")));
    const call = failure(node.process(1) as Promise<unknown>);
    const pid = await eventually("the call", () => existsSync(path("pid")) && Number(readFileSync(path("pid"), "utf8")));

    process.kill(pid, "SIGTERM");

    expect(await call).toMatchObject({ code: "PYTHON_ENDED", message: expect.stringContaining("it left with code 143") });
  });

  test("that dies in the middle of an input fails that input and starts again for the next attempt", async () => {
    const node = await processor("Suicide");
    await node.process("live");
    const error = (await failure(node.process("die") as Promise<unknown>)) as OperatorError;

    expect([error.code, error.message]).toEqual(["PYTHON_ENDED", expect.stringMatching(/killed by SIGKILL/)]);
    expect(await node.process("live")).toBe(1);
  });

  test("as a producer ends with StopIteration", async () => {
    place();
    const node = await opened(new PythonProducer({ until: 2 }, { name: "n" }, component("Count")));
    expect([await node.next(), await node.next(), await node.next()]).toEqual([1, 2, END]);
  });

  test("as a producer that starts again passes over what it gave before", async () => {
    place();
    const node = await opened(new PythonProducer({ until: 5 }, { name: "n" }, component("Count")), { committed: 3 });
    expect([await node.next(), await node.next(), await node.next()]).toEqual([4, 5, END]);
  });

  test("as a live producer that starts again passes over nothing", async () => {
    place();
    const node = await opened(new PythonProducer({ until: 5, replayable: false }, { name: "n" }, component("Count")), { committed: 3 });
    expect(await node.next()).toBe(1);
  });

  test("that is blocked in next() is broken off and still closes", async () => {
    const { dir } = place();
    const node = await opened(new PythonProducer({ path: join(dir, "closed") }, { name: "n" }, component("Blocked")));
    node.next().catch(() => {});
    await eventually("the call", () => existsSync(join(dir, "closed.entered")));

    await node.close();

    expect(existsSync(join(dir, "closed"))).toBe(true);
  });

  test("that fails in close() fails its task", async () => {
    place();
    const node = await opened(new PythonConsumer({}, { name: "n" }, component("Clumsy")));
    await node.consume(1);
    expect((await failure(node.close())).message).toBe("RuntimeError: the disk is full");
  });

  test("is missing its interpreter with an error that says what to install", async () => {
    place();
    process.env["VIDEOFLOW_PYTHON"] = "/nowhere/python";
    const error = (await failure(opened(new PythonProcessor({}, { name: "n" }, component("Echo"))))) as OperatorError;
    delete process.env["VIDEOFLOW_PYTHON"];
    expect([error.code, error.message]).toEqual(["PYTHON_MISSING", expect.stringMatching(/\/nowhere\/python.*Install Python 3\.8/)]);
  });

  test("dies with its worker in the middle of a call, though nobody closed its descriptors", async () => {
    const { path } = place();
    const script = `python3 -c 'import os, sys; exec(open(sys.argv[1]).read().split("def main")[0] + "die_with(int(sys.argv[2])); open(sys.argv[3], str(chr(119))).write(str(os.getpid())); signal.pause()")' "$0" $$ "$1" & wait`;
    const worker = spawn("/bin/sh", ["-c", script, resolve("python/videoflow_node.py"), path("pid")], { stdio: "ignore" });
    const pid = await eventually("the child", () => existsSync(path("pid")) && Number(readFileSync(path("pid"), "utf8")));

    worker.kill("SIGKILL");

    await eventually("its end", () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
  });

  test("says of a missing numpy what a class that wants arrays stumbles over", () => {
    const program =
      "import sys; sys.path.insert(0, sys.argv[1]); import videoflow_node as v; print(v.summary_of(AttributeError(\"'memoryview' object has no attribute 'mean'\")))";
    const said = execFileSync("python3", ["-I", "-S", "-B", "-c", program, resolve("python")], { encoding: "utf8" });
    expect(said).toMatch(/^AttributeError: 'memoryview' object has no attribute 'mean' \(.*pip install numpy\)$/m);
  });

  test("runs from one file that needs nothing but the standard library", () => {
    const program = "import sys; sys.path.insert(0, sys.argv[1]); import videoflow_node; print(videoflow_node.numpy)";
    expect(execFileSync("python3", ["-I", "-S", "-B", "-c", program, resolve("python")], { encoding: "utf8" })).toBe("None\n");
  });
});
