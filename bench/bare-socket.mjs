// `bare-socket.mjs read|write PATH COUNT PER_SECOND`: 100-byte messages through a Unix socket; the reader prints the latencies in microseconds.
import { connect, createServer } from "node:net";

const [role, path, count, perSecond] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
const BYTES = 100;

async function write() {
  const socket = connect(path);
  await new Promise((resolve) => socket.on("connect", resolve));
  const startMs = performance.now();
  for (let i = 0; i < count; i += 1) {
    const waitMs = startMs + (i * 1000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const message = Buffer.alloc(BYTES);
    message.writeBigUInt64LE(process.hrtime.bigint());
    socket.write(message);
  }
  socket.end();
}

function read() {
  const latenciesUs = [];
  const server = createServer((socket) => {
    socket.on("data", (message) => {
      if (message.length === BYTES) latenciesUs.push(Number(process.hrtime.bigint() - message.readBigUInt64LE()) / 1000);
    });
    socket.on("end", () => {
      console.log(JSON.stringify(latenciesUs));
      server.close();
    });
  });
  server.listen(path, () => console.error("listening"));
}

role === "write" ? await write() : read();
