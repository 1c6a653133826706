// `bare-socket.mjs read|write PATH WARM COUNT PER_SECOND`: 100-byte messages through a Unix socket, WARM at once and COUNT paced; the reader
// prints the latencies of the paced ones in microseconds.
import { connect, createServer } from "node:net";

const [role, path] = process.argv.slice(2, 4);
const [warm, count, perSecond] = process.argv.slice(4).map(Number);
const BYTES = 100;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function write() {
  const socket = connect(path);
  await new Promise((resolve) => socket.on("connect", resolve));
  for (let i = 0; i < warm; i += 1) {
    socket.write(stamped());
    await turn();
  }
  const startMs = performance.now();
  for (let i = 1; i <= count; i += 1) {
    const waitMs = startMs + (i * 1000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    socket.write(stamped());
  }
  socket.end();
}

function stamped() {
  const message = Buffer.alloc(BYTES);
  message.writeBigUInt64LE(process.hrtime.bigint());
  return message;
}

function read() {
  const latenciesUs = [];
  let rest = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on("data", (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (; rest.length >= BYTES; rest = rest.subarray(BYTES))
        latenciesUs.push(Number(process.hrtime.bigint() - rest.readBigUInt64LE()) / 1000);
    });
    socket.on("end", () => {
      console.log(JSON.stringify(latenciesUs.slice(warm)));
      server.close();
    });
  });
  server.listen(path, () => console.error("listening"));
}

role === "write" ? await write() : read();
