/**
 * Which messages of several inputs belong together by their event times, and when that is decided. Pure: no clock, no memory.
 *
 * Single inputs give at most one message to a group; a collect input gives the list of what lies within the tolerance.
 * Event times of one input are expected not to go back; what comes late starts a group of its own.
 */
import type { TimeJoinPlan } from "./plan.js";

/** A message that waits for its group. Times in whole microseconds, so that the tolerance is exact. */
export interface Pending {
  readonly input: number;
  readonly position: number;
  /** Epoch microseconds of its event. */
  readonly timeUs: number;
  /** When this task saw it first, milliseconds of the caller's clock. */
  readonly seenMs: number;
}

/** What is known of one input. */
export interface InputProgress {
  /** Highest event time seen, epoch microseconds; -Infinity before the first. */
  readonly latestUs: number;
  /** First position that was not seen. */
  readonly next: number;
  readonly ended: boolean;
  /** Its writer waits for this join to take something (batch). */
  readonly full: boolean;
  /** Silence counts from here, milliseconds; Infinity while its node has not started. */
  readonly sinceMs: number;
}

/** What the join was told, by number of input. */
export interface TimeRules {
  readonly inputs: number;
  readonly collect: ReadonlySet<number>;
  readonly toleranceUs: number;
  /** Infinity: waits for ever. */
  readonly timeoutMs: number;
  /** Single inputs that a group needs at least, once it is decided. */
  readonly quorum: number;
  readonly missing: TimeJoinPlan["missing"];
  /** Per input, who numbers its messages: positions of one source can be compared. */
  readonly sources: readonly string[];
  /** Whether a group waits until no collect input can add to its list. Realtime does not. */
  readonly waitsForLists: boolean;
}

export interface Group<P extends Pending> {
  /** Per input; undefined for what is missing and for collect inputs. */
  readonly members: readonly (P | undefined)[];
  /** The earliest of the members. */
  readonly timeUs: number;
  readonly seenMs: number;
  /** Rises with each group. */
  readonly born: number;
}

export interface Waiting<P extends Pending> {
  /** In order of time; among equals, in order of arrival. */
  readonly groups: readonly Group<P>[];
  /** Messages of collect inputs. */
  readonly lists: readonly P[];
}

export type Decision<P extends Pending> =
  | { readonly kind: "emit"; readonly group: Group<P>; readonly lists: readonly P[] }
  /** These can never be part of a group that is given out. */
  | { readonly kind: "shed"; readonly messages: readonly P[] }
  | { readonly kind: "fail"; readonly group: Group<P>; readonly missing: readonly number[] }
  /** Nothing to do before something comes, or before `dueMs`. */
  | { readonly kind: "wait"; readonly dueMs: number };

