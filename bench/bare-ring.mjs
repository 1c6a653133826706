// `bare-ring.mjs write|read FILE COUNT`: 100-byte messages through a ring in shared memory, no doorbell; the reader prints messages per second.
import { mapShared } from "./bare-memory.mjs";

const [SLOTS, SLOT_BYTES, BYTES] = [1024, 128, 100];
const [HEAD, TAIL] = [0, 32];
const [role, file, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const memory = mapShared(file, 256 + SLOTS * SLOT_BYTES);
const words = new Int32Array(memory);
const bytes = new Uint8Array(memory);
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function write() {
  const message = Buffer.alloc(BYTES, 7);
  for (let i = 0; i < count; i += 1) {
    while (i - Atomics.load(words, TAIL) >= SLOTS) await turn();
    message.writeUInt32LE(i, 8);
    bytes.set(message, 256 + (i % SLOTS) * SLOT_BYTES);
    Atomics.store(words, HEAD, i + 1);
  }
}

async function read() {
  let startMs = 0;
  for (let i = 0; i < count; i += 1) {
    while (Atomics.load(words, HEAD) <= i) await turn();
    const slot = 256 + (i % SLOTS) * SLOT_BYTES;
    if (words[(slot + 8) / 4] !== i) throw new Error(`message ${i} is not there`);
    Atomics.store(words, TAIL, i + 1);
    if (i === 0) startMs = performance.now();
  }
  console.log(((count - 1) / (performance.now() - startMs)) * 1000);
}

await (role === "write" ? write() : read());
