import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "./descriptor.js";

/** What FunctionProcessorNode says about itself; apart from the class, so that it can be read without loading it. */
export const FUNCTION_DESCRIPTOR: ComponentDescriptor = {
  ...DEFAULT_DESCRIPTOR,
  role: "Processor",
  params: {
    type: "object",
    required: ["source"],
    additionalProperties: false,
    properties: { source: { type: "string", description: "Source text of the function, as plain JavaScript." } },
  },
};
