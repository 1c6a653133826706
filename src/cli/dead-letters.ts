/** `videoflow deadletters`: shows the inputs that no attempt could process, and runs their node on them again. */

import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDnsLabel } from "../api/dns-label.js";
import { type DeadLetter, type LetterOutput, letterIds, readLetter, readLetters, readOutputs, removeLetter } from "../base/dead-letters.js";
import { OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";
import type { AgentServices, FlowKey } from "../store/agent-services.js";
import { parseDuration } from "./age.js";
import { type ClientFlags, servicesOf, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { loadFlow, metadataIn } from "./flow-file.js";
import { retryFlow } from "./retry-flow.js";
import { renderTable } from "./table.js";
import type { Connection, FlowDocument, World } from "./world.js";

export interface LetterFlags extends ClientFlags {
  readonly dir?: string;
  readonly json?: boolean;
}

export interface RetryFlags extends LetterFlags {
  readonly all?: boolean;
  readonly remove?: boolean;
  readonly flow?: string;
  readonly devices?: string;
  readonly shm?: string;
  readonly timeout?: string;
}

/** Lines of an output that are printed whole. */
const MOST_PRINTED = 2_000;

/** @param place a folder, or the name of a flow. */
export async function list(place: string, flags: LetterFlags, world: World): Promise<ExitCode> {
  const { out } = world;
  const { json } = flags;
  const { letters } = await lettersOf(place, flags, world);
  const rows = letters.map(({ id, node, time, attempts, cause, error }) => [id, node, time, String(attempts), cause, firstLine(error)]);
  const columns = ["ID", "NODE", "TIME", "ATTEMPTS", "CAUSE", "ERROR"].map((title) => ({ title }));
  const width = out.isTTY ? out.columns : undefined;
  if (json === true) out.write(`${JSON.stringify(letters)}\n`);
  else if (rows.length === 0) world.err.write("No dead letters found.\n");
  else out.write(`${renderTable(columns, rows, width).join("\n")}\n`);
  return EXIT.success;
}

export async function show(id: string, flags: LetterFlags, world: World): Promise<ExitCode> {
  const { out } = world;
  const { dir, json } = flags;
  const { letters, where } = await lettersOf(dir ?? ".", flags, world);
  const wanted = findId(
    letters.map((letter) => letter.id),
    id,
    where,
  );
  const letter = letters.find((one) => one.id === wanted) as DeadLetter;
  out.write(json === true ? `${JSON.stringify(letter)}\n` : letterText(letter, where));
  return EXIT.success;
}

function letterText({ id, flow, node, task, time, attempts, cause, error, inputs }: DeadLetter, folder: string): string {
  const messages = inputs.map(
    ({ traceId, seq, eventTs, metadata, payload }, i) =>
      `input ${i}: ${traceId}, seq ${seq}${eventTs === undefined ? "" : `, event time ${eventTs}`}\n` +
      `  metadata ${JSON.stringify(metadata)}\n  payload  ${shortened(JSON.stringify(payload))}\n`,
  );
  const head = `${id}\n  flow ${flow}, node ${node}, task ${task}, ${time}, ${attempts} attempts, ${cause}\n  files in ${folder}\n`;
  return `${head}${messages.join("")}${error}\n`;
}

/**
 * Runs the node of some letters alone, on their inputs: here, or in the cluster whose flow it is. What it gives is kept beside the
 * letters; nothing of it comes into the run that is over.
 *
 * @param words ids and, last, the flow file; in a cluster its name will do.
 * @returns failed if some input failed again.
 */
export async function retry(words: readonly string[], flags: RetryFlags, world: World): Promise<ExitCode> {
  return (await retryAway(words, flags, world)) ?? retryHere(words, flags, world);
}

/** @returns undefined if the letters are here, or those of an agent of this machine. */
async function retryAway(words: readonly string[], flags: RetryFlags, world: World): Promise<ExitCode | undefined> {
  const last = words.at(-1) as string;
  const named = isDnsLabel(last) && !existsSync(resolve(world.cwd, last)) ? { name: last } : await metadataIn(last, world, flags.flow);
  if (named === undefined || nearFolder(flags.dir ?? named.name, world) !== undefined) return undefined;
  const whom = named.namespace === undefined || flags.namespace !== undefined ? flags : { ...flags, namespace: named.namespace };
  return withAgent(whom, world, (connection) =>
    connection.isCluster === true ? retryThere(flags.dir ?? named.name, words.slice(0, -1), flags, world, connection) : undefined,
  );
}

/** In the cluster: the flow is taken as it is stored there. */
async function retryThere(
  name: string,
  ids: readonly string[],
  flags: RetryFlags,
  world: World,
  connection: Connection,
): Promise<ExitCode> {
  const { all, remove, devices, shm, timeout = "10m" } = flags;
  if (devices !== undefined || shm !== undefined)
    throw new OperatorError("COMMAND_INVALID", { problem: "--devices and --shm are for a retry on this machine" });
  const { hostOfLetters, lettersInCluster, retryInCluster } = await import("./retry-in-cluster.js");
  if (remove === true) throw notRemovedFromAfar(connection.namespace, name, await hostOfLetters(connection, name));
  const present = await lettersInCluster(connection, name);
  const where = `flow ${connection.namespace}/${name}`;
  const known = present.map(({ id }) => id);
  const wanted = new Set(all === true ? known : ids.map((id) => findId(known, id, where)));
  if (wanted.size === 0) throw noneWanted(where, flags);
  const letters = inOrder(present.filter(({ id }) => wanted.has(id)));
  const descriptors = await world.engine.descriptors();
  const options = { describe: (component: string) => descriptors.get(component), timeoutMs: parseDuration(timeout) };
  let isDone = true;
  for (const node of new Set(letters.map((letter) => letter.node))) {
    const own = letters.filter((letter) => letter.node === node);
    const { outputs, buried, isDone: ended, problem, place } = await retryInCluster(connection, name, own, options);
    if (!ended) world.err.write(`error: ${problem}\n`);
    const outcomes = outcomesOf(own, { outputs, buried, ended });
    for (const outcome of outcomes) report(outcome, (file) => `${place}: ${file}`, flags, world);
    isDone &&= outcomes.every(({ failed }) => failed === undefined);
  }
  return isDone ? EXIT.success : EXIT.failed;
}

/** A question to a host changes nothing there, and a retry reads only. */
function notRemovedFromAfar(namespace: string, name: string, host: string): OperatorError {
  const folder = `<state folder of its agent>/dead-letters/${namespace}/${name}`;
  const problem = `the letters of ${name} lie on host ${host} and are removed there only: retry without --remove, then delete the files that begin with their ids in ${folder}`;
  return new OperatorError("COMMAND_INVALID", { problem });
}

async function retryHere(words: readonly string[], flags: RetryFlags, world: World): Promise<ExitCode> {
  const flow = await loadFlow(words.at(-1) as string, world, flags.flow);
  const { name, namespace } = flow.metadata;
  const own = namespace === undefined ? {} : { namespace };
  const folder = await folderOf(flags.dir ?? name, { ...own, ...flags }, world);
  const wanted = flags.all === true ? letterIds(folder) : words.slice(0, -1).map((id) => findLetter(folder, id));
  if (wanted.length === 0) throw noneWanted(folder, flags);
  const letters = inOrder(wanted.map((id) => readLetter(folder, id)));
  const descriptors = await world.engine.descriptors();
  const outcomes: Outcome[] = [];
  for (const node of new Set(letters.map((letter) => letter.node))) {
    const results = join(folder, "retried", `${new Date().toISOString().replaceAll(":", "")}-${node}`);
    const own = letters.filter((letter) => letter.node === node);
    const again = retryFlow(flow, own, { folder, results, describe: (component) => descriptors.get(component) });
    outcomes.push(...(await retryNode(again, own, results, flags, world)));
  }
  const done = outcomes.filter(({ failed }) => failed === undefined);
  if (flags.remove === true) for (const { id } of done) removeLetter(folder, id);
  return done.length === outcomes.length ? EXIT.success : EXIT.failed;
}

function noneWanted(folder: string, { all }: RetryFlags): OperatorError {
  return new OperatorError("DEAD_LETTER_UNKNOWN", { folder, id: all === true ? "any" : "(none given)" });
}

function inOrder(letters: readonly DeadLetter[]): DeadLetter[] {
  return letters.toSorted((a, b) => a.position - b.position || a.index - b.index);
}

async function retryNode(flow: FlowDocument, letters: readonly DeadLetter[], results: string, flags: RetryFlags, world: World) {
  makeFolder(results, 0o700);
  const { snapshot, reason, message } = await world.engine.run(flow, {
    ...(flags.devices === undefined ? {} : { devicesFile: flags.devices }),
    ...(flags.shm === undefined ? {} : { shmDir: flags.shm }),
    deadLettersDir: results,
    onSnapshot: () => {},
    onNotice: (text) => world.err.write(`${text}\n`),
  });
  const ended = snapshot.state === "Succeeded";
  if (!ended) world.err.write(`error: ${reason}: ${message}\n`);
  const outcomes = outcomesOf(letters, { outputs: readOutputs(results), buried: readLetters(results), ended });
  for (const outcome of outcomes) report(outcome, (file) => join(results, file), flags, world);
  return outcomes;
}

interface Outcome {
  readonly id: string;
  /** Why it failed again. */
  readonly failed?: string;
  readonly outputs: readonly LetterOutput[];
}

/** What a retry left. */
interface Results {
  readonly outputs: readonly LetterOutput[];
  readonly buried: readonly DeadLetter[];
  /** By itself. */
  readonly ended: boolean;
}

/** The n-th letter was the n-th message of the retry, so its position there is n. */
function outcomesOf(letters: readonly DeadLetter[], { outputs: all, buried, ended }: Results): Outcome[] {
  return letters.map(({ id }, at) => {
    const again = buried.find(({ position }) => position === at);
    const outputs = all.filter(({ name }) => name.startsWith(`${id}.output.`));
    if (again !== undefined) return { id, outputs, failed: firstLine(again.error) };
    return ended ? { id, outputs } : { id, outputs, failed: "the retry did not end" };
  });
}

/** @param placeOf a file, for people. */
function report({ id, failed, outputs }: Outcome, placeOf: (file: string) => string, { json }: RetryFlags, { out }: World): void {
  const files = outputs.map(({ name }) => placeOf(`${name}.json`));
  if (json === true) return void out.write(`${JSON.stringify({ id, ...(failed === undefined ? {} : { failed }), outputs: files })}\n`);
  if (failed !== undefined) return void out.write(`${id}: failed again: ${failed}\n`);
  out.write(`${id}: processed, ${outputs.length === 1 ? "1 output" : `${outputs.length} outputs`}\n`);
  for (const [i, { message }] of outputs.entries()) out.write(`  ${shortened(JSON.stringify(message.payload))}\n  in ${files[i]}\n`);
}

/** Letters, and where their files are. */
interface Letters {
  readonly letters: readonly DeadLetter[];
  readonly where: string;
}

async function lettersOf(place: string, flags: ClientFlags, world: World): Promise<Letters> {
  const near = nearFolder(place, world);
  if (near !== undefined) return { letters: readLetters(near), where: near };
  const away = await askAgent(place, flags, world, async (services, flow) => ({
    letters: await services.deadLetters(flow),
    where: `the dead letters of ${place} on its host`,
  }));
  return away ?? { letters: [], where: nowhere(place, world) };
}

/** A folder, or the folder of a flow's dead letters in the working directory, or where the agent of this machine keeps them. */
async function folderOf(place: string, flags: ClientFlags, world: World): Promise<string> {
  const near = nearFolder(place, world);
  return near ?? (await askAgent(place, flags, world, (services, flow) => services.deadLettersDir(flow))) ?? nowhere(place, world);
}

function nearFolder(place: string, { cwd }: World): string | undefined {
  return [place, `${place}.dead-letters`].map((path) => resolve(cwd, path)).find(isFolder);
}

function nowhere(place: string, { cwd }: World): string {
  return resolve(cwd, `${place}.dead-letters`);
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** What an agent says of a flow; undefined without an agent, unless one was named. */
async function askAgent<T>(
  name: string,
  flags: ClientFlags,
  world: World,
  ask: (services: AgentServices, flow: FlowKey) => Promise<T>,
): Promise<T | undefined> {
  if (!isDnsLabel(name)) return undefined;
  return withAgent(flags, world, (connection) => ask(servicesOf(connection, "a dead letter"), { namespace: connection.namespace, name }));
}

/** Asks an agent or a cluster; undefined without one, unless one was named. */
async function withAgent<T>(
  flags: ClientFlags,
  world: World,
  use: (connection: Connection) => Promise<T> | undefined,
): Promise<T | undefined> {
  try {
    return await withConnection(flags, world, async (connection) => use(connection));
  } catch (error) {
    const isNobody = error instanceof OperatorError && error.code === "AGENT_UNREACHABLE";
    if (isNobody && flags.stateDir === undefined) return undefined;
    throw error;
  }
}

/** A letter by its id, or by the end of it: `work.17.0`. @throws OperatorError DEAD_LETTER_UNKNOWN */
function findLetter(folder: string, id: string): string {
  return findId(letterIds(folder), id, folder);
}

/** @throws OperatorError DEAD_LETTER_UNKNOWN */
function findId(ids: readonly string[], id: string, folder: string): string {
  const found = ids.includes(id) ? [id] : ids.filter((other) => other.endsWith(`.${id}`));
  if (found.length !== 1) throw new OperatorError("DEAD_LETTER_UNKNOWN", { folder, id });
  return found[0] as string;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function shortened(text: string): string {
  return text.length <= MOST_PRINTED ? text : `${text.slice(0, MOST_PRINTED)}…`;
}
