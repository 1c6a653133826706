import { expect, test } from "@jest/globals";
import {
  BoundingBoxAnnotator,
  BoundingBoxTracker,
  CommandlineConsumer,
  FileAppender,
  Identity,
  IntProducer,
  OnnxFaceDetector,
  SumAggregator,
  TrackerAnnotator,
  VideoFileReader,
  VideoFileWriter,
} from "../../src/components/index.js";

// tsc checks this file: a line below "@ts-expect-error" that compiles is an error.
test("parents of the right type are wired in order, others are compile errors", () => {
  const numbers = new IntProducer({ end: 3 });
  const reader = new VideoFileReader({ path: "in.mp4" });
  const faces = new OnnxFaceDetector({ model: "m.onnx" }, { nbTasks: 2, deviceType: "gpu" }).from(reader);
  const tracks = new BoundingBoxTracker().from(faces);
  const annotated = new TrackerAnnotator().from(reader, tracks);
  expect(annotated.parents.map((parent) => parent.name)).toEqual([reader.name, tracks.name]);

  new VideoFileWriter({ path: "out.mp4" }).from(annotated);
  new FileAppender({ path: "out.jsonl" }).from(tracks);
  new CommandlineConsumer().from(numbers, tracks);
  new SumAggregator().from(new Identity<number>().from(numbers));

  // @ts-expect-error numbers are no frames
  new OnnxFaceDetector({ model: "m.onnx" }).from(numbers);
  // @ts-expect-error frames are no detections
  new BoundingBoxTracker().from(reader);
  // @ts-expect-error tracks are no detections
  new BoundingBoxAnnotator().from(reader, tracks);
  // @ts-expect-error the order is frame, tracks
  new TrackerAnnotator().from(tracks, reader);
  // @ts-expect-error detections are no frames
  new VideoFileWriter({ path: "out.mp4" }).from(faces);
  // @ts-expect-error frames cannot be summed up
  new SumAggregator().from(reader);
});
