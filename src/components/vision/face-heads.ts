import type { Candidate } from "./boxes.js";
import { decodeBlazeface, decodeYunet, findBlazefaceOutputs, isYunet, type ModelOutputs } from "./decode-faces.js";
import type { InputLayout } from "./letterbox.js";

/** How to feed a face detector and how to read it. */
export interface FaceHead {
  readonly layout: InputLayout;
  /** Size of the input, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Default threshold. */
  readonly minScore: number;
  decode(outputs: ModelOutputs, minScore: number): Candidate[];
}

type Shapes = Readonly<Record<string, readonly number[]>>;

/** @returns what fits the shapes of the model; undefined if it is of no known kind. */
export function findFaceHead(inputShape: readonly number[], outputShapes: Shapes): FaceHead | undefined {
  return yunetHead(inputShape, outputShapes) ?? blazefaceHead(inputShape, outputShapes);
}

function yunetHead([, channels, height = 0, width = 0]: readonly number[], outputShapes: Shapes): FaceHead | undefined {
  if (channels !== 3 || !isYunet(Object.keys(outputShapes))) return undefined;
  return {
    layout: { order: "planar", channels: "bgr", gain: 1, bias: 0, pad: 0 },
    width,
    height,
    minScore: 0.6,
    decode: (outputs, minScore) => decodeYunet(outputs, width, height, minScore),
  };
}

function blazefaceHead([, height = 0, width = 0, channels]: readonly number[], outputShapes: Shapes): FaceHead | undefined {
  const names = findBlazefaceOutputs(outputShapes);
  if (channels !== 3 || width !== height || names === undefined) return undefined;
  const read = (outputs: ModelOutputs, group: readonly string[]) => group.map((name) => outputs[name] as Float32Array);
  return {
    layout: { order: "interleaved", channels: "rgb", gain: 1 / 127.5, bias: -1, pad: 0 },
    width,
    height,
    minScore: 0.5,
    decode: (outputs, minScore) => decodeBlazeface(read(outputs, names.scores), read(outputs, names.boxes), width, minScore),
  };
}
