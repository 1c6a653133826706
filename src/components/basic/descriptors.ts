/** What the components without vision say about themselves: plain data, importable at no cost. */
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "../../flow/descriptor.js";

const NO_PARAMS = { type: "object", additionalProperties: false, properties: {} } as const;

const PRODUCER = { ...DEFAULT_DESCRIPTOR, role: "Producer" } as const satisfies ComponentDescriptor;
const PROCESSOR = { ...DEFAULT_DESCRIPTOR, role: "Processor", params: NO_PARAMS } as const satisfies ComponentDescriptor;
const CONSUMER = { ...DEFAULT_DESCRIPTOR, role: "Consumer", params: NO_PARAMS } as const satisfies ComponentDescriptor;
const AGGREGATOR = { ...PROCESSOR, oneTask: true } as const satisfies ComponentDescriptor;

export const BASIC_DESCRIPTORS = {
  IntProducer: {
    ...PRODUCER,
    seekable: true,
    params: {
      type: "object",
      additionalProperties: false,
      properties: {
        start: { type: "integer", default: 0, description: "The first number." },
        end: { type: "integer", description: "Ends before this number (exclusive); absent: never." },
        waitSeconds: { type: "number", minimum: 0, description: "Pause between two numbers, in seconds." },
        fps: {
          type: "number",
          exclusiveMinimum: 0,
          description: "Numbers per second, kept on average; takes precedence over waitSeconds.",
        },
      },
    },
  },
  Identity: PROCESSOR,
  Joiner: PROCESSOR,
  SumAggregator: AGGREGATOR,
  ProductAggregator: AGGREGATOR,
  CountAggregator: AGGREGATOR,
  MaxAggregator: AGGREGATOR,
  MinAggregator: AGGREGATOR,
  CommandlineConsumer: CONSUMER,
  VoidConsumer: CONSUMER,
  FileAppender: {
    ...CONSUMER,
    outputFiles: ["path"],
    params: {
      type: "object",
      additionalProperties: false,
      required: ["path"],
      properties: {
        path: {
          type: "string",
          minLength: 1,
          description: "The file to write: one JSON object per line; a run begins with an empty file.",
        },
        digits: {
          type: "integer",
          minimum: 0,
          maximum: 12,
          default: 4,
          description: "Decimals that floating-point tensor elements are rounded to.",
        },
      },
    },
  },
} as const satisfies Record<string, ComponentDescriptor>;
