/**
 * The command line `videoflow`: its commands, options and help. Each command is a file of this folder, loaded when it is called.
 * Knows words and exit codes; must not decide anything about flows, and must not import what only one command needs.
 */
import { Command, CommanderError } from "commander";
import { OperatorError } from "../base/errors.js";
import { safeText } from "../base/safe-text.js";
import { addClientCommands } from "./client-commands.js";
import type { ControllerFlags } from "./controller.js";
import type { LetterFlags, RetryFlags } from "./dead-letters.js";
import type { DisplayOptions } from "./display.js";
import { EXIT, EXIT_CODE_HELP, type ExitCode, exitCodeOf } from "./exit-codes.js";
import type { ExplainFlags } from "./explain.js";
import { plainWords } from "./words.js";
import type { ClusterFlags, World } from "./world.js";

/** What `run` is told on the command line. */
export interface RunFlags extends DisplayOptions {
  readonly devices?: string;
  readonly allowBusy?: boolean;
  readonly flow?: string;
  readonly stateDir?: string;
  readonly shm?: string;
  readonly deadLetters?: string;
}

/** What `agent` is told on the command line. */
export interface AgentFlags extends ClusterFlags {
  readonly probes?: string;
  readonly hostName?: string;
  readonly devices?: string;
  readonly allowBusy?: boolean;
  readonly stateDir?: string;
  readonly shm?: string;
  readonly manifests?: string;
  readonly listen?: string;
  readonly tokenFile?: string;
  readonly root?: string;
  readonly allowComponents?: string;
  readonly allowRoot?: boolean;
  readonly taskUser?: string;
}

/** What the other commands are told. */
export interface DeviceFlags {
  readonly devices?: string;
  readonly allowBusy?: boolean;
  readonly flow?: string;
  readonly json?: boolean;
}

/** Called with the exit code of the command that ran. */
type Done = (code: ExitCode) => void;

const FLOW_OPTION = ["--flow <name>", "which flow, if the file holds several"] as const;
const NAMESPACE_OPTION = ["-n, --namespace <name>", "namespace of the flow (default: default, or that of the kubeconfig)"] as const;
const KUBECONFIG_OPTION = ["--kubeconfig <file>", "ask the cluster of this file instead of an agent"] as const;
const CONTEXT_OPTION = ["--context <name>", "ask the cluster of this context of the kubeconfig"] as const;
const DEVICES_OPTION = ["--devices <file>", "take the GPUs from this YAML or JSON list of {uuid, product, memory}"] as const;
const ALLOW_BUSY_OPTION = ["--allow-busy", "grant GPUs on which a process of somebody else computes, too"] as const;

/**
 * Runs the command that the arguments name.
 *
 * @param args what follows the program's name.
 * @returns the exit code; nothing is thrown.
 */
