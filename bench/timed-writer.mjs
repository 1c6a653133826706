// A video writer that writes down when its first and its last frame came.
import { writeFileSync } from "node:fs";
import { VideoFileWriter } from "videoflow";

export class TimedWriter extends VideoFileWriter {
  #frames = 0;
  #firstMs = 0;
  #lastMs = 0;

  constructor({ stamp, ...params }, options) {
    super(params, options);
    this.stamp = stamp;
  }

  async consume(frame) {
    await super.consume(frame);
    this.#lastMs = performance.now();
    if (this.#frames === 0) this.#firstMs = this.#lastMs;
    this.#frames += 1;
  }

  async close() {
    await super.close();
    writeFileSync(this.stamp, JSON.stringify({ frames: this.#frames, firstMs: this.#firstMs, lastMs: this.#lastMs }));
  }
}
