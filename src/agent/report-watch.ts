/**
 * Says when a task of this host has reported, so that a start is told at once and not with the next look. A hint: a report that
 * nobody hears of is found by looking. Knows folders; must not know what a report says.
 */
import { type FSWatcher, watch } from "node:fs";

export class ReportWatch {
  readonly #reported: () => void;
  /** By folder. */
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(reported: () => void) {
    this.#reported = reported;
  }

  /** Hears of reports in exactly these folders. One that cannot be watched is looked into all the same. */
  follow(folders: ReadonlySet<string>): void {
    for (const folder of this.#watchers.keys()) if (!folders.has(folder)) this.#leave(folder);
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#enter(folder);
  }

  #enter(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name?.endsWith(".report.json") !== false) this.#reported();
      });
      watcher.on("error", () => this.#leave(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // The kernel has no watch left, or the folder is not there.
    }
  }

  #leave(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}
