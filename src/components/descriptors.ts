/**
 * What every built-in component says about itself, by name: plain data for validators, importable at no cost.
 * Knows names and schemas; must not import a component's class.
 */
import type { ComponentDescriptor } from "../flow/descriptor.js";
import { FUNCTION_DESCRIPTOR } from "../flow/function-descriptor.js";
import type { Describe } from "../flow/graph.js";
import { BASIC_DESCRIPTORS } from "./basic/descriptors.js";
import { VIDEO_DESCRIPTORS } from "./video/descriptors.js";
import { VISION_DESCRIPTORS } from "./vision/descriptors.js";

const TABLE: Readonly<Record<string, ComponentDescriptor>> = {
  FunctionProcessorNode: FUNCTION_DESCRIPTOR,
  ...BASIC_DESCRIPTORS,
  ...VIDEO_DESCRIPTORS,
  ...VISION_DESCRIPTORS,
};

/** Built-in component name to descriptor. */
export const DESCRIPTORS: ReadonlyMap<string, ComponentDescriptor> = new Map(Object.entries(TABLE));

/** One function for all: what was computed of a spec is remembered together with who described its components. */
export const describeBuiltIn: Describe = (component) => DESCRIPTORS.get(component);
