import { OperatorError } from "../../base/errors.js";
import { type Frame, Tensor } from "../../base/tensor.js";

/** @returns width and height in pixels. @throws OperatorError INPUT_TYPE unless the input is uint8 [height, width, 3]. */
export function frameSize(component: string, frame: Frame): { width: number; height: number } {
  if (frame instanceof Tensor && frame.dtype === "uint8" && frame.shape.length === 3 && frame.shape[2] === 3) {
    return { height: frame.shape[0] as number, width: frame.shape[1] as number };
  }
  throw new OperatorError("INPUT_TYPE", { component, expected: "a frame, uint8 [height, width, 3]", got: textOf(frame) });
}

function textOf(value: unknown): string {
  return value instanceof Tensor ? `${value.dtype} [${value.shape.join(", ")}]` : typeof value;
}
