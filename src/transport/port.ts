/**
 * The data plane: shared-memory channels between the tasks of one flow on one host, seen from one task.
 * Knows bytes, positions, slots and doorbells. Must not know components, specs, stores or who supervises whom.
 *
 * A worker's loop, in full:
 *
 *     for (;;) {
 *       const unit = port.take();
 *       if (unit === undefined) { await port.waitForInput(); continue; }
 *       if (unit.kind === "end") break;
 *       port.attempt();                                     // counts the attempt, publishes "in user code"
 *       for (const output of await work(unit)) port.write(output);
 *       port.commit();                                      // outputs out, inputs acknowledged, in one atomic step
 *     }
 *     port.end();
 *     port.close();
 *
 * and a producer's:
 *
 *     while (!port.stopRequested) {
 *       if (!port.reserve()) { await port.waitForSpace(); continue; }
 *       port.attempt();
 *       const output = await next();                        // message number port.committed
 *       if (output is END) break;
 *       port.write(output);
 *       port.commit();
 *     }
 *     port.end();
 *     port.close();
 */
import type { DType, Tensor } from "../base/tensor.js";

/** One output of a task. Its payload is written once, into the slot that every reader then reads in place. */
export interface OutputMessage {
  readonly traceId: string;
  /** The same as ASCII, where the sender has it at hand; read during write(). */
  readonly traceText?: Uint8Array | undefined;
  /** Number of the message at its producer, from 1. */
  readonly seq: number;
  /** Epoch seconds; absent is not 0. */
  readonly eventTs?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** null, boolean, number, bigint, string, array, plain object, Uint8Array, Tensor; nested at will. */
  readonly payload: unknown;
}

/** Where a message lies: two readers of one message see the same identity. */
export interface SlotIdentity {
  /** Path of the pool file of the task that wrote it. */
  readonly pool: string;
  readonly slot: number;
  /** Bytes from the start of the pool file to the first tensor or bytes of the payload; of the message where there is none. */
  readonly offset: number;
}

/**
 * An input, viewed in the slot of its writer. Fields are decoded when first asked for and are valid until commit();
 * tensors of a released message throw MESSAGE_RELEASED, structured values are private from the start.
 */
export interface InputMessage {
  readonly traceId: string;
  readonly seq: number;
  readonly eventTs: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
  readonly slot: SlotIdentity;
  /** Tells the message from all others that this input has, had or will have in this memory; the same for every process that gets it. */
  readonly identity: string;
  readonly valid: boolean;
  /** Keeps the slot after commit(), against the buffer of its writer. @throws OperatorError RETAIN_FULL beyond 64 kept messages. */
  retain(): void;
  /** Ends one retain(). */
  release(): void;
}

/** One step of work. Inputs that were filtered out, or that cannot be joined, never reach the worker. */
export interface Unit {
  /**
   * data: inputs to process. flush: all inputs have ended, the task may give a last set of outputs (then commit()).
   * end: nothing will come any more (call end()). retire: another process of this task, or its siblings, will go on (call leave()).
   */
  readonly kind: "data" | "flush" | "end" | "retire";
  /** Number of the unit in every channel of its lineage. */
  readonly position: number;
  /**
   * Per input, in the order of the plan: its messages. One input: 1..64 messages (outputs of one input of the parent: all, or the
   * next part of them; the worker calls process() for each). A Trace join: exactly one message each. A group of one time: at most one message of each
   * input that gives no list. flush, end and retire: empty lists.
   */
  readonly inputs: readonly (readonly InputMessage[])[];
  /** Earlier attempts, by exception or by death in user code; 0 at first. */
  readonly attempts: number;
  /** Of one input with several messages: at which of them the attempt before ended. */
  readonly row: number;
  /** Set for a group that was joined by event time. */
  readonly group?: TimeGroup;
}

/** What a group of messages of one time is called. */
export interface TimeGroup {
  /** The earliest event time of its messages, those of collect inputs apart; epoch seconds. */
  readonly eventTs: number;
  /** The same in whole microseconds. */
  readonly number: number;
  /** Per input, whether it gives a list. */
  readonly lists: readonly boolean[];
}

