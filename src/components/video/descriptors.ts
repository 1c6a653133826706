/** What the video components say about themselves: plain data, importable at no cost. */
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "../../flow/descriptor.js";

const PRODUCER = { ...DEFAULT_DESCRIPTOR, role: "Producer" } as const satisfies ComponentDescriptor;
const SEEKABLE = { ...PRODUCER, seekable: true } as const satisfies ComponentDescriptor;
const LIVE = { ...PRODUCER, replayable: false } as const satisfies ComponentDescriptor;
const CONSUMER = { ...DEFAULT_DESCRIPTOR, role: "Consumer" } as const satisfies ComponentDescriptor;

const MAX_FRAMES = { type: "integer", minimum: 1, description: "Ends after this many frames." } as const;
const FPS = {
  type: "number",
  exclusiveMinimum: 0,
  description: "Frames per second given at most: frames are left out to keep it, never doubled.",
} as const;
const IMAGE_FPS = {
  type: "number",
  exclusiveMinimum: 0,
  default: 25,
  description: "Images per second of event time; messages are not delayed.",
} as const;

export const VIDEO_DESCRIPTORS = {
  VideoFileReader: {
    ...SEEKABLE,
    inputFiles: ["path"],
    params: {
      type: "object",
      additionalProperties: false,
      required: ["path"],
      properties: {
        path: { type: "string", minLength: 1, description: "The video file: mp4, mov, mkv, webm, avi, ts and what else FFmpeg reads." },
        startFrame: { type: "integer", minimum: 0, default: 0, description: "Number of the first frame, from 0." },
        maxFrames: MAX_FRAMES,
        fps: FPS,
        loop: { type: "boolean", default: false, description: "Begin again at the end, for ever; event times go on." },
        onError: {
          type: "string",
          enum: ["fail", "skip"],
          default: "fail",
          description: "What to do about broken or missing frames: end with an error after the frames before, or leave them out.",
        },
        threads: { type: "integer", minimum: 1, maximum: 64, description: "Threads that decode; default one per core, at most 4." },
      },
    },
  },
  VideostreamReader: {
    ...LIVE,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["url"],
      properties: {
        url: {
          type: "string",
          pattern: "^[A-Za-z][A-Za-z0-9+.-]*://",
          description:
            "Address of the stream: rtsp, http or https (MPEG-TS, MJPEG, mp4), rtmp, udp, srt. Credentials in it are never shown.",
        },
        fps: FPS,
        maxFrames: MAX_FRAMES,
        onEnd: {
          type: "string",
          enum: ["reconnect", "end"],
          default: "reconnect",
          description: "What the end of the stream means: a cut that is repaired, or the end of the flow (for a file behind an address).",
        },
        timeoutSeconds: {
          type: "number",
          exclusiveMinimum: 0,
          default: 10,
          description: "Silence after which a connection counts as lost.",
        },
        initialBackoffSeconds: {
          type: "number",
          minimum: 0,
          default: 0.5,
          description: "Pause before the first attempt to connect again; doubles.",
        },
        maxBackoffSeconds: { type: "number", minimum: 0, default: 30, description: "Longest pause between two attempts." },
        maxRetries: { type: "integer", minimum: 0, description: "Failed attempts in a row before the task fails; absent: tries for ever." },
        transport: { type: "string", enum: ["tcp", "udp"], default: "tcp", description: "How RTSP carries the pictures." },
        options: {
          type: "object",
          additionalProperties: { type: "string" },
          description: "Options of FFmpeg's demuxer and protocol, as in { headers: ... }.",
        },
      },
    },
  },
  VideoDeviceReader: {
    ...LIVE,
    params: {
      type: "object",
      additionalProperties: false,
      properties: {
        device: { type: "string", minLength: 1, default: "/dev/video0", description: "The camera's device file (Video4Linux)." },
        width: { type: "integer", minimum: 1, description: "Wanted width in pixels; the camera takes the nearest it has." },
        height: { type: "integer", minimum: 1, description: "Wanted height in pixels." },
        fps: { type: "number", exclusiveMinimum: 0, description: "Wanted frames per second." },
        inputFormat: { type: "string", description: "Wanted pixel format or codec of the camera, such as mjpeg or yuyv422." },
        maxFrames: MAX_FRAMES,
      },
    },
  },
  ImageProducer: {
    ...SEEKABLE,
    inputFiles: ["path", "paths"],
    params: {
      type: "object",
      additionalProperties: false,
      anyOf: [{ required: ["path"] }, { required: ["paths"] }],
      properties: {
        path: { type: "string", minLength: 1, description: "One image: jpeg, png, webp or bmp." },
        paths: { type: "array", minItems: 1, items: { type: "string", minLength: 1 }, description: "Several images, given in this order." },
        repeat: { type: "integer", minimum: 1, default: 1, description: "How many times the whole list is given." },
        fps: IMAGE_FPS,
      },
    },
  },
  ImageFolderReader: {
    ...SEEKABLE,
    inputFiles: ["path"],
    params: {
      type: "object",
      additionalProperties: false,
      required: ["path"],
      properties: {
        path: { type: "string", minLength: 1, description: "The folder; its subfolders are not read." },
        pattern: {
          type: "string",
          minLength: 1,
          description: "Names to read: * stands for any characters, ? for one, {a,b} for either. Default: every jpeg, png, webp and bmp.",
        },
        fps: IMAGE_FPS,
        maxFrames: MAX_FRAMES,
      },
    },
  },
  VideoFileWriter: {
    ...CONSUMER,
    holds: 20,
    outputFiles: ["path"],
    replacesOutputs: true,
    params: {
      type: "object",
      additionalProperties: false,
      required: ["path"],
      properties: {
        path: {
          type: "string",
          pattern: "\\.([mM][pP]4|[mM][oO][vV]|[mM]4[vV]|[mM][kK][vV]|[aA][vV][iI]|[tT][sS])$",
          description:
            "The file to write; its ending chooses the container: mp4, mov, m4v, mkv, avi or ts. It appears under this name when it is whole.",
        },
        fps: {
          type: "number",
          exclusiveMinimum: 0,
          description: "Frames per second of the file; default that of the source, or 25 if unknown.",
        },
        codec: { type: "string", enum: ["h264", "h265"], default: "h264", description: "Browsers play h264." },
        quality: {
          type: "integer",
          minimum: 0,
          maximum: 51,
          default: 23,
          description: "Constant rate factor: 0 is lossless, 18 looks it, 51 is worst.",
        },
        preset: {
          type: "string",
          enum: ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"],
          default: "superfast",
          description: "Speed against size of the file.",
        },
        threads: { type: "integer", minimum: 1, maximum: 64, description: "Threads that encode; default one per core, at most 4." },
      },
    },
  },
} as const satisfies Record<string, ComponentDescriptor>;
