/** What the components without vision say about themselves: plain data, importable at no cost. */
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "../../flow/descriptor.js";

const NO_PARAMS = { type: "object", additionalProperties: false, properties: {} } as const;

const PRODUCER = { ...DEFAULT_DESCRIPTOR, role: "Producer" } as const satisfies ComponentDescriptor;
const PROCESSOR = { ...DEFAULT_DESCRIPTOR, role: "Processor", params: NO_PARAMS } as const satisfies ComponentDescriptor;
const CONSUMER = { ...DEFAULT_DESCRIPTOR, role: "Consumer", params: NO_PARAMS } as const satisfies ComponentDescriptor;
const AGGREGATOR = { ...PROCESSOR, oneTask: true } as const satisfies ComponentDescriptor;

const FOLDER = { type: "string", minLength: 1 } as const;
const LETTERS = { type: "array", items: { type: "string", pattern: "^[A-Za-z0-9][-A-Za-z0-9._]*$" } } as const;

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
  DeadLetterReader: {
    ...PROCESSOR,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["folder", "letters"],
      properties: {
        folder: {
          ...FOLDER,
          description:
            "Absolute path of the folder of the dead letters; deadletters:FLOW, where the agent keeps those of a flow of the namespace.",
        },
        letters: { ...LETTERS, description: "Names of the letters; the input n asks for the n-th, from 0." },
        input: { type: "integer", minimum: 0, default: 0, description: "Which input of the node that gave them up." },
      },
    },
  },
  DeadLetterResults: {
    ...CONSUMER,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["folder", "letters"],
      properties: {
        folder: {
          ...FOLDER,
          description:
            "Absolute path of the folder to write to; deadletters:FLOW, where the agent keeps the dead letters of a flow of the namespace.",
        },
        letters: { ...LETTERS, description: "Names of the letters whose outputs come, as the reader gives them." },
      },
    },
  },
} as const satisfies Record<string, ComponentDescriptor>;
