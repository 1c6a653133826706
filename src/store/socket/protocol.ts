/** What a store's owner and its clients say on the socket: one JSON object a line. Knows the store's methods, not their meaning. */
import { type ErrorCode, errorText, OperatorError } from "../../base/errors.js";

/** Methods that are answered once. */
export type Method = "get" | "list" | "create" | "update" | "updateStatus" | "delete";

export type Request =
  | { readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly id: number; readonly method: "watch"; readonly args: readonly [kind: string, options: object | undefined] }
  | { readonly id: number; readonly method: "unwatch"; readonly watch: number };

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError }
  | { readonly watch: number; readonly event: unknown };

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
  return code === undefined ? new Error(message) : new OperatorError(code, detail as never);
}
