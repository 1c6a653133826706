/** The built-in components, for flows written in TypeScript. Importing them loads no codec and no inference runtime. */
export { CountAggregator, MaxAggregator, MinAggregator, ProductAggregator, SumAggregator } from "./basic/aggregators.js";
export { CommandlineConsumer } from "./basic/commandline-consumer.js";
export { FileAppender, type FileAppenderParams } from "./basic/file-appender.js";
export { Identity } from "./basic/identity.js";
export { IntProducer, type IntProducerParams } from "./basic/int-producer.js";
export { Joiner } from "./basic/joiner.js";
export { VoidConsumer } from "./basic/void-consumer.js";
export type { Box, Detections, Restorable, Tracks } from "./payloads.js";
export { BoundingBoxAnnotator, type BoundingBoxAnnotatorParams } from "./vision/bounding-box-annotator.js";
export { BoundingBoxTracker, type BoundingBoxTrackerParams } from "./vision/bounding-box-tracker.js";
export { CropTransformer, type CropTransformerParams } from "./vision/crop-transformer.js";
export { OnnxFaceDetector, type OnnxFaceDetectorParams } from "./vision/onnx-face-detector.js";
export { OnnxObjectDetector, type OnnxObjectDetectorParams } from "./vision/onnx-object-detector.js";
export { ResizeTransformer, type ResizeTransformerParams } from "./vision/resize-transformer.js";
export { TrackerAnnotator, type TrackerAnnotatorParams } from "./vision/tracker-annotator.js";
