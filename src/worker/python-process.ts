/**
 * A Python interpreter as child of a task's worker: envelopes in on its descriptor 3, out on its descriptor 4.
 * Knows processes and frames of bytes; must not know what the envelopes mean.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { errorText, OperatorError } from "../base/errors.js";
import { hidesValues } from "./values.js";

const FD_TO_CHILD = 3;
const FD_FROM_CHILD = 4;
/** Envelopes have a length of 32 bits in front, little endian. */
const HEAD_BYTES = 4;
/** After the exit what the child wrote last may still be in the socket. */
const LAST_WORDS_MS = 100;
const KILL_AFTER_MS = 2_000;

/** The interpreter that runs Python nodes. */
export function pythonProgram(env: Readonly<Record<string, string | undefined>>): string {
  return env["VIDEOFLOW_PYTHON"] || "python3";
}

/** The file that the package ships, next to dist/ or src/. */
function nodeProgram(): string {
  const parts = ["python", "videoflow_node.py"];
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, ...parts);
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) throw new TypeError(`${parts.join("/")} is missing: the installation is not complete`);
  }
}

export interface PythonListener {
  readonly envelope: (bytes: Uint8Array) => void;
  /** It ended by itself; nothing more will come. */
  readonly ended: (error: OperatorError) => void;
}

export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #alive = true;

  /** Starts the interpreter; its stdout and stderr are the worker's. */
  constructor(node: string, program: string, listener: PythonListener) {
    const log = hidesValues() ? "pipe" : "inherit";
    const stdio = ["ignore", log, log, "pipe", "pipe"] as const;
    const child = spawn(program, ["-u", nodeProgram(), String(process.pid)], { stdio: [...stdio] });
    this.#child = child;
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      if (from !== null) passLines(from, to);
    }
    const frames = new Frames(listener.envelope);
    const from = child.stdio[FD_FROM_CHILD] as Socket;
    from.on("data", (chunk: Buffer) => frames.add(chunk));
    from.on("error", () => {}); // Told by the exit.
    this.#input.on("error", () => {});
    const closed = new Promise<void>((done) => from.on("close", () => done()));
    this.#exited = new Promise((done) => {
      const end = async (error: OperatorError) => {
        if (!this.#alive) return;
        this.#alive = false;
        await Promise.race([closed, new Promise((resume) => setTimeout(resume, LAST_WORDS_MS))]);
        listener.ended(error);
        done();
      };
      child.on("error", (cause) => void end(new OperatorError("PYTHON_MISSING", { program, problem: errorText(cause) }, { cause })));
      child.on("exit", (code, signal) => {
        const how = signal === null ? `it left with code ${code}` : `it was killed by ${signal}`;
        void end(new OperatorError("PYTHON_ENDED", { node, how }));
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get #input(): Socket {
    return this.#child.stdio[FD_TO_CHILD] as Socket;
  }

  send(envelope: Uint8Array): void {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + envelope.length);
    frame.writeUInt32LE(envelope.length, 0);
    frame.set(envelope, HEAD_BYTES);
    this.#input.write(frame);
  }

  /** Settles when the process is gone. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Breaks off what it does: SIGTERM, on which it still closes its node, then SIGKILL. */
  async stop(): Promise<void> {
    if (!this.#alive) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), KILL_AFTER_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** A line that goes on for so long is passed on in parts. */
const MAX_LINE = 65_536;

/** What the child prints goes through this process, line by line, where values are taken out. */
function passLines(from: Readable, to: NodeJS.WriteStream): void {
  let rest = "";
  const pass = (text: string) => text !== "" && to.write(text);
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const text = rest + chunk;
    const end = text.length > MAX_LINE ? text.length : text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    pass(text.slice(0, end));
  });
  from.on("end", () => pass(rest));
}

/** Cuts a stream of bytes into envelopes. */
export class Frames {
  readonly #take: (envelope: Uint8Array) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  #wanted = HEAD_BYTES;
  #inBody = false;

  constructor(take: (envelope: Uint8Array) => void) {
    this.#take = take;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) this.#next();
  }

  #next(): void {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const part = all.subarray(0, this.#wanted);
    const rest = all.subarray(this.#wanted);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    this.#wanted = this.#inBody ? HEAD_BYTES : part.readUInt32LE(0);
    this.#inBody = !this.#inBody;
    if (!this.#inBody) this.#take(part);
  }
}
