// A consumer that writes down when its first message came.
import { writeFileSync } from "node:fs";
import { ConsumerNode } from "videoflow";

export class FirstMessage extends ConsumerNode {
  #seen = false;

  consume() {
    if (this.#seen) return;
    this.#seen = true;
    writeFileSync(this.params.stamp, String(Number(process.hrtime.bigint()) / 1e6));
  }
}
