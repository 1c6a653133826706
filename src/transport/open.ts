/** What a task's process needs of the data plane. */
export { keyOf, openTaskPort, ownerOf } from "./task-port.js";