/** @returns epoch microseconds, halves to the even neighbour: the number of a group made by time. */
export function microseconds(eventTs: number): number {
  const exact = eventTs * 1e6;
  const floor = Math.floor(exact);
  const rest = exact - floor;
  if (rest !== 0.5) return Math.round(exact);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** @param inputs names of the inputs, in order. */
export function timeRules(plan: TimeJoinPlan, inputs: readonly string[], realtime: boolean): TimeRules {
  const collect = new Set(plan.collect.map((name) => inputs.indexOf(name)));
  return {
    inputs: inputs.length,
    collect,
    toleranceUs: Math.round(plan.toleranceMs * 1000),
    timeoutMs: plan.timeoutMs ?? Number.POSITIVE_INFINITY,
    quorum: plan.quorum ?? inputs.length - collect.size,
    missing: plan.missing,
    sources: plan.sources,
    waitsForLists: !realtime,
  };
}

/** A message joins the nearest group within the tolerance that lacks its input, else it starts one. */
export function place<P extends Pending>(waiting: Waiting<P>, message: P, rules: TimeRules): Waiting<P> {
  const { groups, lists } = waiting;
  if (rules.collect.has(message.input)) return { groups, lists: [...lists, message] };
  const nearest = nearestGroup(
    groups.filter((group) => group.members[message.input] === undefined),
    message,
    rules,
  );
  const others = groups.filter((group) => group !== nearest);
  return { groups: insert(others, nearest === undefined ? aGroup(message, rules, groups) : joined(nearest, message)), lists };
}

function aGroup<P extends Pending>(message: P, { inputs }: TimeRules, others: readonly Group<P>[]): Group<P> {
  const members = Array.from({ length: inputs }, (_, input) => (input === message.input ? message : undefined));
  const born = others.reduce((last, other) => Math.max(last, other.born), 0) + 1;
  return { members, timeUs: message.timeUs, seenMs: message.seenMs, born };
}

function joined<P extends Pending>(group: Group<P>, message: P): Group<P> {
  const members = group.members.map((member, input) => (input === message.input ? message : member));
  return { ...group, members, timeUs: Math.min(group.timeUs, message.timeUs) };
}

/** Among equally near ones the older. */
function nearestGroup<P extends Pending>(groups: readonly Group<P>[], message: P, { toleranceUs }: TimeRules): Group<P> | undefined {
  let nearest: Group<P> | undefined;
  let least = toleranceUs + 1;
  for (const group of groups) {
    const distance = Math.abs(group.timeUs - message.timeUs);
    if (distance >= least) continue;
    nearest = group;
    least = distance;
  }
  return nearest;
}

function insert<P extends Pending>(groups: readonly Group<P>[], group: Group<P>): readonly Group<P>[] {
  const at = groups.findIndex(({ timeUs, born }) => timeUs > group.timeUs || (timeUs === group.timeUs && born > group.born));
  return at < 0 ? [...groups, group] : groups.toSpliced(at, 0, group);
}

/** Forgets messages that are taken, or that their writer dropped. */
export function without<P extends Pending>({ groups, lists }: Waiting<P>, gone: ReadonlySet<P>): Waiting<P> {
  const kept = groups.flatMap((group) => {
    if (!group.members.some((member) => member !== undefined && gone.has(member))) return [group];
    const members = group.members.map((member) => (member !== undefined && gone.has(member) ? undefined : member));
    return members.every((member) => member === undefined) ? [] : [{ ...group, members }];
  });
  return { groups: kept, lists: lists.filter((message) => !gone.has(message)) };
}

/** What is to be done now: oldest group first. A group that cannot be decided yet holds those after it back. */
export function decide<P extends Pending>(
  waiting: Waiting<P>,
  progress: readonly InputProgress[],
  rules: TimeRules,
  nowMs: number,
): Decision<P> {
  const decision = decideIn(waiting, { progress, rules, nowMs, isStuck: false });
  if (decision.kind !== "wait" || !progress.some(({ full }) => full)) return decision;
  return decideIn(waiting, { progress, rules, nowMs, isStuck: true });
}

function decideIn<P extends Pending>(waiting: Waiting<P>, situation: Situation): Decision<P> {
  const stale = waiting.lists.filter((message) => isStale(waiting, message, situation));
  if (stale.length > 0) return { kind: "shed", messages: stale };
  for (const group of waiting.groups) {
    const decision = decideGroup(waiting, group, situation);
    if (decision !== HELD) return decision;
  }
  return { kind: "wait", dueMs: Number.POSITIVE_INFINITY };
}

/** Incomplete for good, and told to wait all the same: others may pass. */
const HELD = undefined;

interface Situation {
  readonly progress: readonly InputProgress[];
  readonly rules: TimeRules;
  readonly nowMs: number;
  /** Nothing can be done unless the inputs that wait for this join are taken as silent. */
  readonly isStuck: boolean;
}

function decideGroup<P extends Pending>(waiting: Waiting<P>, group: Group<P>, situation: Situation): Decision<P> | typeof HELD {
  const { rules, nowMs } = situation;
  const missing = missingOf(group, rules);
  const givenUp = latest(missing.map((input) => givenUpMs(group, input, situation)));
  if (givenUp > nowMs) return { kind: "wait", dueMs: givenUp };
  const present = rules.inputs - rules.collect.size - missing.length;
  if (missing.length > 0 && present < rules.quorum) return incomplete(group, missing, situation);
  const closed = rules.waitsForLists ? latest([...rules.collect].map((input) => givenUpMs(group, input, situation))) : nowMs;
  if (closed > nowMs) return { kind: "wait", dueMs: closed };
  return { kind: "emit", group, lists: waiting.lists.filter((message) => nearestGroup(waiting.groups, message, rules) === group) };
}

function incomplete<P extends Pending>(group: Group<P>, missing: readonly number[], situation: Situation): Decision<P> | typeof HELD {
  const { progress, rules, isStuck } = situation;
  const members = group.members.filter((member) => member !== undefined);
  if (rules.missing === "error") return { kind: "fail", group, missing };
  const mayStay = !isStuck && missing.some((input) => !(progress[input] as InputProgress).ended);
  return rules.missing === "wait" && mayStay ? HELD : { kind: "shed", messages: members };
}

function missingOf<P extends Pending>({ members }: Group<P>, { collect }: TimeRules): readonly number[] {
  return [...members.keys()].filter((input) => members[input] === undefined && !collect.has(input));
}

function latest(times: readonly number[]): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/** When nothing more is expected of an input for this group: at once if it has passed or ended, else after the timeout. */
function givenUpMs<P extends Pending>(group: Group<P>, input: number, situation: Situation): number {
  const { progress, rules } = situation;
  if (hasPassed(group.timeUs, input, situation)) return Number.NEGATIVE_INFINITY;
  return Math.max(group.seenMs, (progress[input] as InputProgress).sinceMs) + rules.timeoutMs;
}

function hasPassed(timeUs: number, input: number, { progress, rules, isStuck }: Situation): boolean {
  const { ended, latestUs } = progress[input] as InputProgress;
  return ended || latestUs > timeUs + rules.toleranceUs || (isStuck && isBlocked(input, progress, rules));
}

/** It, or another input of its source, is full, and it has answered all that was given out: more cannot come. */
function isBlocked(input: number, progress: readonly InputProgress[], { sources }: TimeRules): boolean {
  const { next } = progress[input] as InputProgress;
  return progress.some((other, at) => other.full && sources[at] === sources[input] && next >= other.next);
}

/** No group that is there, and none that may come, is near enough. */
function isStale<P extends Pending>(waiting: Waiting<P>, message: P, situation: Situation): boolean {
  const { progress, rules } = situation;
  if (nearestGroup(waiting.groups, message, rules) !== undefined) return false;
  return progress.every((_, input) => rules.collect.has(input) || hasPassed(message.timeUs, input, situation));
}
