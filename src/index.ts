/**
 * The public API of the package: what `import … from "videoflow"` gives.
 * Knows the names that users write; must not contain logic of its own.
 */
import * as builtIns from "./components/index.js";
import { FunctionProcessorNode } from "./flow/function-node.js";
import { markBuiltIn } from "./flow/manifest.js";
import { session } from "./flow/session.js";
import { lazyRunner } from "./main/lazy-runner.js";

markBuiltIn({ ...builtIns, FunctionProcessorNode });
session().runner ??= lazyRunner;

export { type ErrorCode, OperatorError } from "./base/errors.js";
export type { DType, Frame, TypedArray } from "./base/tensor.js";
export { Tensor } from "./base/tensor.js";
export * from "./components/index.js";
export type { ComponentDescriptor, PartialDescriptor } from "./flow/descriptor.js";
export { Flow, type FlowOptions } from "./flow/flow.js";
export { FunctionProcessorNode } from "./flow/function-node.js";
export {
  ConsumerNode,
  type DeviceReport,
  END,
  type End,
  type JoinOptions,
  Message,
  type MessageOptions,
  type NodeContext,
  type NodeOptions,
  OneTaskProcessorNode,
  type Output,
  Outputs,
  ProcessorNode,
  type ProcessorOptions,
  ProducerNode,
  type Source,
} from "./flow/node.js";
export { TaskModuleNode } from "./flow/task-module.js";
export { DeviceUnavailableError } from "./flow/unavailable.js";
export { valueFromFile, valueFromSecret } from "./flow/value-from.js";
