/**
 * What an agent and its clients say on the socket: one JSON object a line. docs/reference/agent-socket.md describes it.
 * Knows the methods, not their meaning; must not trust what comes in.
 */
import { ERRORS, type ErrorCode, errorText, OperatorError } from "../../base/errors.js";

/** Methods of the store that are answered once. */
export const STORE_METHODS = ["get", "list", "create", "update", "updateStatus", "delete"] as const;
export type StoreMethod = (typeof STORE_METHODS)[number];

/** Services that are answered once, and those that give many items. */
export const CALLS = ["about", "snapshot", "usage", "explain", "deadLetters", "letterOutputs", "deadLettersDir"] as const;
export const STREAMS = ["logs"] as const;

export type Request =
  | { readonly id: number; readonly method: StoreMethod; readonly args: readonly unknown[] }
  | { readonly id: number; readonly method: "watch"; readonly args: readonly unknown[] }
  /** Ends a watch or a stream. */
  | { readonly id: number; readonly method: "unwatch"; readonly watch: number }
  | { readonly id: number; readonly method: "call" | "stream"; readonly service: string; readonly args: readonly unknown[] };

export type Reply =
  /** Also the end of a stream. */
  | { readonly id: number; readonly result: unknown }
  /** With id 0: the request could not be read. */
  | { readonly id: number; readonly error: WireError }
  | { readonly watch: number; readonly event: unknown }
  | { readonly stream: number; readonly item: unknown };

/** An error that keeps its code, so that the other side can match on it. */
export interface WireError {
  readonly code?: ErrorCode;
  readonly detail?: unknown;
  readonly message: string;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof OperatorError) return { code: error.code, detail: error.detail, message: error.message };
  return { message: errorText(error) };
}

export function fromWireError({ code, detail, message }: WireError): Error {
  return code === undefined || !Object.hasOwn(ERRORS, code) ? new Error(message) : new OperatorError(code, detail as never);
}

const METHODS: ReadonlySet<unknown> = new Set([...STORE_METHODS, "watch", "unwatch", "call", "stream"]);

/** @throws OperatorError REQUEST_INVALID */
export function parseRequest(line: string): Request {
  const value = parseObject(line);
  const { id, method, args, service, watch } = value;
  if (!Number.isSafeInteger(id) || (id as number) < 1) throw invalid("id must be an integer from 1");
  if (!METHODS.has(method)) throw invalid("there is no such method");
  if (method === "unwatch") {
    if (!Number.isSafeInteger(watch)) throw invalid("watch must be an integer");
  } else if (!Array.isArray(args)) throw invalid("args must be a list");
  if (method === "call" && !(CALLS as readonly unknown[]).includes(service)) throw invalid("there is no such service");
  if (method === "stream" && !(STREAMS as readonly unknown[]).includes(service)) throw invalid("there is no such stream");
  return value as unknown as Request;
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw invalid("it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("it is not an object");
  return value as Record<string, unknown>;
}

function invalid(problem: string): OperatorError {
  return new OperatorError("REQUEST_INVALID", { problem });
}
