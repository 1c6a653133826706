/**
 * The built-in components by name, each loaded only when asked for, so that a task loads nothing it does not use.
 * Knows names and modules; must not import a component's class statically.
 */
import type { ComponentClass } from "../flow/node.js";

/** A built-in component that is not loaded yet. */
export interface ComponentEntry {
  /** @returns the class; its module is loaded once per process. */
  load(): Promise<ComponentClass>;
}

const TABLE: Readonly<Record<string, () => Promise<unknown>>> = {
  IntProducer: async () => (await import("./basic/int-producer.js")).IntProducer,
  Identity: async () => (await import("./basic/identity.js")).Identity,
  Joiner: async () => (await import("./basic/joiner.js")).Joiner,
  FunctionProcessorNode: async () => (await import("../flow/function-node.js")).FunctionProcessorNode,
  SumAggregator: async () => (await import("./basic/aggregators.js")).SumAggregator,
  ProductAggregator: async () => (await import("./basic/aggregators.js")).ProductAggregator,
  CountAggregator: async () => (await import("./basic/aggregators.js")).CountAggregator,
  MaxAggregator: async () => (await import("./basic/aggregators.js")).MaxAggregator,
  MinAggregator: async () => (await import("./basic/aggregators.js")).MinAggregator,
  CommandlineConsumer: async () => (await import("./basic/commandline-consumer.js")).CommandlineConsumer,
  VoidConsumer: async () => (await import("./basic/void-consumer.js")).VoidConsumer,
  FileAppender: async () => (await import("./basic/file-appender.js")).FileAppender,
  DeadLetterReader: async () => (await import("./basic/dead-letter-replay.js")).DeadLetterReader,
  DeadLetterResults: async () => (await import("./basic/dead-letter-replay.js")).DeadLetterResults,
  VideoFileReader: async () => (await import("./video/video-file-reader.js")).VideoFileReader,
  VideostreamReader: async () => (await import("./video/videostream-reader.js")).VideostreamReader,
  VideoDeviceReader: async () => (await import("./video/video-device-reader.js")).VideoDeviceReader,
  ImageProducer: async () => (await import("./video/image-producer.js")).ImageProducer,
  ImageFolderReader: async () => (await import("./video/image-folder-reader.js")).ImageFolderReader,
  VideoFileWriter: async () => (await import("./video/video-file-writer.js")).VideoFileWriter,
  ResizeTransformer: async () => (await import("./vision/resize-transformer.js")).ResizeTransformer,
  CropTransformer: async () => (await import("./vision/crop-transformer.js")).CropTransformer,
  OnnxObjectDetector: async () => (await import("./vision/onnx-object-detector.js")).OnnxObjectDetector,
  OnnxFaceDetector: async () => (await import("./vision/onnx-face-detector.js")).OnnxFaceDetector,
  BoundingBoxTracker: async () => (await import("./vision/bounding-box-tracker.js")).BoundingBoxTracker,
  BoundingBoxAnnotator: async () => (await import("./vision/bounding-box-annotator.js")).BoundingBoxAnnotator,
  TrackerAnnotator: async () => (await import("./vision/tracker-annotator.js")).TrackerAnnotator,
};

/** Built-in component name to its loader. */
export const COMPONENTS: ReadonlyMap<string, ComponentEntry> = new Map(
  Object.entries(TABLE).map(([name, load]) => [name, { load: load as () => Promise<ComponentClass> }]),
);
