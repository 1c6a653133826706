// `bare-memcpy.mjs FILE BYTES COUNT`: copies from 12 private buffers into shared memory in one process; prints copies per second.
import { mapShared } from "./bare-memory.mjs";

const BUFFERS = 12;
const [file, bytes, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const step = Math.ceil(bytes / 64) * 64;
const shared = mapShared(file, step * BUFFERS);
const sources = Array.from({ length: BUFFERS }, (_, i) => Buffer.alloc(bytes, i));
const targets = sources.map((_, i) => new Uint8Array(shared, i * step, bytes));

function copy(times) {
  for (let i = 0; i < times; i += 1) targets[i % BUFFERS].set(sources[i % BUFFERS]);
}

copy(BUFFERS * 2);
const startMs = performance.now();
copy(count);
console.log((count / (performance.now() - startMs)) * 1000);
