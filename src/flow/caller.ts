import { fileURLToPath } from "node:url";

/**
 * The file that called a constructor, read from the stack: the user's module, whatever it was loaded by.
 *
 * @param caller frames above and including this function are left out.
 * @returns an absolute path, or undefined where the caller has no file (a REPL).
 */
export function callerFile(caller: abstract new (...args: never[]) => unknown): string | undefined {
  const prepare = Error.prepareStackTrace;
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, frames) => frames;
    const holder: { stack?: NodeJS.CallSite[] } = {};
    Error.captureStackTrace(holder, caller);
    const name = holder.stack?.[0]?.getFileName() ?? undefined;
    return name === undefined ? undefined : pathOf(name);
  } finally {
    Error.prepareStackTrace = prepare;
    Error.stackTraceLimit = limit;
  }
}

function pathOf(name: string): string | undefined {
  if (name.startsWith("/")) return name.replace(/\?.*$/, "");
  if (!name.startsWith("file:")) return undefined;
  return fileURLToPath(new URL(name.replace(/\?.*$/, "")));
}
