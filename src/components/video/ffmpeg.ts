/**
 * Video in and out of a flow: files, streams, cameras and images as RGB frames, and frames as H.264 files.
 * Knows FFmpeg (through node-av, loaded only when a component opens); must not know tasks, channels or devices.
 */
import type * as constants from "node-av/constants";
import type * as lib from "node-av/lib";
import { errorText, OperatorError } from "../../base/errors.js";

/** FFmpeg in this process: its classes and its constants. */
export type Ffmpeg = typeof lib & Pick<typeof constants, ConstantName>;

type ConstantName = (typeof CONSTANT_NAMES)[number];
const CONSTANT_NAMES = [
  "AVCOL_PRI_BT709",
  "AVCOL_RANGE_JPEG",
  "AVCOL_RANGE_MPEG",
  "AVCOL_SPC_BT709",
  "AVCOL_SPC_RGB",
  "AVCOL_TRC_BT709",
  "AVERROR_EAGAIN",
  "AVERROR_EOF",
  "AVERROR_EXIT",
  "AVFMT_GLOBALHEADER",
  "AVMEDIA_TYPE_VIDEO",
  "AV_CODEC_FLAG_GLOBAL_HEADER",
  "AV_FRAME_DATA_DISPLAYMATRIX",
  "AV_FRAME_FLAG_CORRUPT",
  "AV_LOG_QUIET",
  "AV_NOPTS_VALUE",
  "AV_PIX_FMT_RGB24",
  "AV_PIX_FMT_YUV420P",
  "AV_PKT_DATA_DISPLAYMATRIX",
  "AV_PKT_FLAG_CORRUPT",
] as const satisfies readonly (keyof typeof constants)[];

let loading: Promise<Ffmpeg> | undefined;

/** Loads FFmpeg once per process; takes about 80 ms. @throws OperatorError FFMPEG_UNAVAILABLE. */
export function loadFfmpeg(): Promise<Ffmpeg> {
  loading ??= importFfmpeg();
  return loading;
}

async function importFfmpeg(): Promise<Ffmpeg> {
  polyfillWithResolvers();
  try {
    const library = await import("node-av/lib");
    const names = await import("node-av/constants");
    library.Log.setLevel(names.AV_LOG_QUIET);
    const chosen = Object.fromEntries(CONSTANT_NAMES.map((name) => [name, names[name]]));
    return { ...library, ...chosen } as Ffmpeg;
  } catch (error) {
    throw new OperatorError(
      "FFMPEG_UNAVAILABLE",
      {
        reason: errorText(error)
          .replace(/\s*\n\s*/g, " ")
          .trim(),
      },
      { cause: error },
    );
  }
}

interface WithResolvers<T> {
  promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(reason?: unknown): void;
}

/** node-av needs `Promise.withResolvers`, which Node 20 lacks; without it its iterators silently give nothing. */
function polyfillWithResolvers(): void {
  const promise = Promise as unknown as { withResolvers?: <T>() => WithResolvers<T> };
  promise.withResolvers ??= <T>() => {
    const parts = {} as WithResolvers<T>;
    parts.promise = new Promise<T>((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return parts;
  };
}

/** FFmpeg's own words for an error number. */
export function ffmpegText(ffmpeg: Ffmpeg, code: number): string {
  return ffmpeg.FFmpegError.strerror(code);
}
