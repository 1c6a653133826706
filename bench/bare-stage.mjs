// `bare-stage.mjs MS COUNT`: how long the stage's wait really takes in a process of its own; prints the median in milliseconds.
import { median } from "./measure.mjs";

const [stageMs, count] = [Number(process.argv[2]), Number(process.argv[3])];
const lock = new Int32Array(new SharedArrayBuffer(4));
const times = [];
for (let i = 0; i < count; i += 1) {
  const startMs = performance.now();
  Atomics.wait(lock, 0, 0, stageMs);
  times.push(performance.now() - startMs);
}
console.log(median(times));
