/**
 * The layers of src/, lowest first: folder -> what it knows, and the folders it may import.
 * Read by the import checker (.dependency-cruiser.cjs) and printed in docs/ARCHITECTURE.md.
 */
module.exports = {
  base: { does: "errors, clock, logger, ids, quantities, tensors: no domain words", imports: [] },
  api: { does: "the kinds: types, defaults, validation, conditions. Pure", imports: ["base"] },
  flow: { does: "authoring (Node, Flow) and graph algorithms. Pure", imports: ["api", "base"] },
  rules: { does: "what a host lets flows use: components, paths below its root, values from files and Secrets", imports: ["flow", "api", "base"] },
  store: { does: "objects: the interface; embedded, over a socket, in Kubernetes", imports: ["api", "base"] },
  devices: { does: "allocation (pure) and the providers of devices", imports: ["api", "base"] },
  controller: { does: "makes the store match the spec: one folder per loop, runtime/", imports: ["store", "devices", "flow", "api", "base"] },
  transport: { does: "messages and channels in shared memory. Knows bytes, not flows", imports: ["base"] },
  components: { does: "built-in producers, processors, consumers, vision", imports: ["flow", "transport", "base"] },
  worker: { does: "the loop inside a task's process", imports: ["components", "flow", "transport", "api", "base"] },
  keeper: { does: "parent of every task: spawns, reaps, recovers shared memory, kills", imports: ["transport", "base"] },
  agent: { does: "makes one host match its tasks", imports: ["store", "devices", "transport", "api", "base"] },
  cli: { does: "one file per command; no decisions", imports: ["store", "flow", "api", "base"] },
  main: { does: "one file per OS process: argv, env, exit and the real clock live here", imports: ["*"] },
};
