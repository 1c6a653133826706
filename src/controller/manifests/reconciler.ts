/** The thin shell of reconcile.ts: looks at the folder and the store, decides, applies. It contains no decision of its own. */
import { readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { NewResource } from "../../api/kinds.js";
import { errorText } from "../../base/errors.js";
import type { Store } from "../../store/store.js";
import type { Cancel, Scheduler } from "../runtime/scheduler.js";
import { type ManifestChange, type ManifestFile, reconcileManifests } from "./reconcile.js";

/** A look after the last sign of a change; whoever writes a file should have finished. */
const SETTLE_MS = 100;
/** Signs can get lost, and what a file needs may come later. */
const LOOK_AGAIN_MS = 5_000;
const MANIFEST = /^[^.].*\.(ya?ml|json)$/;

export interface ManifestFolderOptions {
  readonly dir: string;
  readonly store: Store;
  readonly scheduler: Scheduler;
  /** Reads a file. What is wrong with it becomes a problem, never an error. */
  readonly read: (path: string) => Promise<Pick<ManifestFile, "problems"> & { readonly flows: readonly NewResource<"VideoFlow">[] }>;
  readonly log: (text: string) => void;
  /** Told of what stands in the way of a flow that exists. */
  readonly onProblem?: (flow: { readonly namespace: string; readonly name: string }, text: string) => void;
}

/** Follows a folder of manifests, as kubelet follows its static pods. */
export class ManifestFolder {
  readonly #options: ManifestFolderOptions;
  /** By name: what was read, and of which version of the file. */
  readonly #known = new Map<string, { readonly version: string; readonly file: ManifestFile }>();
  #told: ReadonlySet<string> = new Set();
  #endings: (() => void)[] = [];
  #cancel: Cancel = () => {};
  #looking: Promise<void> | undefined;
  #again = false;
  /** A look is planned that does not wait for the regular one. */
  #isUrgent = false;
  #open = true;

  constructor(options: ManifestFolderOptions) {
    this.#options = options;
  }

  start(): void {
    const { store, dir, log } = this.#options;
    this.#endings.push(store.watch("VideoFlow", () => this.#soon(SETTLE_MS)));
    try {
      const watcher = watch(dir, () => this.#soon(SETTLE_MS));
      watcher.on("error", () => watcher.close()); // The folder went away; the regular look goes on.
      this.#endings.push(() => watcher.close());
    } catch (error) {
      log(`manifests: ${dir} cannot be watched, it is looked at every ${LOOK_AGAIN_MS / 1000} s: ${errorText(error)}`);
    }
    this.#soon(0);
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const end of this.#endings) end();
    this.#cancel();
    await this.#looking;
  }

  #soon(delayMs: number): void {
    if (!this.#open) return;
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    if (this.#isUrgent) return;
    this.#isUrgent = delayMs < LOOK_AGAIN_MS;
    this.#cancel();
    this.#cancel = this.#options.scheduler.after(delayMs, () => {
      this.#isUrgent = false;
      this.#looking = this.#look()
        .catch((error: unknown) => this.#options.log(`manifests: ${errorText(error)}`))
        .finally(() => {
          this.#looking = undefined;
          const delay = this.#again ? SETTLE_MS : LOOK_AGAIN_MS;
          this.#again = false;
          this.#soon(delay);
        });
    });
  }

  async #look(): Promise<void> {
    const { store } = this.#options;
    const files = await this.#readAll();
    if (files === undefined) return;
    const { changes, problems } = reconcileManifests(files, await store.list("VideoFlow"));
    this.#tell(problems);
    for (const change of changes) await this.#make(change).catch((error: unknown) => this.#fail(change, error));
  }

  /** @returns undefined if the folder cannot be read: then nothing is known, and nothing is deleted. */
  async #readAll(): Promise<ManifestFile[] | undefined> {
    const { dir } = this.#options;
    let names: string[];
    try {
      names = readdirSync(dir).filter((name) => MANIFEST.test(name));
    } catch (error) {
      this.#tell([{ file: dir, text: `cannot be read, its flows stay as they are: ${errorText(error)}` }]);
      return undefined;
    }
    for (const name of this.#known.keys()) if (!names.includes(name)) this.#known.delete(name);
    const files: ManifestFile[] = [];
    for (const name of names) files.push(await this.#read(name));
    return files;
  }

  /** A file that had a problem is read again each time: what it lacked may have come. */
  async #read(name: string): Promise<ManifestFile> {
    const path = join(this.#options.dir, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    const version = stat === undefined ? "" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    const known = this.#known.get(name);
    if (known?.version === version && known.file.problems.length === 0) return known.file;
    // Nobody may ever write into a pipe.
    const { flows, problems } = stat?.isFile() === false ? { flows: [], problems: ["it is no file"] } : await this.#options.read(path);
    const file = { name, problems, flows: problems.length > 0 ? [] : flows };
    this.#known.set(name, { version, file });
    return file;
  }

  /** Once for each problem, as long as it lasts. */
  #tell(problems: readonly { readonly file: string; readonly flow?: string; readonly text: string }[]): void {
    const now = new Set(problems.map(({ file, flow = "", text }) => `${file}: ${flow} ${text}`));
    for (const { file, flow, text } of problems) {
      if (this.#told.has(`${file}: ${flow ?? ""} ${text}`)) continue;
      this.#options.log(`manifests: ${file}: ${text}`);
      const [namespace, name] = flow?.split("/") ?? [];
      if (namespace !== undefined && name !== undefined) this.#options.onProblem?.({ namespace, name }, `${file}: ${text}`);
    }
    this.#told = now;
  }

  /** The others are made; this one is tried again. */
  #fail({ flow }: ManifestChange, error: unknown): void {
    this.#options.log(`manifests: flow ${flow.metadata.name}: ${errorText(error)}`);
  }

  async #make(change: ManifestChange): Promise<void> {
    const { store, log } = this.#options;
    log(`manifests: ${change.op} flow ${change.flow.metadata.name}: ${change.why}`);
    switch (change.op) {
      case "create":
        await store.create(change.flow);
        return;
      case "update":
        await store.update<"VideoFlow">(change.flow);
        return;
      case "delete": {
        const { namespace, name, uid } = change.flow.metadata;
        await store.delete({ kind: "VideoFlow", namespace, name }, { uid });
        return;
      }
      default:
        change satisfies never;
    }
  }
}
