/** What a task's process needs of the data plane. */
export { openTaskPort } from "./task-port.js";