/** What a task is doing, as published for the agent. */
export type TaskState = "none" | "opening" | "working" | "waiting-input" | "waiting-space" | "user-code" | "ended" | "retired";

export interface TaskPort {
  readonly node: string;
  readonly taskIndex: number;
  /** Commits of all incarnations of this task; for a producer the position of its next message. */
  readonly committed: number;
  /** The agent asked the flow to drain: a producer ends its stream at the next message. */
  readonly stopRequested: boolean;
  /** Producers: stopped or paused; see requestStop and requestPause. */
  readonly paused: boolean;
  /** Producers: this process is to make way for the next between two messages, and calls leave(); see requestRetire. */
  readonly retiring: boolean;

  /** Takes the next unit if there is one and its outputs have a place. Never blocks. Must not be called while a unit is in hand. */
  take(): Unit | undefined;
  /** Settles when take() is worth another look: input or space came, somebody rang, or a second passed. */
  waitForInput(): Promise<void>;

  /** Producers: whether the next message has a place. False while paused; else always true in realtime. */
  reserve(): boolean;
  /** Settles when reserve() is worth another look. */
  waitForSpace(): Promise<void>;

  /** Counts an attempt at the unit in hand, before user code runs. @returns this attempt's number, from 1. */
  attempt(): number;
  /** The attempt has come to this message of a unit that has several: should the process die now, it is known which one it was. */
  workOn(row: number): void;
  /** A message of the unit was given up: so many attempts count of the others. */
  countAnew(row: number, attempts: number): void;
  /** User code returned (also called by commit): ends the time in process(). */
  returned(): void;

  /** A tensor in the slot of the next output; contents undefined. Given to write() in a payload it is not copied. Invalid after commit(). */
  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D>;
  /**
   * Adds an output to the unit in hand; where an earlier attempt committed it, it is passed over. Call it when the port is not full.
   *
   * @throws OperatorError PAYLOAD_UNSUPPORTED, OUTPUTS_TOO_MANY (2^22), SHM_FULL.
   */
  write(message: OutputMessage): void;
  /** The next output of the unit belongs to a commit of its own: commitPart(), then wait until hasRoomForMore(). Never in realtime. */
  readonly isFull: boolean;
  /** Commits what was written so far; the inputs stay in hand, and what readers get of the position is not all of it. */
  commitPart(): void;
  /** Whether the next outputs of the unit in hand have a place. */
  hasRoomForMore(): boolean;
  /** Settles when hasRoomForMore() is worth another look. */
  waitForRoom(): Promise<void>;
  /** Outputs of the unit in hand (a producer: of the next one) that are committed already. */
  readonly outputsDone: number;
  /** Outputs that this attempt gave so far, those passed over too. */
  readonly outputIndex: number;
  /** Counts outputs as given that this attempt will not give, because their call is given up: they are committed already. */
  passOutputs(outputs: number): void;
  /** So many further calls of the unit in hand end in dead letters, which the commit counts. */
  bury(calls: number): void;
  /** Forgets the outputs written so far, keeps the unit: before another attempt. */
  discard(): void;
  /**
   * Outputs out, inputs acknowledged and state replaced, in one atomic step. No outputs: a "none" mark goes out. Units set aside
   * are acknowledged with the one in hand.
   *
   * @throws OperatorError STATE_TOO_LARGE, SHM_FULL; the unit stays in hand.
   */
  commit(options?: CommitOptions): void;
  /** A copy of the state of the last commit that carried one, by whatever incarnation; undefined if there was none. */
  readonly state: Uint8Array | undefined;
  /**
   * Puts the unit in hand aside: it is acknowledged later, by settle() or commit(), and after a death it is offered again. Its
   * messages are invalid from now on, its slots stay taken. Only for tasks without children. At flush the unit cannot be set aside.
   */
  setAside(): void;
  /** Number of units set aside. */
  readonly aside: number;
  /** Acknowledges the first `units` of those set aside, and replaces the state, in one atomic step. @throws as commit() */
  settle(units: number, options?: CommitOptions): void;
  /** Ends the stream. A producer calls it after its last commit, any other task after the unit "end". */
  end(): void;
  /** Leaves the stream open for the next incarnation; instead of end(). What is set aside is offered to it again. */
  leave(): void;
  /** Gives back a unit in hand, publishes what state there is, closes descriptors. Views stay mapped. */
  close(): void;
  /** Publishes "opening" or "working" for the agent. */
  setState(state: TaskState): void;
}

