import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorText } from "../../base/errors.js";
import { loadFfmpeg } from "./ffmpeg.js";

/** What `doctor` says about video. */
export interface FfmpegReport {
  /** Where an FFmpeg is; only the one of node-av is used by components. */
  readonly source: "node-av" | "system" | "none";
  /** FFmpeg's version; empty if there is none. */
  readonly version: string;
  /** Name of the H.264 encoder, if there is one. */
  readonly encoders: { readonly h264: string | undefined };
  /** The one command that repairs it; absent if all is well. */
  readonly fix?: string;
}

const H264_ENCODER = "libx264";
const TIMEOUT_MS = 5_000;

/** Finds FFmpeg: in this process through node-av, otherwise the system's, which shows only that the machine has one. */
export async function probeFfmpeg(): Promise<FfmpegReport> {
  try {
    const ffmpeg = await loadFfmpeg();
    const encoder = ffmpeg.Codec.findEncoderByName(H264_ENCODER as Parameters<typeof ffmpeg.Codec.findEncoderByName>[0]);
    return { source: "node-av", version: ffmpeg.getFFmpegInfo().version, encoders: { h264: encoder?.name ?? undefined } };
  } catch (error) {
    return reportWithout(errorText(error));
  }
}

async function reportWithout(reason: string): Promise<FfmpegReport> {
  const version = await systemVersion();
  const fix = `npm install --include=optional node-av (${reason})`;
  return { source: version === undefined ? "none" : "system", version: version ?? "", encoders: { h264: undefined }, fix };
}

async function systemVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ffmpeg", ["-version"], { timeout: TIMEOUT_MS });
    return /version (\S+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
