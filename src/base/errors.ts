/**
 * Every failure this operator can report, in one table.
 *
 * Each entry says what happened (`message`), what to do (`fix`), and whether trying again can help (`retry`).
 * The work queue and the supervisor read `retry`; people read the rest. docs/errors.md lists the same codes.
 */
export const ERRORS = {
  TENSOR_SHAPE: {
    retry: "never",
    message: (d: { shape: readonly number[]; expected: number; got: number }) =>
      `a tensor of shape [${d.shape.join(", ")}] has ${d.expected} elements, but ${d.got} were given`,
    fix: "Give as many elements as the product of the shape.",
  },
  MESSAGE_RELEASED: {
    retry: "never",
    message: (d: { shape: readonly number[] }) => `the message that held this tensor of shape [${d.shape.join(", ")}] was released`,
    fix: "An input is valid until process() settles: call retain() to keep it, or copy() it.",
  },
  STORE_CONFLICT: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} changed since it was read`,
    fix: "None needed: the reconciler reads the object again and retries.",
  },
  STORE_EXISTS: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} exists already`,
    fix: "Choose another name, or change the object that is there.",
  },
  STORE_GONE: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} is not there`,
    fix: "None needed: the reconciler looks again.",
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetail<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]["message"]>[0];

/** The one error class of the operator. Match on `code`, never on the message. */
export class OperatorError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly detail: ErrorDetail<C>;

  constructor(code: C, detail: ErrorDetail<C>, options?: { cause?: unknown }) {
    const format = ERRORS[code].message as (d: ErrorDetail<C>) => string;
    super(`${code}: ${format(detail)}. ${ERRORS[code].fix}`, options);
    this.name = "OperatorError";
    this.code = code;
    this.detail = detail;
  }

  /** False when the same input can only fail again. */
  get retryable(): boolean {
    return ERRORS[this.code].retry === "backoff";
  }
}

/** The message of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
