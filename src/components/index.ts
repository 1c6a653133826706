/** The built-in components, for flows written in TypeScript. Importing them loads no codec and no inference runtime. */
export { CountAggregator, MaxAggregator, MinAggregator, ProductAggregator, SumAggregator } from "./basic/aggregators.js";
export { CommandlineConsumer } from "./basic/commandline-consumer.js";
export {
  DeadLetterReader,
  type DeadLetterReaderParams,
  DeadLetterResults,
  type DeadLetterResultsParams,
} from "./basic/dead-letter-replay.js";
export { FileAppender, type FileAppenderParams } from "./basic/file-appender.js";
export { Identity } from "./basic/identity.js";
export { IntProducer, type IntProducerParams } from "./basic/int-producer.js";
export { Joiner } from "./basic/joiner.js";
export { VoidConsumer } from "./basic/void-consumer.js";
export type { Box, Detections, Tracks } from "./payloads.js";
export { ImageFolderReader, type ImageFolderReaderParams } from "./video/image-folder-reader.js";
export { ImageProducer, type ImageProducerParams } from "./video/image-producer.js";
export { VideoDeviceReader, type VideoDeviceReaderParams } from "./video/video-device-reader.js";
export { VideoFileReader, type VideoFileReaderParams } from "./video/video-file-reader.js";
export { VideoFileWriter, type VideoFileWriterParams } from "./video/video-file-writer.js";
export { VideostreamReader, type VideostreamReaderParams } from "./video/videostream-reader.js";
export { BoundingBoxAnnotator, type BoundingBoxAnnotatorParams } from "./vision/bounding-box-annotator.js";
export { BoundingBoxTracker, type BoundingBoxTrackerParams } from "./vision/bounding-box-tracker.js";
export { CropTransformer, type CropTransformerParams } from "./vision/crop-transformer.js";
export { OnnxFaceDetector, type OnnxFaceDetectorParams } from "./vision/onnx-face-detector.js";
export { OnnxObjectDetector, type OnnxObjectDetectorParams } from "./vision/onnx-object-detector.js";
export { ResizeTransformer, type ResizeTransformerParams } from "./vision/resize-transformer.js";
export { TrackerAnnotator, type TrackerAnnotatorParams } from "./vision/tracker-annotator.js";
