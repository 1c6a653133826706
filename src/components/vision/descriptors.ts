/** What the vision components say about themselves: plain data, importable at no cost. */
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "../../flow/descriptor.js";
import { COCO_CLASSES } from "./coco.js";

const PROCESSOR = { ...DEFAULT_DESCRIPTOR, role: "Processor" } as const satisfies ComponentDescriptor;
const DETECTOR = { ...PROCESSOR, devices: ["CPU", "GPU"], inputFiles: ["model"] } as const satisfies ComponentDescriptor;

const MODEL_PARAMS = {
  model: { type: "string", minLength: 1, description: "The ONNX file: a path, or an http(s) URL together with sha256." },
  sha256: {
    type: "string",
    pattern: "^[0-9a-fA-F]{64}$",
    description: "Checksum of the model file; required for a URL, checked for a path too.",
  },
  threads: {
    type: "integer",
    minimum: 1,
    description: "Threads of one task for inference on the CPU; default 1 if the node has several tasks, otherwise one per core.",
  },
} as const;

export const VISION_DESCRIPTORS = {
  ResizeTransformer: {
    ...PROCESSOR,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["width", "height"],
      properties: {
        width: { type: "integer", minimum: 1, maximum: 16384, description: "Width of the output, in pixels." },
        height: { type: "integer", minimum: 1, maximum: 16384, description: "Height of the output, in pixels." },
        keepAspect: {
          type: "boolean",
          default: false,
          description: "Keep the aspect ratio: the largest frame that fits into width x height.",
        },
      },
    },
  },
  CropTransformer: {
    ...PROCESSOR,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["box"],
      properties: {
        box: {
          type: "array",
          items: { type: "number", minimum: 0 },
          minItems: 4,
          maxItems: 4,
          description: "x1, y1, x2, y2 in pixels; clipped to the frame, x2 and y2 are the first outside.",
        },
      },
    },
  },
  OnnxObjectDetector: {
    ...DETECTOR,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["model"],
      properties: {
        ...MODEL_PARAMS,
        classes: {
          type: "array",
          items: { type: "string", enum: COCO_CLASSES },
          description: "Keep only these classes (names of COCO's 80, e.g. person, car); absent: all.",
        },
        minScore: { type: "number", minimum: 0, maximum: 1, default: 0.4, description: "Drops detections below this score." },
        nms: {
          type: "number",
          minimum: 0,
          maximum: 1,
          default: 0.45,
          description: "Of two boxes that overlap by more than this IoU, the better one stays.",
        },
      },
    },
  },
  OnnxFaceDetector: {
    ...DETECTOR,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["model"],
      properties: {
        ...MODEL_PARAMS,
        minScore: {
          type: "number",
          minimum: 0,
          maximum: 1,
          description: "Drops faces below this score; default 0.5 for BlazeFace, 0.6 for YuNet.",
        },
        nms: {
          type: "number",
          minimum: 0,
          maximum: 1,
          default: 0.3,
          description: "Of two faces that overlap by more than this IoU, the better one stays.",
        },
      },
    },
  },
  BoundingBoxTracker: {
    ...PROCESSOR,
    oneTask: true,
    params: {
      type: "object",
      additionalProperties: false,
      properties: {
        maxAge: { type: "integer", minimum: 0, default: 7, description: "Frames that a track lives without a detection." },
        minHits: {
          type: "integer",
          minimum: 1,
          default: 3,
          description: "Detections in a row before a track is shown; in the first frames, one in each frame so far.",
        },
        iouThreshold: {
          type: "number",
          minimum: 0,
          maximum: 1,
          default: 0.3,
          description: "Least overlap of a detection with the predicted box of its track.",
        },
      },
    },
  },
  BoundingBoxAnnotator: {
    ...PROCESSOR,
    params: {
      type: "object",
      additionalProperties: false,
      properties: {
        showScores: { type: "boolean", default: true, description: "Write the score behind the class name." },
        thickness: { type: "integer", minimum: 1, maximum: 32, default: 2, description: "Thickness of the lines, in pixels." },
      },
    },
  },
  TrackerAnnotator: {
    ...PROCESSOR,
    params: {
      type: "object",
      additionalProperties: false,
      properties: {
        thickness: { type: "integer", minimum: 1, maximum: 32, default: 2, description: "Thickness of the lines, in pixels." },
      },
    },
  },
} as const satisfies Record<string, ComponentDescriptor>;
