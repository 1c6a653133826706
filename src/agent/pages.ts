/** Items that come when they come, as pages: each as large as allowed or as old as allowed; an empty one tells that there is nothing new. */
import type { QueryTimes } from "../store/host-query.js";

export interface Page {
  readonly items: readonly unknown[];
  readonly isLast: boolean;
  readonly problem?: string;
}

/** Characters of the JSON of a page; one item may be longer. */
const PAGE_LENGTH = 128 * 1024;
const TIME_IS_UP = Symbol("time is up");

export async function* pagesOf(
  items: AsyncIterator<unknown>,
  { gatherMs, idleMs }: Pick<QueryTimes, "gatherMs" | "idleMs">,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  let next = items.next();
  while (!signal.aborted) {
    const page: unknown[] = [];
    let length = 0;
    let endMs = performance.now() + idleMs;
    while (length < PAGE_LENGTH) {
      const got = await within(next, endMs - performance.now(), signal);
      if (got === TIME_IS_UP) break;
      if (page.length === 0) endMs = performance.now() + gatherMs; // However fast the others come.
      if (got.done === true) return yield { items: page, isLast: true };
      page.push(got.value);
      length += JSON.stringify(got.value).length;
      next = items.next();
      next.catch(() => {}); // Whoever waits for it hears of it.
    }
    yield { items: page, isLast: false };
  }
}

/** @returns {@link TIME_IS_UP} if it is not there in time. */
async function within<T>(awaited: Promise<T>, ms: number, signal: AbortSignal): Promise<T | typeof TIME_IS_UP> {
  let end = () => {};
  const over = new Promise<typeof TIME_IS_UP>((resolve) => {
    const timer = setTimeout(() => resolve(TIME_IS_UP), ms);
    timer.unref();
    const abort = () => resolve(TIME_IS_UP);
    signal.addEventListener("abort", abort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
  });
  try {
    return await Promise.race([awaited, over]);
  } finally {
    end();
  }
}
