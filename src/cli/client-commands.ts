/** The commands that talk to an agent or a cluster: their options and help. Each is a file of this folder, loaded when it is called. */
import type { Command } from "commander";
import type { ApplyFlags } from "./apply.js";
import type { Verb } from "./change.js";
import type { ClientFlags } from "./client.js";
import type { DeleteFlags } from "./delete.js";
import type { DescribeFlags } from "./describe.js";
import type { EventsFlags } from "./events.js";
import type { ExitCode } from "./exit-codes.js";
import type { GetFlags } from "./get.js";
import type { LogsFlags } from "./logs.js";
import type { TopFlags } from "./top.js";
import type { WaitFlags } from "./wait.js";
import type { World } from "./world.js";

type Done = (code: ExitCode) => void;

const FILES = ["-f, --filename <place>", "a file, a folder, or - for standard input; may be given several times", append] as const;

/** Adds the commands, in the order of the help. */
export function addClientCommands(program: Command, world: World, done: Done): void {
  const parts = [addApply, addGet, addDescribe, addDelete, addLogs, addEvents, addWait, addScale, addChanges, addTop];
  for (const add of parts) add(program, world, done);
}

/** Says whom to talk to. */
function withClientOptions(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace (default: default, or that of the kubeconfig)")
    .option("--state-dir <dir>", "state folder of the agent to talk to (env VIDEOFLOW_STATE_DIR)")
    .option("--kubeconfig <file>", "talk to the cluster of this file instead of an agent")
    .option("--context <name>", "talk to the cluster of this context of the kubeconfig");
}

/** Printed below the help of the first of these commands, and in the guide. */
const WHOM = `
Whom the command talks to: --kubeconfig or --context, then --state-dir, then VIDEOFLOW_STATE_DIR, then this user's agent,
then KUBECONFIG. As plugin of kubectl (kubectl videoflow …): the cluster that kubectl talks to.`;

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function addApply(program: Command, world: World, done: Done): void {
  const command = program
    .command("apply")
    .summary("make the stored objects what files say")
    .description("Creates and changes flows as files say. Lists all problems first; then nothing is written if there is one.")
    .requiredOption(...FILES)
    .option("--dry-run", "say what would be done and do nothing");
  withClientOptions(command)
    .addHelpText("after", APPLY_HELP)
    .action(async (flags: ApplyFlags) => done(await (await import("./apply.js")).apply(flags, world)));
}

const APPLY_HELP = `
Files are YAML or JSON with any number of documents, or .ts and .js modules that build flows. Relative paths in a flow are
made absolute against the folder of its file, and shown. What commands change (pause, rerun) stays unless the file says
desiredState or run itself.
${WHOM}

Examples:
  videoflow apply -f flow.yaml
  videoflow apply -f flows/ --dry-run
  videoflow get vf/intersection -o yaml | sed s/4/6/ | videoflow apply -f -`;

function addGet(program: Command, world: World, done: Done): void {
  const command = program
    .command("get")
    .summary("print objects")
    .description("Prints flows (vf), tasks (ft), device claims (vdc), hosts (vhost), events, leases: a table with the columns of kubectl.")
    .argument("<what...>", "vf, vf NAME..., vf/NAME, vf,ft or all")
    .option("-o, --output <format>", "wide, yaml, json, name, jsonpath=TEMPLATE or custom-columns=TITLE:PATH,…")
    .option("-w, --watch", "print what changes, until Ctrl-C")
    .option("-l, --selector <labels>", "only objects with these labels: app=a,tier!=b,'env in (x, y)'")
    .option("--field-selector <fields>", "only objects with these values: status.phase!=Running,spec.node=detector")
    .option("--sort-by <path>", "in the order of this field, such as .metadata.creationTimestamp")
    .option("--show-labels", "with a column of the labels")
    .option("-A, --all-namespaces", "of all namespaces")
    .option("--no-headers", "print no titles")
    .option("--ignore-not-found", "what is not there is no failure");
  withClientOptions(command)
    .addHelpText("after", GET_HELP)
    .action(async (what: string[], flags: GetFlags) => done(await (await import("./get.js")).get(what, flags, world)));
}

const GET_HELP = `
Examples:
  videoflow get vf -w
  videoflow get ft -l videoflow.io/flow=intersection -o wide
  videoflow get vf/intersection -o jsonpath='{.status.state}'
  videoflow get ft -o jsonpath='{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}'
  videoflow get ft -o custom-columns=TASK:.metadata.name,PID:.status.pid --sort-by .status.restarts`;

function addDelete(program: Command, world: World, done: Done): void {
  const command = program
    .command("delete")
    .summary("delete objects and wait until they are gone")
    .description("Deletes objects. A flow is drained first; its tasks and claims go with it. A task that its flow still wants comes back.")
    .argument("[what...]", "vf NAME..., or vf/NAME...")
    .option(...FILES)
    .option("-l, --selector <labels>", "all objects of the kind with these labels")
    .option("--all", "all objects of the kind")
    .option("--wait [bool]", "wait until they are gone; --wait=false returns at once", "true")
    .option("--timeout <duration>", "wait no longer than this, such as 30s (default: for ever)")
    .option("--ignore-not-found", "what is not there is no failure");
  withClientOptions(command)
    .addHelpText("after", "\nExamples:\n  videoflow delete vf intersection\n  videoflow delete -f flow.yaml --timeout 30s")
    .action(async (what: string[], flags: DeleteFlags) => done(await (await import("./delete.js")).remove(what, flags, world)));
}

