import { OperatorError } from "../base/errors.js";

/** Thrown by `flow.run()` before any process starts: a node that can only run on a GPU finds none. */
export class DeviceUnavailableError extends OperatorError<"DEVICE_UNAVAILABLE"> {
  /**
   * @param flow   name of the flow.
   * @param detail what was asked and what there is, with numbers.
   */
  constructor(flow: string, detail: string) {
    super("DEVICE_UNAVAILABLE", { flow, detail });
    this.name = "DeviceUnavailableError";
  }
}
