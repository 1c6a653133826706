/**
 * What a host lets a flow use: components, paths below its root, values from files and Secrets.
 * Knows tasks, descriptors and the file system; must not know stores, processes or shared memory.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { FlowTask, TaskMember } from "../api/kinds.js";
import { type PathSegment, pathText, valueAt, withValueAt } from "../api/path.js";
import { type Refusal, RefusedError, type SettledTask, type TaskRules, type TaskValues } from "../api/refusal.js";
import { findSources, mapSources, sourceText, type ValueSource } from "../api/value-source.js";
import { isUrl, mapPaths, moduleFile, resolveComponent } from "../flow/component-path.js";
import { mentionsExport } from "../flow/exports.js";
import type { Describe } from "../flow/graph.js";
import { knownValueProblems } from "../flow/validate-values.js";
import type { AllowedComponents } from "./allowed-components.js";
import { flowOfLetters } from "./flow-letters.js";
import type { Access, PlaceUse } from "./place-use.js";
import { readValueFile, textOf } from "./read-value.js";
import { isBelow, presentFolder, realPlace } from "./real-place.js";
import type { Secrets } from "./secrets.js";

export interface HostRulesOptions {
  /** Name of the host, for messages. */
  readonly host: string;
  readonly describe: Describe;
  /** Nothing that a flow names may lie outside of it. Absent: relative paths begin in the working directory, and nothing is confined. */
  readonly root?: string;
  readonly allowed: AllowedComponents;
  /** Tasks would run as root, and nobody said that they may. */
  readonly isRootUnasked?: boolean;
  /** Absent: there is no cluster. */
  readonly secrets?: Secrets;
  /** Looks as the user of the tasks. Absent: tasks find out by themselves. */
  readonly reach?: Reach;
  /** Where the dead letters of a flow are kept. Absent: nobody may ask for them by the name of the flow. */
  readonly deadLettersDir?: (flow: { readonly namespace: string; readonly name: string }) => string;
}

/** Addresses that lead to other machines, never to a file of this one. */
const NETWORK = /^(https?|rtsps?|rtmps?|rtp|srt|tcp|udp|tls|mms[ht]?|s?ftp):\/\//i;
/** Variables by which a program loads code that the list of components does not name. */
const LOADS_CODE = /^(LD_.*|PYTHON.*|NODE_.*|VIDEOFLOW_.*|GCONV_PATH|OPENSSL_CONF|BASH_ENV|ENV|PATH)$/;

/** Whoever knows the user of the tasks. */
export interface Reach {
  /** For messages, such as "user camera". */
  readonly who: string;
  /** @returns which of the uses is not open to the user, by index, and the place that is in its way; undefined: all are. */
  closed(uses: readonly PlaceUse[]): Promise<Closed | undefined> | Closed | undefined;
}

export interface Closed {
  readonly use: number;
  readonly at: Access;
}

/** A use and what the spec calls it. */
interface Use extends PlaceUse {
  readonly where: Where;
}

/** By name of the Secret: the bytes of its keys. */
type SecretData = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** One value and where it is from. */
interface Known {
  readonly member: string;
  readonly path: readonly PathSegment[];
  value: string;
}

export class HostRules implements TaskRules {
  readonly #options: HostRulesOptions;

  constructor(options: HostRulesOptions) {
    this.#options = options;
  }

  refusal(task: FlowTask): Refusal | undefined | Promise<Refusal | undefined> {
    if (needsSecrets(task)) return this.#refusalAfter(task);
    try {
      this.#refuseCode(task);
      const uses: Use[] = [];
      this.#settleNow(task, NO_SECRETS, uses);
      return this.#closedAmong(uses);
    } catch (error) {
      return refusalIn(error);
    }
  }