function addWait(program: Command, world: World, done: Done): void {
  const command = program
    .command("wait")
    .summary("wait for a condition, a value or the end of objects")
    .description("Waits until objects have reached something.")
    .argument("<what...>", "vf NAME..., or vf/NAME...")
    .requiredOption("--for <goal>", "condition=TYPE, condition=TYPE=False, delete, create, or jsonpath=PATH=VALUE")
    .option("--timeout <duration>", "give up after this", "30s")
    .option("-l, --selector <labels>", "all objects of the kind with these labels")
    .option("--all", "all objects of the kind");
  withClientOptions(command)
    .addHelpText("after", WAIT_HELP)
    .action(async (what: string[], flags: WaitFlags) => done(await (await import("./wait.js")).wait(what, flags, world)));
}

const WAIT_HELP = `
Examples:
  videoflow wait vf/intersection --for=condition=Succeeded --timeout=1h
  videoflow wait vf/intersection --for=jsonpath='{.status.state}'=Running
  videoflow wait vf/intersection --for=delete`;

function addDescribe(program: Command, world: World, done: Done): void {
  const command = program
    .command("describe")
    .summary("tell how objects came to be what they are")
    .description("Prints conditions, tasks, claims, and the events that tell the story.")
    .argument("<what...>", "vf NAME..., or vf/NAME...")
    .option("-l, --selector <labels>", "only objects with these labels");
  withClientOptions(command)
    .addHelpText("after", "\nExample:\n  videoflow describe vf/intersection")
    .action(async (what: string[], flags: DescribeFlags) => done(await (await import("./describe.js")).describe(what, flags, world)));
}

function addLogs(program: Command, world: World, done: Done): void {
  const command = program
    .command("logs")
    .summary("print what tasks wrote")
    .description("Prints the logs of a flow's tasks. Control characters are shown, not obeyed.")
    .argument("<flow>", "FLOW, FLOW/NODE or FLOW/NODE.INDEX")
    .option("-f, --follow", "go on when the end is reached, until Ctrl-C or the end of the flow")
    .option("--tail <lines>", "only so many of the last lines of each task")
    .option("--since <duration>", "only what was written in the last 10s, 5m or 2h, as the agent saw it: it looks once a second")
    .option("--timestamps", "begin each line with the time by which the agent saw it")
    .option("-p, --previous", "the log that was set aside before this one")
    .option("--prefix", "begin each line with the name of its task (default: unless one task is named)");
  withClientOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  videoflow logs intersection -f\n  videoflow logs intersection/detector.1 --tail 20\n  videoflow logs intersection --since 5m --timestamps",
    )
    .action(async (flow: string, flags: LogsFlags) => done(await (await import("./logs.js")).logs(flow, flags, world)));
}

function addEvents(program: Command, world: World, done: Done): void {
  const command = program
    .command("events")
    .summary("print what happened")
    .description("Prints events, the oldest first. They are kept for an hour.")
    .option("--for <object>", "only those of vf/NAME, its tasks and claims, or of ft/NAME, vhost/NAME")
    .option("--types <types>", "only Warning, or only Normal")
    .option("-w, --watch", "print what happens, until Ctrl-C (not together with --for and --types)")
    .option("-o, --output <format>", "wide, yaml, json, name or jsonpath=TEMPLATE (not together with --for and --types)")
    .option("-A, --all-namespaces", "of all namespaces");
  withClientOptions(command)
    .addHelpText("after", "\nExample:\n  videoflow events --for vf/intersection")
    .action(async (flags: EventsFlags) => done(await (await import("./events.js")).events(flags, world)));
}

function addScale(program: Command, world: World, done: Done): void {
  const command = program
    .command("scale")
    .summary("change the number of tasks of nodes")
    .description("Changes the number of tasks of processors while messages flow: more start, or the last ones are retired.")
    .argument("<flow>", "name of the flow")
    .argument("<node=n...>", "nodes with their number of tasks");
  withClientOptions(command)
    .addHelpText("after", "\nExample:\n  videoflow scale intersection detector=4")
    .action(async (flow: string, nodes: string[], flags: ClientFlags) =>
      done(await (await import("./change.js")).scale(flow, nodes, flags, world)),
    );
}

const CHANGES: readonly (readonly [Verb, string, string])[] = [
  ["pause", "hold flows", "Holds the producers of flows back and keeps all tasks; what is in flight flows on."],
  ["resume", "let held or stopped flows run", "Lets paused flows go on; a stopped one begins anew."],
  ["stop", "drain flows and end their tasks", "Ends the producers of flows, drains what is in flight and ends the tasks. The flows stay."],
  [
    "rerun",
    "run flows again from their start",
    "Raises the number of the run: the flows run again from their start, also those that have finished.",
  ],
];

function addChanges(program: Command, world: World, done: Done): void {
  for (const [verb, summary, description] of CHANGES) {
    const command = program.command(verb).summary(summary).description(description).argument("<flow...>", "names of flows");
    withClientOptions(command).action(async (flows: string[], flags: ClientFlags) =>
      done(await (await import("./change.js")).change(verb, flows, flags, world)),
    );
  }
}

function addTop(program: Command, world: World, done: Done): void {
  const command = program
    .command("top")
    .summary("show what tasks and devices are used for")
    .description("Shows CPU, memory, messages a second and time per message of each task, and who holds which device.")
    .argument("[flow]", "only the tasks of this flow")
    .option("-A, --all-namespaces", "of all namespaces")
    .option("--json", "print one JSON object");
  withClientOptions(command)
    .addHelpText("after", "\nCPU is in thousandths of a core, of the whole process tree of the task. Rates are those of one second.")
    .action(async (flow: string | undefined, flags: TopFlags) => done(await (await import("./top.js")).top(flow, flags, world)));
}
