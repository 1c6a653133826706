import { renameSync } from "node:fs";
import { OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { loadFfmpeg } from "./ffmpeg.js";
import type { EncoderOptions } from "./frame-encoder.js";
import { VideoEncoder } from "./video-encoder.js";
import { containerOf } from "./video-muxer.js";

export type ClipOptions = Pick<EncoderOptions, "codec" | "quality" | "preset" | "threads">;

/**
 * Writes frames of one size into a video file, without a flow around it.
 *
 * @param path   the file; its ending chooses the container. It appears when it is whole.
 * @param frames uint8 [height, width, 3], RGB; each is used before the next is asked for.
 * @param fps    frames per second.
 * @returns      the number of frames written.
 * @throws OperatorError VIDEO_OUTPUT_UNWRITABLE.
 */
export async function writeClip(path: string, frames: Iterable<Frame>, fps: number, options: ClipOptions = {}): Promise<number> {
  const ffmpeg = await loadFfmpeg();
  const container = containerOf(path);
  if (container === undefined) throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path, reason: "its ending names no container" });
  let encoder: VideoEncoder | undefined;
  for (const frame of frames) {
    const [height = 0, width = 0] = frame.shape;
    encoder ??= new VideoEncoder(ffmpeg, `${path}.part`, container, { ...options, fps, height, width });
    encoder.write(frame.bytes);
  }
  if (encoder === undefined) return 0;
  encoder.finish();
  renameSync(`${path}.part`, path);
  return encoder.frames;
}
