/** A processor made of one function: its source text travels to the task's process. */
import { createRequire } from "node:module";
import { OperatorError } from "../base/errors.js";
import type { ComponentDescriptor } from "./descriptor.js";
import { FUNCTION_DESCRIPTOR } from "./function-descriptor.js";
import { type NodeContext, type Output, ProcessorNode, type ProcessorOptions } from "./node.js";

/** What a function node does with the inputs of one message. */
export type ProcessFunction<In extends readonly unknown[], Out> = (...inputs: In) => Output<Out> | Promise<Output<Out>>;

export interface FunctionParams {
  /** Source text of the function, as plain JavaScript. */
  readonly source: string;
}

/**
 * Runs a function as a node.
 *
 * The function is rebuilt from its source text in the task's process, so it may use its parameters, globals and what it
 * imports itself with `await import(...)`, and nothing else.
 */
export class FunctionProcessorNode<In extends readonly unknown[], Out> extends ProcessorNode<In, Out, FunctionParams> {
  static override readonly descriptor: ComponentDescriptor = FUNCTION_DESCRIPTOR;
  #run: ProcessFunction<In, Out> | undefined;

  /** @param code the function, or its source in params. */
  constructor(code: ProcessFunction<In, Out> | FunctionParams, options: ProcessorOptions = {}) {
    super(typeof code === "function" ? { source: code.toString() } : code, options);
  }

  override open(_context: NodeContext): void {
    this.#run = compileFunction<In, Out>(this.params.source);
  }

  override process(...inputs: In): Output<Out> | Promise<Output<Out>> {
    this.#run ??= compileFunction<In, Out>(this.params.source);
    return this.#run(...inputs);
  }
}

/** Names that a TypeScript loader may leave in a function's text. */
const LOADER_NAMES = ["__name"];

function compileFunction<In extends readonly unknown[], Out>(source: string): ProcessFunction<In, Out> {
  const create = new Function("require", ...LOADER_NAMES, `"use strict"; return (${source});`) as (
    ...values: unknown[]
  ) => ProcessFunction<In, Out>;
  return create(createRequire(`${process.cwd()}/`), (value: unknown) => value);
}

/**
 * Refuses a function that uses variables of its surroundings: they would not be there in the task's process.
 *
 * @param node   name of the node, for the message.
 * @param source text of the function.
 * @param freeVariables finds the names that a program uses and does not declare.
 * @throws OperatorError NODE_CLOSURE naming the variables.
 */
export function refuseClosure(node: string, source: string, freeVariables: (program: string) => readonly string[]): void {
  let names: readonly string[];
  try {
    names = freeVariables(`(${source})`);
  } catch {
    throw new OperatorError("NODE_CLOSURE", { node, names: ["a method or accessor, which has no text of its own"] });
  }
  const captured = names.filter((name) => !(name in globalThis) && name !== "require" && !LOADER_NAMES.includes(name));
  if (captured.length > 0) throw new OperatorError("NODE_CLOSURE", { node, names: captured });
}
