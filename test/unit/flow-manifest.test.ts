import { describe, expect, test } from "@jest/globals";
import { validateVideoFlow } from "../../src/api/validate.js";
import type { Frame } from "../../src/base/tensor.js";
import { IntProducer } from "../../src/components/basic/int-producer.js";
import { VoidConsumer } from "../../src/components/basic/void-consumer.js";
import { Flow } from "../../src/flow/flow.js";
import { FunctionProcessorNode } from "../../src/flow/function-node.js";
import { markBuiltIn } from "../../src/flow/manifest.js";
import { ConsumerNode, type Node, OneTaskProcessorNode, ProcessorNode, ProducerNode } from "../../src/flow/node.js";
import { TaskModuleNode } from "../../src/flow/task-module.js";

markBuiltIn({ IntProducer, VoidConsumer, FunctionProcessorNode });

export class Doubler extends ProcessorNode<[number], number, { factor?: number }> {
  override process(value: number): number {
    return value * (this.params.factor ?? 2);
  }
}
export class GpuOnly extends ProcessorNode<[number], number> {
  override changeDevice(device: "cpu" | "gpu"): void {
    if (device === "cpu") throw new Error("needs a GPU");
  }
  override process(value: number): number {
    return value;
  }
}
export class HoldingSink extends ConsumerNode<[number]> {
  static override readonly descriptor = { holds: 20 };
  override consume(_value: number): void {}
}
export class Running extends OneTaskProcessorNode<[number], number> {
  override process(value: number): number {
    return value;
  }
}

const reader = () => new IntProducer({ end: 3 }, { name: "reader" });
const flowOf = (last: ProcessorNode<never, number>, name = "f") =>
  new Flow([new VoidConsumer({}, { name: "sink" }).from(last as never)], { name });