  async #refusalAfter(task: FlowTask): Promise<Refusal | undefined> {
    try {
      const uses: Use[] = [];
      await this.#settle(task, uses);
      return await this.#closedAmong(uses);
    } catch (error) {
      return refusalIn(error);
    }
  }

  settle(task: FlowTask): Promise<SettledTask> {
    return this.#settle(task, []);
  }

  async #settle(task: FlowTask, uses: Use[]): Promise<SettledTask> {
    this.#refuseCode(task);
    const names = new Set(sourcesOf(task).flatMap(({ secretKeyRef }) => secretKeyRef?.name ?? []));
    const found = new Map<string, ReadonlyMap<string, Uint8Array>>();
    for (const name of names) found.set(name, await this.#readSecret(task, name));
    return this.#settleNow(task, found, uses);
  }

  #closedAmong(uses: readonly Use[]): Refusal | undefined | Promise<Refusal | undefined> {
    const found = uses.length === 0 ? undefined : this.#options.reach?.closed(uses);
    const told = (closed: Closed | undefined) => (closed === undefined ? undefined : this.#closedText(uses[closed.use] as Use, closed.at));
    return found instanceof Promise ? found.then(told) : told(found);
  }

  #closedText({ where, purpose, path }: Use, at: Access): Refusal {
    const who = this.#options.reach?.who;
    const verb = { r: "read", w: purpose === "make" ? "write in" : "write", x: "pass" }[at.mode];
    const place = `${at.path === path ? "" : "the folder "}${shown(at.path, where)}`;
    const fix = `let it (chown, chmod or setfacl), or name another place`;
    return this.#refused("PathClosed", where, `${who}, as whom tasks run, may not ${verb} ${place}: ${fix}`).refusal;
  }

  /** @param uses gets what the task will do with the places that it names. */
  #settleNow(task: FlowTask, secrets: SecretData, uses: Use[]): SettledTask {
    const { spec } = task;
    const root = this.#options.root ?? spec.root;
    const known: Known[] = [];
    const members = spec.members.map((member) => this.#settleMember(member, task, secrets, known, uses));
    const env = spec.env.map(({ name, value = "", valueFrom }) => {
      const at = { node: spec.node, path: `env ${name}` };
      return {
        name,
        value: valueFrom === undefined ? value : this.#value(valueFrom, task, at, secrets),
        isHidden: valueFrom !== undefined,
      };
    });
    const workingDir =
      spec.workingDir === undefined ? undefined : this.#folder(spec.workingDir, { node: spec.node, path: "workingDir" }, uses);
    const hidden = [...known, ...env.filter(({ isHidden }) => isHidden)].map(({ value }) => value);
    const values: TaskValues = { params: known, hidden };
    return {
      members,
      env: env.map(({ name, value }) => ({ name, value })),
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(root === undefined ? {} : { root }),
      ...(hidden.length === 0 ? {} : { values }),
    };
  }

  /** What may not run here at all is told before anything is looked at. */
  #refuseCode({ metadata, spec }: FlowTask): void {
    const { allowed, describe, isRootUnasked = false } = this.#options;
    if (isRootUnasked) {
      const what =
        "its agent runs as root, and in a cluster tasks do not unless that is asked for: start it as another user, with --task-user, or with --allow-root";
      throw new RefusedError({ reason: "RootNotAllowed", message: `host ${this.#options.host}: ${what}` });
    }
    for (const member of spec.members) {
      const { name, component } = member;
      if (this.#lettersDir(member, metadata.namespace) !== undefined) continue;
      const absolute = resolveComponent(component, this.#base);
      if (allowed.allows(absolute, describe(component) !== undefined)) continue;
      const what = `component ${component} is not among those that the agent allows (${allowed.text}); it would with ${allowed.remedy(component)}`;
      throw this.#refused("ComponentNotAllowed", { node: name, path: "component" }, what);
    }
    const loader = allowed.isAny ? undefined : spec.env.find(({ name }) => LOADS_CODE.test(name));
    if (loader === undefined) return;
    const what = `the variable ${loader.name} makes programs load code that the agent does not allow (${allowed.text}); it would with --allow-components any`;
    throw this.#refused("ComponentNotAllowed", { node: spec.node, path: `env ${loader.name}` }, what);
  }

  get #base(): string {
    return this.#options.root ?? process.cwd();
  }

  #settleMember(member: TaskMember, task: FlowTask, secrets: SecretData, all: Known[], uses: Use[]): TaskMember {
    const { name, component } = member;
    const places = findSources(member.params);
    const known = places.map(({ path, source }): Known => {
      const value = this.#value(source, task, { node: name, path: pathText(["params", ...path]) }, secrets);
      return { member: name, path, value };
    });
    const texts = new Map(known.map(({ path, value }) => [pathText(path), value]));
    const params = mapSources(member.params, (_, path) => texts.get(pathText(path)));
    this.#checkKnown(member, params, known);
    const letters = this.#lettersDir(member, task.metadata.namespace);
    if (letters !== undefined) return { ...member, params: { ...member.params, folder: letters } };
    const absolute = this.#absoluteParams(member, params, new Set(texts.keys()), uses);
    for (const one of known) one.value = String(valueAt(absolute, one.path));
    all.push(...known);
    const settled = known.reduce<unknown>((blank, { path }) => withValueAt(blank, path, null), absolute);
    return { ...member, component: this.#module(component, name, uses), params: settled as TaskMember["params"] };
  }

  /** Only those of the namespace. */
  #lettersDir(member: TaskMember, namespace: string): string | undefined {
    const { deadLettersDir } = this.#options;
    const flow = deadLettersDir === undefined ? undefined : flowOfLetters(member);
    return flow === undefined ? undefined : deadLettersDir?.({ namespace, name: flow });
  }

  #checkKnown({ name, component }: TaskMember, params: TaskMember["params"], known: readonly Known[]): void {
    const schema = this.#options.describe(component)?.params;
    if (schema === undefined || known.length === 0) return;
    const paths = known.map(({ path }) => path);
    const [problem] = knownValueProblems(schema, params, paths);
    if (problem === undefined) return;
    const at = { node: name, path: `params.${problem.path}` };
    throw this.#refused("ValueInvalid", at, `the value that is read for it ${problem.problem}`);
  }

  /** @param secret texts of paths of params whose value may not be told. */
  #absoluteParams(
    { name, component }: TaskMember,
    params: TaskMember["params"],
    secret: ReadonlySet<string>,
    uses: Use[],
  ): TaskMember["params"] {
    const descriptor = this.#options.describe(component);
    if (descriptor === undefined) return params;
    const { inputFiles = [], outputFiles = [], replacesOutputs = false } = descriptor;
    const absolute: Record<string, unknown> = { ...params };
    for (const param of [...inputFiles, ...outputFiles]) {
      absolute[param] = mapPaths(params[param], param, (written, at) => {
        const where = { node: name, path: `params.${at}`, ...(secret.has(at) ? { isSecret: true } : {}) };
        return inputFiles.includes(param) ? this.#input(written, where, uses) : this.#output(written, where, uses, replacesOutputs);
      });
      if (!(param in params)) delete absolute[param];
    }
    if (this.#options.root !== undefined) this.#checkAddresses(params, { node: name, secret });
    return absolute;
  }

  /** FFmpeg opens files by address too. */
  #checkAddresses(params: TaskMember["params"], { node, secret }: { readonly node: string; readonly secret: ReadonlySet<string> }): void {
    const walk = (value: unknown, path: readonly PathSegment[]): void => {
      const at = pathText(path);
      const where = { node, path: `params.${at}`, ...(secret.has(at) ? { isSecret: true } : {}) };
      if (path.at(-1) === "protocol_whitelist")
        throw this.#refused("PathNotAllowed", where, "the agent decides which protocols may be opened");
      if (typeof value === "string" && isUrl(value) && !NETWORK.test(value)) {
        const scheme = value.slice(0, value.indexOf("://"));
        const what = `addresses that begin with ${where.isSecret === true ? "this scheme" : `${scheme}://`} may lead to files outside of the agent's root`;
        throw this.#refused("PathNotAllowed", where, what);
      }
      if (typeof value === "object" && value !== null) for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
    };
    walk(params, []);
  }

  #module(component: string, node: string, uses: Use[]): string {
    const absolute = resolveComponent(component, this.#base);
    const where = { node, path: "component" };
    const file = this.#options.describe(component) === undefined ? moduleFile(absolute) : undefined;
    if (file === undefined) return absolute;
    if (kindAt(file) !== "file") throw this.#refused("FileMissing", where, `there is no file ${file}`);
    const name = absolute.slice(file.length + 1);
    if (name !== "" && isReadable(file) && !mentionsExport(readFileSync(file, "utf8"), name))
      throw this.#refused("FileMissing", where, `${file} exports no ${name}`);
    uses.push({ path: file, purpose: "read", where });
    return absolute;
  }

  #input(written: string, where: Where, uses: Use[]): string {
    const file = this.#confined(written, where);
    if (!existsSync(file)) throw this.#refused("FileMissing", where, `there is no file ${shown(file, where)}`);
    uses.push({ path: file, purpose: "read", where });
    return file;
  }

  /** @param isReplaced whether a file that is there is made anew beside its name. */
  #output(written: string, where: Where, uses: Use[], isReplaced: boolean): string {
    const file = this.#confined(written, where);
    const present = kindAt(file);
    const above = presentFolder(file);
    if (present === "folder" || kindAt(above) !== "folder")
      throw this.#refused("PathNotAllowed", where, `the file ${shown(file, where)} cannot be created`);
    const isWrittenOver = present !== undefined && !isReplaced;
    uses.push(isWrittenOver ? { path: file, purpose: "write", where } : { path: above, purpose: "make", where });
    return file;
  }

  #folder(written: string, where: Where, uses: Use[]): string {
    const folder = this.#confined(written, where);
    if (kindAt(folder) !== "folder") throw this.#refused("FileMissing", where, `there is no folder ${folder}`);
    uses.push({ path: folder, purpose: "enter", where });
    return folder;
  }

  /** Absolute, and below the root if there is one, links followed. Nothing outside of it is looked at. */
  #confined(written: string, where: Where): string {
    const { root } = this.#options;
    const path = resolve(this.#base, written);
    if (root === undefined) return path;
    const [real, realRoot] = [realPlace(path), realPlace(root)];
    if (real !== undefined && realRoot !== undefined && isBelow(real, realRoot)) return path;
    throw this.#refused(
      "PathNotAllowed",
      where,
      `${where.isSecret === true ? "the path in that value" : path} lies outside of the agent's root ${root}, or leads there`,
    );
  }

  #value(source: ValueSource, task: FlowTask, at: Where, secrets: SecretData): string {
    const tell = (reason: Refusal["reason"], what: string) => this.#refused(reason, at, what).refusal;
    if (source.file !== undefined) {
      const file = this.#confined(source.file, at);
      const real = realPlace(file);
      if (real === undefined) throw this.#refused("FileMissing", at, `there is no file ${file}`);
      return readValueFile(real, tell);
    }
    const { name, key } = source.secretKeyRef ?? { name: "", key: "" };
    const bytes = secrets.get(name)?.get(key);
    const what = sourceText(source, task.metadata.namespace);
    if (bytes === undefined) throw this.#refused("SecretMissing", at, `there is no ${what}`);
    return textOf(bytes, what, tell);
  }

  async #readSecret(task: FlowTask, name: string): Promise<ReadonlyMap<string, Uint8Array>> {
    const { secrets } = this.#options;
    const { namespace } = task.metadata;
    const where = { node: task.spec.node, path: `Secret ${namespace}/${name}` };
    if (secrets === undefined)
      throw this.#refused("SecretsUnavailable", where, "secretKeyRef is for flows of a cluster: write valueFrom: { file: PATH } here");
    const found = await secrets.read(namespace, name);
    if (found.outcome === "Found") return found.data;
    if (found.outcome === "Absent") throw this.#refused("SecretMissing", where, "there is no such Secret");
    throw this.#refused("SecretUnreadable", where, found.problem);
  }

  #refused(reason: Refusal["reason"], { node, path }: Where, what: string): RefusedError {
    return new RefusedError({ reason, message: `host ${this.#options.host}: node ${node}: ${path}: ${what}` });
  }
}

/** What a sentence speaks of. */
interface Where {
  readonly node: string;
  readonly path: string;
  /** The path itself was read from a file or Secret. */
  readonly isSecret?: boolean;
}

const NO_SECRETS: SecretData = new Map();

function shown(path: string, { isSecret = false }: Where): string {
  return isSecret ? "of the name in that value" : path;
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** What stands at a path, as far as it can be seen. */
function kindAt(path: string): "file" | "folder" | "other" | undefined {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "other";
  } catch {
    return undefined;
  }
}

function refusalIn(error: unknown): Refusal {
  if (error instanceof RefusedError) return error.refusal;
  throw error;
}

function sourcesOf({ spec }: FlowTask): ValueSource[] {
  const inParams = spec.members.flatMap(({ params }) => findSources(params).map(({ source }) => source));
  return [...inParams, ...spec.env.flatMap(({ valueFrom }) => valueFrom ?? [])];
}

function needsSecrets(task: FlowTask): boolean {
  return sourcesOf(task).some(({ secretKeyRef }) => secretKeyRef !== undefined);
}
