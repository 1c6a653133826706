/** What an agent must still know after its own death, beside the objects and what its keeper knows. */
import type { LiveProcess, TaskRecord } from "./observed.js";

/** A record without what is read anew: reports and statistics. */
export interface SavedTask {
  /** Boot in which it was written: times and processes of another boot mean nothing. */
  readonly bootId: string;
  readonly keeperId: string | undefined;
  readonly record: TaskRecord;
  /** Of the live process. */
  readonly committedBefore?: number;
  readonly deviceEnvironment?: Readonly<Record<string, string>>;
}

/** Of a run's shared memory. */
export interface SavedRun {
  readonly bootId: string;
  readonly drainAskedAtMs?: number;
  readonly paused?: boolean;
}

export interface SavedState {
  readonly tasks: ReadonlyMap<string, SavedTask>;
  readonly runs: ReadonlyMap<string, SavedRun>;
}

/** Keeps the records. Every write resolves once it is on disk. */
export interface RecordJournal {
  load(): SavedState;
  putTask(uid: string, task: SavedTask): Promise<void>;
  removeTask(uid: string): Promise<void>;
  putRun(run: string, saved: SavedRun): Promise<void>;
  removeRun(run: string): Promise<void>;
}

/** The table behind a journal; src/store has a durable one. */
export interface JournalTable {
  entries(): ReadonlyMap<string, unknown>;
  put(key: string, value: SavedTask | SavedRun): Promise<void>;
  remove(key: string): Promise<void>;
}

const TASK = "task/";
const RUN = "run/";

export function journalOn(table: JournalTable): RecordJournal {
  return {
    load() {
      const entries = [...table.entries()];
      const below = <T>(prefix: string) =>
        new Map(entries.flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value as T] as const] : [])));
      return { tasks: below<SavedTask>(TASK), runs: below<SavedRun>(RUN) };
    },
    putTask: (uid, task) => table.put(TASK + uid, task),
    removeTask: (uid) => table.remove(TASK + uid),
    putRun: (run, saved) => table.put(RUN + run, saved),
    removeRun: (run) => table.remove(RUN + run),
  };
}

/** What is worth saving of a record. */
export function lasting({ process: live, ...record }: TaskRecord): TaskRecord {
  if (live === undefined) return record;
  const { report: _report, stats: _stats, ...rest } = live;
  return { ...record, process: rest as LiveProcess };
}