const codeOf = (build: () => unknown): string => {
  try {
    build();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "nothing was thrown";
};

describe("toManifest", () => {
  test("writes nodes parents first, with Videoflow's options under their names", () => {
    const doubler = new Doubler({ factor: 3 }, { name: "doubler", nbTasks: 4, deviceType: "gpu", retries: 1 }).from(reader());

    const { spec, metadata } = flowOf(doubler).toManifest();

    expect(metadata.name).toBe("f");
    expect(spec.nodes.map(({ name, role, inputs }) => `${name} ${role} ${inputs?.join() ?? ""}`)).toEqual([
      "reader Producer ",
      "doubler Processor reader",
      "sink Consumer doubler",
    ]);
    expect(spec.nodes[1]).toMatchObject({ params: { factor: 3 }, nbTasks: 4, deviceType: "GPU", supportedDevices: ["CPU"], retries: 1 });
  });

  test("writes every other option of a node and of the flow as YAML has it", () => {
    const watched = {
      env: [{ name: "LEVEL", value: "3" }],
      progressDeadlineSeconds: 30,
      resources: { cpu: "500m", memory: "1Gi" },
      restart: { maxRestarts: 2, policy: "OnFailure" },
      retries: 0,
      startupDeadlineSeconds: 120,
      terminationGracePeriodSeconds: 3,
      workingDir: "work",
    } as const;
    const device = { count: 2, memory: "8Gi", sharing: "Shared", identifiers: "Index", product: "H100", required: true } as const;
    const placed = {
      admission: { policy: "Wait", timeoutSeconds: 60 },
      hostSelector: { zone: "a" },
      onHostLoss: "Move",
      fenceSeconds: 20,
    } as const;
    const source = new IntProducer({ end: 3 }, { name: "source", ...watched, buffer: { messages: 2 } });
    const work = new Doubler({}, { name: "work", ...watched, device, deviceType: "gpu" }).from(source);
    const flow = new Flow([new VoidConsumer({}, { name: "sink", ...watched }).from(work)], { name: "f", onAgentLoss: "Keep", ...placed });

    const { flow: read, problems } = validateVideoFlow(flow.toManifest());

    expect([problems, read?.spec]).toMatchObject([[], { onAgentLoss: "Keep", ...placed }]);
    expect(read?.spec.nodes).toMatchObject([{ ...watched, buffer: { messages: 2 } }, { ...watched, device }, watched]);
  });

  test("names a built-in by its name and a class of the user's by this file and its export", () => {
    const components = flowOf(new Doubler().from(reader()))
      .toManifest()
      .spec.nodes.map(({ component }) => component);

    expect(components).toEqual(["IntProducer", expect.stringMatching(/flow-manifest\.test\.ts#Doubler$/), "VoidConsumer"]);
  });

  test("names unnamed nodes after their class, the same each time", () => {
    const build = () => flowOf(new Doubler().from(new Doubler().from(reader()))).toManifest();

    expect(build().spec.nodes.map(({ name }) => name)).toEqual(["reader", "doubler", "doubler-2", "sink"]);
    expect(build()).toEqual(build());
  });

  test.each(["gpu", undefined] as const)(
    "records that a component which throws for the CPU requires a GPU, device type %s",
    (deviceType) => {
      const { spec } = flowOf(new GpuOnly({}, deviceType === undefined ? {} : { deviceType }).from(reader())).toManifest();

      expect(spec.nodes[1]).toMatchObject({ device: { required: true }, supportedDevices: ["GPU"] });
    },
  );

  test("records how many inputs a class of the user's holds back", () => {
    const sink = new HoldingSink({}, { name: "sink" }).from(reader());

    expect(new Flow([sink], { name: "f" }).toManifest().spec.nodes[1]).toMatchObject({ holds: 20 });
  });

  test("records that a OneTaskProcessorNode has one task", () => {
    expect(flowOf(new Running({}, { nbTasks: 4 }).from(reader())).toManifest().spec.nodes[1]).toMatchObject({ oneTask: true, nbTasks: 4 });
  });

  test("fuses the members of a task module into one task group", () => {
    const first = new Doubler({}, { name: "first" });
    const last = new Doubler({}, { name: "last" }).from(first);
    const { spec } = flowOf(new TaskModuleNode(first, last, { name: "both", nbTasks: 2 }).from(reader())).toManifest();

    expect(spec.nodes.map(({ name, taskGroup, inputs }) => `${name} ${taskGroup} ${inputs?.join() ?? ""}`)).toEqual([
      "reader undefined ",
      "first both reader",
      "last both first",
      "sink undefined last",
    ]);
  });
});

describe("toManifest refuses", () => {
  class Hidden extends Doubler {}
  const outside = 5;
  const cyclic = () => {
    const a = new Doubler({}, { name: "a" });
    return a.from(new Doubler({}, { name: "b" }).from(a));
  };
  const cases: [string, string, () => Node][] = [
    ["a class that is not exported", "NODE_NOT_EXPORTED", () => new Hidden({}, { name: "hidden" }).from(reader())],
    [
      "a parameter that cannot travel",
      "NODE_NOT_SERIALIZABLE",
      () => new Doubler({ factor: (() => 1) as unknown as number }).from(reader()),
    ],
    ["a function that uses its surroundings", "NODE_CLOSURE", () => new FunctionProcessorNode((x: number) => x + outside).from(reader())],
    ["a cycle", "FLOW_CYCLE", cyclic],
  ];

  test.each(cases)("%s", (_name, code, build) => {
    expect(codeOf(() => flowOf(build() as never).toManifest())).toBe(code);
  });

  test("and names node, parameter and fix", () => {
    const node = new Doubler({ factor: new Date() as unknown as number }, { name: "doubler" }).from(reader());

    expect(() => flowOf(node).toManifest()).toThrow(/node "doubler": params\.factor is an instance of Date.*Give plain data/);
  });

  test("but takes a function that needs only its input", () => {
    expect(flowOf(new FunctionProcessorNode((x: number) => Math.max(x, 1)).from(reader())).toManifest().spec.nodes).toHaveLength(3);
  });
});

describe("wiring is typed", () => {
  class Camera extends ProducerNode<Frame> {
    override next(): never {
      throw new Error("never called");
    }
  }
  class Sink extends ConsumerNode<[number]> {
    override consume(_value: number): void {}
  }

  test("a parent of the wrong type is a compile error", () => {
    const camera = new Camera({}, { name: "camera" });
    // @ts-expect-error a frame is not a number
    const wrong = new Doubler().from(camera);
    // @ts-expect-error a consumer takes one input
    const many = new Sink().from(reader(), reader());
    const right = new Sink().from(new Doubler().from(reader()));

    expect([wrong, many, right]).toHaveLength(3);
  });
});
