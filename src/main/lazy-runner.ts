/** What `flow.run()` does in a user's own process: loads the runtime and runs the flow in the foreground. */
import { dirname } from "node:path";
import { OperatorError } from "../base/errors.js";
import { printed } from "../base/safe-text.js";
import { moduleFile } from "../flow/component-path.js";
import type { Flow } from "../flow/flow.js";
import type { FlowRun } from "../flow/session.js";
import type { Foreground } from "./foreground.js";

/** Starts a flow in this process. The manifest is made at once, so that its errors are thrown by `run()`. */
export function lazyRunner(flow: Flow): FlowRun {
  const started = start(flow);
  started.catch(() => {}); // admitted and finished reject with it.
  return {
    admitted: started.then((run) => run.admitted),
    finished: silent(started.then(finish)),
    stop: async () => (await started).stop(),
  };
}

async function start(flow: Flow): Promise<Foreground> {
  const { checkDocument, formatProblem, DESCRIPTORS, Foreground } = await import("./runtime.js");
  const manifest = flow.toManifest();
  const folder = flow.module === undefined ? process.cwd() : dirname(flow.module);
  const checked = checkDocument({ value: manifest, source: flow.module ?? "flow", positionOf: () => undefined }, folder, DESCRIPTORS);
  const [document] = checked.flows;
  if (checked.problems.length > 0 || document === undefined) {
    throw new OperatorError("FLOW_INVALID", { flow: manifest.metadata.name, problems: checked.problems.map(formatProblem) });
  }
  // These load the file that runs the flow: it would print again what it prints.
  const loaders = new Set(
    manifest.spec.nodes.filter(({ component }) => moduleFile(component)).map(({ name, taskGroup = name }) => taskGroup),
  );
  const warned = new Set<string>();
  const warn = (text: string) => {
    if (!warned.has(text)) process.stderr.write(`videoflow: ${text}\n`);
    warned.add(text);
  };
  return Foreground.start(document, {
    onNotice: warn,
    onSnapshot: ({ warnings }) => warnings.forEach(warn),
    onPrinted: (task, text) => {
      if (!loaders.has(task.slice(0, task.lastIndexOf(".")))) process.stdout.write(printed(text, task));
    },
  });
}

async function finish(run: Foreground): Promise<void> {
  const { snapshot, reason, message } = await run.finished;
  if (snapshot.state === "Failed") throw new OperatorError("FLOW_FAILED", { flow: snapshot.flow, reason, detail: message });
}

/** A rejection that nobody waits for is not an error of its own: `run()` has thrown it already. */
function silent<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
