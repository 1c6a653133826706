/** `videoflow scale`, `pause`, `resume`, `stop` and `rerun`: small changes of a flow's spec. */
import type { VideoFlow, VideoFlowSpec } from "../api/kinds.js";
import { formatProblem, type Problem } from "../api/problem.js";
import { OperatorError } from "../base/errors.js";
import { safeText } from "../base/safe-text.js";
import { validateSpec } from "../flow/validate.js";
import { type ClientFlags, changeSpec, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { told } from "./print.js";
import type { World } from "./world.js";

export type Verb = "pause" | "resume" | "stop" | "rerun";

const DONE: Readonly<Record<Verb, string>> = { pause: "paused", resume: "resumed", stop: "stopped", rerun: "runs again" };

/** Changes what the flow should be. The flow follows on its own; `wait` tells when it has. */
export async function change(verb: Verb, names: readonly string[], flags: ClientFlags, world: World): Promise<ExitCode> {
  return withConnection(flags, world, async (connection) => {
    for (const name of names.map(plainName)) {
      const { flow, changed } = await changeSpec(connection, name, (old) => changedSpec(verb, old.spec));
      world.out.write(`${told(flow)} ${changed ? DONE[verb] : "unchanged"}${verb === "rerun" ? ` (run ${flow.spec.run})` : ""}\n`);
    }
    return EXIT.success;
  });
}

/** The new spec; undefined if it is so already. Pure. */
export function changedSpec(verb: Verb, spec: VideoFlow["spec"]): VideoFlow["spec"] | undefined {
  if (verb === "rerun") return { ...spec, run: spec.run + 1, desiredState: "Running" };
  const desiredState = verb === "pause" ? "Paused" : verb === "stop" ? "Stopped" : "Running";
  return spec.desiredState === desiredState ? undefined : { ...spec, desiredState };
}

/** @param words `NODE=N`, at least one. @throws OperatorError COMMAND_INVALID, FLOW_INVALID */
export async function scale(name: string, words: readonly string[], flags: ClientFlags, world: World): Promise<ExitCode> {
  const wanted = new Map(words.map(parseScale));
  const descriptors = await world.engine.descriptors();
  let ignored: readonly Problem[] = [];
  return withConnection(flags, world, async (connection) => {
    const { flow, changed } = await changeSpec(connection, plainName(name), (old) => {
      const spec = scaledSpec(old, wanted);
      if (spec === undefined) return undefined;
      const { problems, warnings } = validateSpec(spec as VideoFlowSpec, {
        describe: (component) => descriptors.get(component),
        builtIns: descriptors.keys(),
      });
      if (problems.length > 0) throw new OperatorError("FLOW_INVALID", { flow: old.metadata.name, problems: problems.map(formatProblem) });
      const paths = spec.nodes.flatMap((node, i) => (wanted.has(node.name) ? [`spec.nodes[${i}].nbTasks`] : []));
      ignored = warnings.filter(({ path }) => paths.includes(path));
      return spec;
    });
    for (const warning of ignored) world.err.write(`warning: ${safeText(formatProblem(warning))}\n`);
    world.out.write(`${told(flow)} ${changed ? "scaled" : "unchanged"}\n`);
    return EXIT.success;
  });
}

/** The spec with other numbers of tasks; undefined if they are so already. Pure. @throws OperatorError COMMAND_INVALID */
export function scaledSpec({ metadata, spec }: VideoFlow, wanted: ReadonlyMap<string, number>): VideoFlow["spec"] | undefined {
  for (const node of wanted.keys()) {
    if (!spec.nodes.some(({ name }) => name === node)) {
      const names = spec.nodes.map(({ name }) => name).join(", ");
      throw new OperatorError("COMMAND_INVALID", { problem: `flow ${metadata.name} has no node ${node}, but ${names}` });
    }
  }
  const nodes = spec.nodes.map((node) => ({ ...node, nbTasks: wanted.get(node.name) ?? node.nbTasks }));
  return nodes.every(({ nbTasks }, i) => nbTasks === spec.nodes[i]?.nbTasks) ? undefined : { ...spec, nodes };
}

function parseScale(word: string): readonly [string, number] {
  const match = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)=(\d{1,4})$/.exec(word);
  if (match === null) throw new OperatorError("COMMAND_INVALID", { problem: `${word} is not NODE=N` });
  return [match[1] ?? "", Number(match[2])];
}

/** `vf/f` and `f` are the same flow. */
function plainName(word: string): string {
  return word.replace(/^(vf|videoflows?(\.videoflow\.io)?)\//, "");
}
