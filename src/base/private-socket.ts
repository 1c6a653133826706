/** A Unix socket that only this user may open. Knows paths and modes; must not know what is said on it. */
import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:net";

/**
 * Listens on a path; what a dead owner left there is replaced. The socket is made without access for others, not closed to
 * them afterwards.
 */
export function listenPrivately(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    const mask = process.umask(0o177);
    server.once("error", reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
    process.umask(mask);
  });
}
