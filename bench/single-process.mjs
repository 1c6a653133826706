// The same node code as the flow's, called in a loop in one process: what a script without VideoFlow would do.
import { BoundingBoxTracker, END, Message, OnnxObjectDetector, Tensor, TrackerAnnotator, VideoFileReader } from "videoflow";
import { TimedWriter } from "./timed-writer.mjs";

const { clip, model, maxFrames, path, stamp } = JSON.parse(process.argv[2]);
const reader = new VideoFileReader({ path: clip, maxFrames });
const detector = new OnnxObjectDetector({ model, threads: 1 });
const tracker = new BoundingBoxTracker();
const annotator = new TrackerAnnotator();
const writer = new TimedWriter({ path, stamp });
const context = {
  flow: "single",
  run: "1",
  node: "single",
  taskIndex: 0,
  nbTasks: 1,
  devices: [],
  logger: console,
  committed: 0,
  traceId: "",
  seq: 0,
  eventTs: undefined,
  metadata: {},
  partitionKey: undefined,
  allocate: (shape, dtype) => Tensor.zeros(dtype, shape),
  reportDevice: () => {},
};

const nodes = [reader, detector, tracker, annotator, writer];
for (const node of nodes) {
  node.attach(context);
  await node.open(context);
}
for (;;) {
  const output = await reader.next();
  if (output === END) break;
  const frame = output instanceof Message ? output.payload : output;
  const payload = (value) => (value instanceof Message ? value.payload : value);
  const detections = payload(await detector.process(frame));
  const tracks = payload(await tracker.process(detections));
  await writer.consume(payload(await annotator.process(frame, tracks)));
}
for (const node of nodes) await node.close();