export interface CommitOptions {
  /** The state of the task once this commit counts, at most 1 MiB; absent: as it was. */
  readonly state?: Uint8Array | undefined;
}

export interface PortOptions {
  /** Inputs are private copies (the component changes them). Default false. */
  readonly private?: boolean;
  /** Overwrite freed slots with 0xDB, so that tests see use after release. Default false. */
  readonly scrub?: boolean;
  /** Outputs of one commit, at most 64, the default. */
  readonly partSize?: number;
  /** Other nodes read what this one reads: in a busy stream it looks by the clock, so that no message has to wake them all. Default false. */
  readonly naps?: boolean;
  /** Milliseconds between looks while asleep. Default 1000. */
  readonly lookMs?: number;
  /** Called at every labelled step; tests throw or kill here. */
  readonly step?: (label: string) => void;
  /** Of the plan, where somebody has told it. */
  readonly planHash?: readonly number[];
}

/** What one task published. Counters are totals over all its incarnations. */
export interface TaskStats {
  readonly node: string;
  readonly taskIndex: number;
  readonly state: TaskState;
  /** Boot clock, ms: last time something was taken, committed or written. */
  readonly lastProgressMs: number;
  readonly committed: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Through the one function that copies payload bytes. */
  readonly copiedBytes: number;
  readonly inputWaits: number;
  readonly spaceWaits: number;
  /** Doorbells that this task rang. */
  readonly rings: number;
  /** Microseconds in user code. */
  readonly processUs: number;
  /** Calls of user code by how long they took; the bounds of the buckets are PROCESS_BOUNDS_US. */
  readonly processTimes: readonly number[];
  /** Messages given up by this task because a buffer was full (realtime). */
  readonly dropped: number;
  /** Units dropped as filtered in a join. */
  readonly filtered: number;
  /** Messages given up because a later one had been delivered (realtime). */
  readonly late: number;
  readonly attempts: number;
  readonly retained: number;
  /** There is a unit that this task could take or has in hand. */
  readonly inputPending: boolean;
  /** Position in hand, undefined if none. */
  readonly inHand: number | undefined;
  /** Position that is or was in hand last, also of an incarnation that died with it; undefined for a producer. */
  readonly lastInHand: number | undefined;
}

export interface NodeStats {
  readonly node: string;
  /** Replicas now. */
  readonly tasks: number;
  readonly capacity: number;
  /** The stream of the node is ending: the number stays. */
  readonly isFinal: boolean;
}

export interface EdgeStats {
  readonly from: string;
  readonly to: string;
  /** Positions that may be unfinished at once. */
  readonly cells: number;
  /** Positions taken and not acknowledged, marks among them; one may have many messages. */
  readonly inFlight: number;
  /** Messages that the tasks of the parent gave, and marks that said "none". */
  readonly produced: number;
  readonly marksProduced: number;
  /** What became of them: worked on; given up after too many attempts; dropped by the rules of the flow; marks apart. */
  readonly acknowledged: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly marks: number;
}

/** What moves in a flow; {@link ./rest.ts} says what each means. */
export type Rest = "free" | "held" | "moving";

/** A view of the whole flow for the agent and the CLI; costs its tasks nothing. */
export interface FlowStats {
  nodes(): NodeStats[];
  /** All tasks that ever were among the replicas of their nodes. */
  tasks(): TaskStats[];
  /** One of them; undefined if it never was. */
  task(node: string, index: number): TaskStats | undefined;
  edges(): EdgeStats[];
  /** Whether anything is under way; final while producers are paused, see requestPause. */
  rest(): Rest;
  /** Slots of all pools that are not free; 0 at rest. */
  slotsInUse(): number;
  close(): void;
}