export async function runCommandLine(args: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = EXIT.success;
  const program = createProgram(world, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(wordsOf(program, args), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    world.err.write(`${safeText(failureText(error, world.env))}\n`);
    return exitCodeOf(error);
  }
}

function wordsOf(program: Command, args: readonly string[]): string[] {
  const options = program.commands.find((command) => command.name() === args[0])?.options ?? [];
  return plainWords(
    args,
    options.map(({ short, long, required, optional }) => ({ short, long, hasValue: required || optional })),
  );
}

/** The text of a failure: the message of a known one, the stack of a fault of ours. */
function failureText(error: unknown, env: World["env"]): string {
  if (error instanceof OperatorError) return `error: ${error.message}`;
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  return env["VIDEOFLOW_DEBUG"] ? (error.stack ?? error.message) : `error: ${error.message} (VIDEOFLOW_DEBUG=1 shows where)`;
}

/** The commands with their options and help; `done` gets the exit code of the one that ran. */
export function createProgram(world: World, done: Done): Command {
  const program = new Command("videoflow")
    .description(
      "Runs video flows: graphs of producers, processors and consumers, one process per task, each with the GPUs it was granted.",
    )
    .version(world.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .showHelpAfterError("(--help lists the commands and options)")
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText("after", PROGRAM_HELP);
  const parts = [addRun, addAgent, addController, addClientCommands, addValidate, addExplain, addDeadLetters, addDevices, addDoctor];
  for (const add of parts) add(program, world, done);
  return program;
}

const PROGRAM_HELP = `
Examples:
  videoflow run flow.yaml               run a flow to its end and show its progress
  videoflow run flow.ts                 the same for a flow written in TypeScript
  videoflow validate flows/*.yaml       list all problems of some files
  videoflow explain flow.yaml           show what would run where, and why
  videoflow apply -f flow.yaml          give a flow to the agent of this machine, which keeps it running
  videoflow doctor                      find out what this machine lacks

Exit codes:
${EXIT_CODE_HELP.map(([code, text]) => `  ${String(code).padEnd(4)} ${text}`).join("\n")}

A flow file is YAML or JSON (kind: VideoFlow), or a .ts or .js module that builds a Flow.
Paths in a flow file are relative to the folder of that file.`;

function addRun(program: Command, world: World, done: Done): void {
  program
    .command("run")
    .summary("run a flow to its end")
    .description("Runs a flow to its end, shows its progress, and leaves nothing behind but its outputs.")
    .argument("<file>", "flow.yaml, flow.json, flow.ts or flow.js")
    .option(...FLOW_OPTION)
    .option(...DEVICES_OPTION)
    .option(...ALLOW_BUSY_OPTION)
    .option("--state-dir <dir>", "keep logs and objects here (default: a temporary folder)")
    .option("--dead-letters <dir>", "keep inputs that cannot be processed here (default: <flow>.dead-letters)")
    .option("--shm <dir>", "folder of shared memory (default: $VIDEOFLOW_SHM, else /dev/shm)")
    .option("--json", "print one JSON object per line")
    .option("--plain", "print lines instead of redrawing a table")
    .option("--quiet", "print nothing but errors and what the tasks print")
    .addHelpText("after", RUN_HELP)
    .action(async (file: string, flags: RunFlags) => done(await (await import("./run.js")).run(file, flags, world)));
}

const RUN_HELP = `
Ctrl-C stops the producers and finishes what is in flight (exit code 130); a second one kills (137).

Examples:
  videoflow run flow.yaml
  videoflow run flow.yaml --devices two-gpus.yaml   pretend to have the GPUs of that list
  videoflow run flow.yaml --json | jq .state        one object a second, the last of type "result"`;

function addAgent(program: Command, world: World, done: Done): void {
  withCluster(program.command("agent"), "run the tasks of the cluster of this file")
    .summary("run flows as a daemon")
    .description("Runs flows as a daemon: keeps them running, whoever dies, until it is told to end. Logs to stderr.")
    .option(...DEVICES_OPTION)
    .option(...ALLOW_BUSY_OPTION)
    .option(
      "--state-dir <dir>",
      "keep objects, logs and records here (env VIDEOFLOW_STATE_DIR; default: ~/.local/state/videoflow; of root: /var/lib/videoflow)",
    )
    .option("--shm <dir>", "folder of shared memory (default: $VIDEOFLOW_SHM, else /dev/shm)")
    .option("--host-name <name>", "name of this machine's Host (default: its hostname)")
    .option("--probes <address>", "answer /healthz and /readyz here, such as :8082 (default: nowhere)")
    .option("--manifests <dir>", "run the flows that the files of this folder hold, and follow its changes")
    .option("--root <dir>", "paths of flows begin here and may not lead outside (default: in a cluster <state-dir>/root, else any path)")
    .option(
      "--allow-components <list>",
      "what may run: builtin, root (modules below --root), any, names, files, folders (default: in a cluster builtin,root, else any)",
    )
    .option("--allow-root", "run tasks as root if the agent is (default: not in a cluster: run the agent as another user)")
    .option("--task-user <user>", "run tasks as this user, a name or UID[:GID]; the agent must be root (default: as the agent)")
    .option("--listen <address:port>", "serve /metrics there too, for those who have the token")
    .option("--token-file <file>", "the token of --listen: a file of mode 600")
    .addHelpText("after", AGENT_HELP)
    .action(async (flags: AgentFlags) => done(await (await import("./agent.js")).agent(flags, world)));
}

const AGENT_HELP = `
SIGTERM or Ctrl-C ends the agent; its tasks run on, and the next agent takes them up where they are.
A flow with onAgentLoss: Terminate ends with its agent.
Prometheus metrics: curl --unix-socket <state-dir>/metrics.sock http://agent/metrics

Examples:
  videoflow agent
  videoflow agent --manifests /etc/videoflow/flows
  videoflow agent --kubeconfig /etc/videoflow/kubeconfig   run the tasks that a cluster places here`;

function addController(program: Command, world: World, done: Done): void {
  withCluster(program.command("controller"), "the cluster of this file (default: KUBECONFIG, ~/.kube/config, or that of the Pod)")
    .summary("make a cluster's objects match its flows")
    .description("Runs the controllers of a cluster. Of several, one leads and the others wait for their turn.")
    .option("--probes <address>", "answer /healthz and /readyz here, such as :8081 (default: nowhere)")
    .option("--metrics <address>", "tell /metrics here, such as :8080 (default: nowhere)")
    .addHelpText("after", "\nExample:\n  videoflow controller --kubeconfig ~/.kube/config")
    .action(async (flags: ControllerFlags) => done(await (await import("./controller.js")).controller(flags, world)));
}

/** The options that name a cluster. */
function withCluster(command: Command, what: string): Command {
  return command
    .option("--kubeconfig <file>", what)
    .option("--context <name>", "context of the kubeconfig")
    .option("--in-cluster", "the cluster of the Pod, by its service account");
}

function addValidate(program: Command, world: World, done: Done): void {
  program
    .command("validate")
    .summary("list all problems of flow files")
    .description("Lists all problems of flow files at once, each with its place, what was found, and the fix. Starts nothing.")
    .argument("<files...>", "flow files")
    .addHelpText("after", "\nExample:\n  videoflow validate flow.yaml && videoflow run flow.yaml")
    .action(async (files: string[]) => done(await (await import("./validate.js")).validate(files, world)));
}

function addExplain(program: Command, world: World, done: Done): void {
  program
    .command("explain")
    .summary("show what would run where, and why")
    .description("Shows the graph, the tasks, the device of each task with its reason, and the shared memory. Starts nothing.")
    .argument("<file-or-flow>", "a flow file, or the name of a flow that the agent has")
    .option(...FLOW_OPTION)
    .option(...DEVICES_OPTION)
    .option(...ALLOW_BUSY_OPTION)
    .option("--json", "print one JSON object")
    .option(...NAMESPACE_OPTION)
    .option("--state-dir <dir>", "state folder of the agent to ask (env VIDEOFLOW_STATE_DIR)")
    .option(...KUBECONFIG_OPTION)
    .option(...CONTEXT_OPTION)
    .addHelpText("after", EXPLAIN_HELP)
    .action(async (file: string, flags: ExplainFlags) => done(await (await import("./explain.js")).explain(file, flags, world)));
}

const EXPLAIN_HELP = `
A file is explained on this machine as if no other flow were there; a flow of the agent among all others, with who holds
what it did not get.

Examples:
  videoflow explain flow.yaml --devices two-gpus.yaml
  videoflow explain intersection`;

function addDeadLetters(program: Command, world: World, done: Done): void {
  const letters = program
    .command("deadletters")
    .summary("show and retry inputs that could not be processed")
    .description("Shows the inputs that no attempt could process, and runs their node on them again.")
    .helpCommand(false)
    .addHelpText("after", LETTERS_HELP);
  letters
    .command("list")
    .summary("list the letters of a folder, the oldest first")
    .argument("<place>", "the folder, or the name of the flow")
    .option("--json", "print one JSON array")
    .option(...NAMESPACE_OPTION)
    .option("--state-dir <dir>", "state folder of the agent whose flow it is (env VIDEOFLOW_STATE_DIR)")
    .option(...KUBECONFIG_OPTION)
    .option(...CONTEXT_OPTION)
    .action(async (place: string, flags: LetterFlags) => done(await (await import("./dead-letters.js")).list(place, flags, world)));
  letters
    .command("show")
    .summary("show one letter: its messages and the error with its stack")
    .argument("<id>", "an ID of the list, or its end: node.position.index")
    .option("--dir <place>", "the folder, or the name of the flow (default: the working directory)")
    .option(...NAMESPACE_OPTION)
    .option("--state-dir <dir>", "state folder of the agent whose flow it is (env VIDEOFLOW_STATE_DIR)")
    .option(...KUBECONFIG_OPTION)
    .option(...CONTEXT_OPTION)
    .option("--json", "print one JSON object")
    .action(async (id: string, flags: LetterFlags) => done(await (await import("./dead-letters.js")).show(id, flags, world)));
  letters
    .command("retry")
    .summary("run the node alone on the inputs of letters, and keep what it gives")
    .argument("<id-or-file...>", "IDs (none with --all) and, last, the flow file, or in a cluster the name of the flow")
    .option("--all", "all letters of the folder")
    .option("--remove", "remove the letters that were processed")
    .option("--dir <place>", "the folder, or the name of the flow (default: that of the flow)")
    .option(...NAMESPACE_OPTION)
    .option("--state-dir <dir>", "state folder of the agent whose flow it is (env VIDEOFLOW_STATE_DIR)")
    .option(...KUBECONFIG_OPTION)
    .option(...CONTEXT_OPTION)
    .option("--timeout <duration>", "in a cluster: how long to wait for the end (default: 10m)")
    .option(...FLOW_OPTION)
    .option(...DEVICES_OPTION)
    .option("--shm <dir>", "folder of shared memory (default: $VIDEOFLOW_SHM, else /dev/shm)")
    .option("--json", "print one JSON object per letter")
    .action(async (words: string[], flags: RetryFlags) => done(await (await import("./dead-letters.js")).retry(words, flags, world)));
}

const LETTERS_HELP = `
A run puts them into <flow>.dead-letters, or where its --dead-letters says, an agent into its state folder: the name of a flow
finds both. <id>.json holds the messages, the error and its stack; tensors and bytes are raw files beside it. IDs are
<run>.<node>.<position>.<index>.

videoflow deadletters list <place> [--kubeconfig <file>] [--json]
videoflow deadletters show <id> [--dir <place>] [--kubeconfig <file>] [--json]
videoflow deadletters retry <id...> <flow-file> [--remove] [--dir <place>] [--devices <file>] [--shm <dir>] [--json]
videoflow deadletters retry --all <flow-file> …
videoflow deadletters retry <id...>|--all <flow> --kubeconfig <file> [--timeout <duration>] [--json]

retry starts a flow of that node alone, with one task, on the saved inputs. It cannot put the results into the run that is
over: outputs are kept in <place>/retried. In a cluster the retry is a flow <flow>-retry-… on the host that has the letters, with the
spec that is stored there; it goes when its end was read, its outputs stay on the host. A node that keeps state starts without what it had then; trace ids are new;
a consumer does again what it does, such as writing its files.`;

function addDevices(program: Command, world: World, done: Done): void {
  program
    .command("devices")
    .summary("list the GPUs that may be granted")
    .description("Lists the GPUs that may be granted to tasks, and the inference provider that really loads.")
    .option(...DEVICES_OPTION)
    .option(...ALLOW_BUSY_OPTION)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nCUDA_VISIBLE_DEVICES cuts the list down as it does for any CUDA program.")
    .action(async (flags: DeviceFlags) => done(await (await import("./devices.js")).devices(flags, world)));
}

function addDoctor(program: Command, world: World, done: Done): void {
  program
    .command("doctor")
    .summary("check this machine")
    .description("Checks what flows need: Node.js, shared memory, FFmpeg, inference, GPUs, supervision. Says how to repair what fails.")
    .option("--json", "print one JSON object")
    .action(async (flags: DeviceFlags) => done(await (await import("./doctor.js")).doctor(flags, world)));
}
