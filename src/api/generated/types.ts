// Generated from crds/ by `npm run generate`. Do not edit.
/**
 * What the task asks for.
 */
export interface DeviceClaimSpec {
/**
 * Name of the flow.
 */
flow: string
/**
 * Identity of the run.
 */
run: string
/**
 * Name of the node.
 */
node: string
/**
 * Number of the task in its node.
 */
index: number
/**
 * Without a device the flow is refused.
 */
required: boolean
/**
 * Devices of the task.
 */
count: number
/**
 * Memory that each device must have or give.
 */
memoryMiB?: number
/**
 * Text that the product name must contain.
 */
product?: string
/**
 * Whether the device is shared by memory.
 */
sharing: ("Exclusive" | "Shared")
/**
 * How the task's environment names the devices; absent: Uuid.
 */
identifiers?: ("Uuid" | "Index")
}
/**
 * What was decided.
 */
export interface DeviceClaimStatus {
/**
 * Generation of the spec that this status speaks of.
 */
observedGeneration?: number
/**
 * The decision.
 */
reason?: ("Allocated" | "CpuFallback" | "WaitingForDevices" | "Unsatisfiable")
/**
 * What was asked, what was tried, who holds the rest.
 */
message?: string
/**
 * The granted devices. Written by the controller.
 */
allocation?: {
/**
 * Name of the Host.
 */
host: string
/**
 * Full UUIDs, in the order in which the task sees them.
 * 
 * @maxItems 64
 */
devices: string[]
/**
 * Shared grants: memory granted on each device.
 */
memoryMiB?: number
/**
 * Shared grants: None, for nothing keeps a task within its memory.
 */
isolation?: "None"
}
/**
 * Written by the agent once the task may use the devices.
 */
prepared?: boolean
}
/**
 * What the agent must run.
 */
export interface FlowTaskSpec {
/**
 * Name of the flow.
 */
flow: string
/**
 * Type of the flow.
 */
flowType: ("Batch" | "Realtime")
/**
 * Identity of the run, <flow uid>-<run number>; names the shared memory.
 */
run: string
/**
 * Number of tasks of the flow; the agent starts none before it sees all.
 */
flowTasks: number
/**
 * Name of the node or of the task group.
 */
node: string
/**
 * Number of the task in its node.
 */
index: number
/**
 * Number of tasks of the node. A task with an index beyond it is retired for good.
 */
nbTasks: number
/**
 * Name of the Host that runs the task.
 */
host: string
/**
 * Paused asks a producer to hold back. Retired asks the task to commit what it has in hand and end; it has no process until it is Running again. Stopped asks it to drain and end for good.
 */
desiredState: ("Running" | "Paused" | "Retired" | "Stopped")
/**
 * What was granted.
 */
deviceType: ("CPU" | "GPU")
/**
 * Name of the DeviceClaim that holds the task's GPUs; absent on the CPU.
 */
claim?: string
/**
 * What becomes of the process when its agent dies; absent: the agent's default.
 */
onAgentLoss?: ("Keep" | "Terminate")
/**
 * Seconds after the host's last renewed Lease at which its keeper kills the task; absent: never. Set for flows with onHostLoss Move.
 */
fenceSeconds?: number
/**
 * What the task needs of its host.
 */
resources?: {
/**
 * Cores.
 */
cpu?: number
/**
 * Memory in MiB.
 */
memoryMiB?: number
}
/**
 * The nodes that run in this process, in topological order; more than one in a task group.
 * 
 * @minItems 1
 * @maxItems 256
 */
members: {
/**
 * Name of the node.
 */
name: string
/**
 * Role of the node.
 */
role: ("Producer" | "Processor" | "Consumer")
/**
 * Built-in name, <absolute path>#Export or python:<absolute folder>#package.module:Class.
 */
component: string
/**
 * What the constructor gets.
 */
params: {
[k: string]: unknown
}
/**
 * Names of the parents, members of the group or other nodes.
 * 
 * @maxItems 64
 */
inputs: string[]
/**
 * The node keeps state between its inputs.
 */
oneTask?: boolean
}[]
/**
 * The node's part of the data plane.
 */
channels: {
/**
 * Tasks of the node that the sizes are meant for.
 */
tasks: number
/**
 * Tasks that the node may have while messages flow.
 */
capacity: number
/**
 * Output slots of each task of the node.
 */
slots: number
/**
 * Nominal bytes of a slot.
 */
slotBytes: number
/**
 * Key that assigns messages to tasks.
 */
partitionBy?: string
/**
 * How several inputs are joined.
 */
join?: "Trace"
/**
 * How several inputs are joined by event time.
 */
timeJoin?: {
/**
 * Milliseconds that events of one group may be apart.
 */
toleranceMs: number
/**
 * Milliseconds after which a group no longer waits; absent: for ever.
 */
timeoutMs?: number
/**
 * Inputs that a group needs at least; absent: all.
 */
quorum?: number
/**
 * Inputs that give lists.
 * 
 * @maxItems 64
 */
collect: string[]
/**
 * What becomes of a group without its quorum.
 */
missing: ("drop" | "wait" | "error")
/**
 * Per input, the node that numbers its messages.
 * 
 * @maxItems 64
 */
sources: string[]
}
/**
 * The channels that the node reads, in the order of its inputs.
 * 
 * @maxItems 64
 */
inputs: {
/**
 * Node that writes the channel.
 */
from: string
/**
 * Places of the channel, a power of two.
 */
cells: number
/**
 * Realtime: messages kept before the oldest is dropped.
 */
keep: number
/**
 * Realtime: channels on which a message dropped here is released.
 * 
 * @maxItems 512
 */
releases: {
/**
 * Writer of the channel.
 */
from: string
/**
 * Reader of the channel.
 */
to: string
}[]
}[]
}
/**
 * Hash of the graph that the flow's module must build again.
 */
graphHash?: string
/**
 * Folder against which relative paths were resolved.
 */
root?: string
/**
 * Working directory of the process.
 */
workingDir?: string
/**
 * Environment variables.
 * 
 * @maxItems 256
 */
env: {
/**
 * Name of the variable.
 */
name: string
/**
 * Value of the variable.
 */
value?: string
/**
 * Where the agent reads the value when it starts the process.
 */
valueFrom?: {
/**
 * A file on the host.
 */
file?: string
/**
 * A key of a Secret of the task's namespace.
 */
secretKeyRef?: {
/**
 * Name of the Secret.
 */
name: string
/**
 * Key in the data of the Secret.
 */
key: string
}
}
}[]
/**
 * Restart policy of the task.
 */
restart: {
/**
 * Whether a dead task is started again.
 */
policy: ("OnFailure" | "Never")
/**
 * Wait before the second restart in a row.
 */
initialBackoffSeconds: number
/**
 * The longest wait.
 */
maxBackoffSeconds: number
/**
 * Restarts within the window.
 */
maxRestarts: number
/**
 * The window.
 */
windowSeconds: number
}
/**
 * Further attempts at an input.
 */
retries: number
/**
 * Seconds until the task must be ready.
 */
startupDeadlineSeconds: number
/**
 * Seconds without progress before the task is replaced.
 */
progressDeadlineSeconds?: number
/**
 * Seconds between SIGTERM and SIGKILL.
 */
terminationGracePeriodSeconds: number
/**
 * Hash of everything that needs a restart of the task when it changes.
 */
templateHash: string
/**
 * Hash of the flow's data plane; a change of it needs other shared memory.
 */
layoutHash: string
}
/**
 * What the agent observed.
 */
export interface FlowTaskStatus {
/**
 * Generation of the spec that this status speaks of.
 */
observedGeneration?: number
/**
 * Where the task is. Succeeded, Failed and Stopped are final.
 */
phase?: ("Pending" | "Starting" | "Running" | "Backoff" | "Succeeded" | "Failed" | "Stopped")
/**
 * Reason of the phase.
 */
reason?: string
/**
 * The phase in a sentence.
 */
message?: string
/**
 * Identity of the process, first part: boot of the machine.
 */
bootId?: string
/**
 * Identity of the process, second part.
 */
pid?: number
/**
 * Identity of the process, third part: kernel start time in clock ticks since boot.
 */
startTime?: string
/**
 * The keeper kills this process so many seconds after the host's last renewed Lease; absent: never.
 */
fenceSeconds?: number
/**
 * How often a process took the place of one that had died; one that made way for a changed spec does not count.
 */
restarts?: number
/**
 * Of a producer: what is in flight in the run, while it holds back or no process of the run lives. Free: nothing. Held: nothing moves, but inputs are set aside. Moving: messages.
 */
rest?: ("Moving" | "Held" | "Free")
/**
 * Template of the process that was ready last; spec.templateHash once the task runs what the spec asks for.
 */
templateHash?: string
/**
 * Where the task computes: cpu, cuda, ...
 */
provider?: string
/**
 * Why it is not the wished one, and what to do.
 */
providerReason?: string
/**
 * Which of its devices vanished or cannot be read any more, and why.
 */
devicesLost?: string
/**
 * Which nodes lost their state by a restart, and what to do.
 */
stateLost?: string
/**
 * The last end of the process.
 */
lastExit?: {
/**
 * Exit code.
 */
code?: number
/**
 * Signal that ended it.
 */
signal?: string
/**
 * One word for programs.
 */
reason: string
/**
 * The error that the task reported, or its last lines.
 */
message?: string
}
/**
 * The state of the object, one condition per aspect.
 * 
 * @maxItems 16
 */
conditions?: {
/**
 * An adjective: Reachable (written by the controller).
 */
type: string
/**
 * Whether it holds.
 */
status: ("True" | "False" | "Unknown")
/**
 * One word for programs.
 */
reason: string
/**
 * A sentence for people.
 */
message: string
/**
 * Generation that the condition speaks of.
 */
observedGeneration?: number
/**
 * When status changed last.
 */
lastTransitionTime: string
}[]
}
/**
 * What the operator wants of the machine.
 */
export interface HostSpec {
/**
 * true: flows may be placed here. false: no new ones. Draining: no new ones, and those that run here move to other hosts that can take them.
 */
schedulable: (true | false | "Draining")
}
/**
 * What its agent observed.
 */
export interface HostStatus {
/**
 * Boot of the machine.
 */
bootId?: string
/**
 * Cores that tasks may use: the lesser of affinity and cgroup quota.
 */
cores?: number
/**
 * Memory of the machine.
 */
memoryMiB?: number
/**
 * Free bytes of the file system that holds shared memory.
 */
shmBytes?: number
/**
 * What guarantees that no process is left behind.
 */
containment?: ("Cgroup" | "Keeper" | "Pod")
/**
 * Where the devices were read: nvidia, static, none.
 */
provider?: string
/**
 * Why there are no devices, if so.
 */
providerMessage?: string
/**
 * The devices that may be granted, in the agent's order.
 * 
 * @maxItems 1024
 */
devices?: {
/**
 * Full UUID.
 */
uuid: string
/**
 * Index in PCI bus order.
 */
index?: number
/**
 * Product name.
 */
product: string
/**
 * Memory in MiB.
 */
memoryMiB: number
/**
 * Whether it can be granted.
 */
healthy: boolean
/**
 * Why it cannot be granted: a stranger computes on it, another run holds it, it vanished, its holder is not proved dead, or it cannot be read.
 */
reason?: ("Busy" | "Held" | "Lost" | "Quarantined" | "Unreadable")
/**
 * UUID of the GPU that a MIG instance is part of.
 */
parent?: string
/**
 * Why it cannot be granted: error, or pid, name and memory of a stranger.
 */
message?: string
}[]
/**
 * The state of the object, one condition per aspect.
 * 
 * @maxItems 16
 */
conditions?: {
/**
 * An adjective: Reachable (written by the controller; all others by the agent).
 */
type: string
/**
 * Whether it holds.
 */
status: ("True" | "False" | "Unknown")
/**
 * One word for programs.
 */
reason: string
/**
 * A sentence for people.
 */
message: string
/**
 * Generation that the condition speaks of.
 */
observedGeneration?: number
/**
 * When status changed last.
 */
lastTransitionTime: string
}[]
}
/**
 * The question. Written by who asks.
 */
export interface HostQuerySpec {
/**
 * Name of the Host whose agent answers.
 */
host: string
/**
 * What is asked: what tasks wrote, what they use, the inputs that could not be processed, what a retry of such inputs gave.
 */
service: ("Logs" | "Usage" | "DeadLetters" | "LetterOutputs")
/**
 * A flow of the same namespace; absent: all of the namespace.
 */
flow?: string
/**
 * Logs: only the tasks of this node.
 */
node?: string
/**
 * Logs: only this task of the node.
 */
index?: number
/**
 * Logs: go on when the end is reached.
 */
follow?: boolean
/**
 * Logs: those that were set aside before the present ones.
 */
previous?: boolean
/**
 * Logs: only so many of the last lines of each task.
 */
tail?: number
/**
 * Logs: only what was written so many seconds ago or later.
 */
sinceSeconds?: number
/**
 * Logs: with the time of each line.
 */
timestamps?: boolean
/**
 * Number of the last page that was read: the next one may be written. A page that nobody takes for 30 seconds ends the question.
 */
taken: number
}
/**
 * The answer, one page at a time. Written by the agent.
 */
export interface HostQueryStatus {
/**
 * Number of this page.
 */
page: number
/**
 * The items of this page: a JSON list.
 */
items?: string
/**
 * There are no more pages.
 */
isLast?: boolean
/**
 * Why there is no answer.
 */
problem?: string
}
/**
 * The graph and the wanted state.
 */
export interface VideoFlowSpec {
/**
 * Batch loses nothing and ends; in Realtime the freshest message wins and a writer never blocks. Immutable.
 */
flowType: ("Batch" | "Realtime")
/**
 * Paused holds the producers back and keeps all tasks; what is in flight flows on. Stopped ends the producers, drains what is in flight and ends the tasks and the run; Running after it begins anew.
 */
desiredState: ("Running" | "Paused" | "Stopped")
/**
 * Number of the run. Raising it runs the flow again from its start, also one that has finished.
 */
run: number
/**
 * What happens when the host cannot give the flow what it needs now.
 */
admission?: {
/**
 * Fail refuses the flow at once, Wait keeps it until devices are free. Default: Fail under `videoflow run`.
 */
policy?: ("Fail" | "Wait")
/**
 * With Wait: give up after this many seconds.
 */
timeoutSeconds?: number
}
/**
 * Labels that the host must carry, such as kubernetes.io/hostname: edge-1. Absent: any host.
 */
hostSelector?: {
[k: string]: string
}
/**
 * What becomes of the tasks when their agent dies. Keep leaves them to the keeper, which hands them to the next agent; Terminate ends them. Default: Keep under `videoflow agent`; `videoflow run` always terminates.
 */
onAgentLoss?: ("Keep" | "Terminate")
/**
 * What happens when the host of the flow is not heard of any more. Wait (the default) leaves its tasks alone until the host is back; Move has them killed there after fenceSeconds, and then runs the flow on another host.
 */
onHostLoss?: ("Wait" | "Move")
/**
 * With onHostLoss Move: the host kills the tasks so many seconds after it could last renew its Lease. Default: 30.
 */
fenceSeconds?: number
/**
 * The vertices of the graph, in any order.
 * 
 * @minItems 1
 * @maxItems 256
 */
nodes: {
/**
 * A DNS label, unique in the flow.
 */
name: string
/**
 * Producers have no inputs, consumers no outputs. Checked against the component's descriptor.
 */
role: ("Producer" | "Processor" | "Consumer")
/**
 * A built-in name (VideoFileReader), a class of a module (./file.ts#Export) or a Python class (python:package.module:Class).
 */
component: string
/**
 * What the component's constructor gets; checked against its schema. Any value may be { valueFrom: { file } } or { valueFrom: { secretKeyRef: { name, key } } }: a text that the agent reads when it starts a task.
 */
params: {
[k: string]: unknown
}
/**
 * Names of the parents, in the order of process(...inputs).
 * 
 * @maxItems 32
 */
inputs: string[]
/**
 * Number of tasks (processes) of a processor.
 */
nbTasks: number
/**
 * The component keeps state and always gets one task.
 */
oneTask: boolean
/**
 * Further inputs after which a component of your own has finished an input at the latest, from its descriptor; written by toManifest(). Sizes the channels.
 */
holds?: number
/**
 * Devices that the source code of a component of your own supports, from its descriptor; written by toManifest(). Absent: a GPU wish is believed.
 * 
 * @maxItems 2
 */
supportedDevices?: ("CPU" | "GPU")[]
/**
 * GPU is a wish: each task gets a GPU of its own while there are any, the others run on the CPU.
 */
deviceType: ("CPU" | "GPU")
/**
 * What the node's GPUs must be like.
 */
device?: {
/**
 * The node can only run on a GPU; without one the flow is refused before any process starts.
 */
required: boolean
/**
 * GPUs per task.
 */
count: number
/**
 * Memory that each GPU must have; with sharing Shared, what the task takes of it. A quantity such as 8Gi.
 */
memory?: string
/**
 * Shared lets claims share a GPU by memory; there is no isolation between them.
 */
sharing: ("Exclusive" | "Shared")
/**
 * How CUDA_VISIBLE_DEVICES names the GPUs. Uuid (the default) is safe; Index is for programs that cannot parse UUIDs.
 */
identifiers?: ("Uuid" | "Index")
/**
 * Text that the product name of the GPU must contain, such as H100; case is ignored.
 */
product?: string
}
/**
 * What each task of the node needs of its host; the flow is placed where the sum of all flows fits.
 */
resources?: {
/**
 * Cores, such as 2, 0.5 or 500m.
 */
cpu?: string
/**
 * Memory of its process tree, such as 2Gi.
 */
memory?: string
}
/**
 * How a node with several inputs brings them together.
 */
join?: {
/**
 * Trace joins the messages that come from the same message of the producer, Time those whose event times are near each other.
 */
mode: ("Trace" | "Time")
/**
 * Time: milliseconds that events of one group may be apart.
 */
toleranceMs?: number
/**
 * Time: milliseconds after which a group no longer waits for a silent input. Default: 10000 in Realtime, for ever in Batch.
 */
timeoutMs?: number
/**
 * Time: a group that waits no longer is given out if it has this many inputs, with null for the others. Default: all.
 */
quorum?: number
/**
 * Time: inputs that give a list of all their messages within the tolerance; a group is complete without them.
 * 
 * @maxItems 32
 */
collect?: string[]
/**
 * Time: what becomes of a group without its quorum. Default: drop in Realtime, wait in Batch.
 */
missing?: ("drop" | "wait" | "error")
}
/**
 * trace_id or a metadata field: all messages of one key go to one task.
 */
partitionBy?: string
/**
 * Processor nodes of one group are fused into one task (the original's TaskModuleNode).
 */
taskGroup?: string
/**
 * What happens when a task dies.
 */
restart?: {
/**
 * OnFailure starts a dead task again within its budget.
 */
policy: ("OnFailure" | "Never")
/**
 * Wait before the second restart in a row; doubles from there. The first is at once.
 */
initialBackoffSeconds: number
/**
 * The longest wait.
 */
maxBackoffSeconds: number
/**
 * Restarts within windowSeconds before the task is Failed.
 */
maxRestarts: number
/**
 * The window of maxRestarts.
 */
windowSeconds: number
}
/**
 * Further attempts at an input before it goes to the dead letters.
 */
retries: number
/**
 * Environment variables of the tasks. VF_*, CUDA_*, HIP_*, ROCR_*, GPU_DEVICE_ORDINAL, LD_PRELOAD, LD_AUDIT and NODE_OPTIONS are reserved.
 * 
 * @maxItems 256
 */
env: {
/**
 * Name of the variable.
 */
name: string
/**
 * Value of the variable.
 */
value?: string
/**
 * Where the agent reads the value when it starts a task. The value itself stands in no object.
 */
valueFrom?: {
/**
 * A file on the host, relative to the folder of the flow file or the agent's --root; its last line break is left out.
 */
file?: string
/**
 * A key of a Secret of the flow's namespace, in a cluster.
 */
secretKeyRef?: {
/**
 * Name of the Secret.
 */
name: string
/**
 * Key in the data of the Secret.
 */
key: string
}
}
}[]
/**
 * Working directory of the tasks; the folder of the manifest by default.
 */
workingDir?: string
/**
 * A task that is not ready by then is replaced.
 */
startupDeadlineSeconds: number
/**
 * A task that has input and space but makes no progress for so long is replaced. Default: off.
 */
progressDeadlineSeconds?: number
/**
 * Time between SIGTERM and SIGKILL.
 */
terminationGracePeriodSeconds: number
/**
 * Size of the output pool of each task of the node.
 */
buffer?: {
/**
 * Messages in flight behind each task; raised where less would deadlock.
 */
messages?: number
/**
 * Bytes of all of them together, for the memory budget.
 */
bytes?: number
}
}[]
}
/**
 * What the controller observed.
 */
export interface VideoFlowStatus {
/**
 * Generation of the spec that this status speaks of.
 */
observedGeneration?: number
/**
 * Number of the run that this status speaks of.
 */
run?: number
/**
 * Identity of that run, <uid>-<run>.
 */
runId?: string
/**
 * Why the run had to begin again from its start, such as a reboot of its host; absent if it did not.
 */
begunAgain?: string
/**
 * Since when the flow waits to start, for admission.timeoutSeconds, whoever dies meanwhile. Absent once it has started, and where nothing is timed.
 */
waiting?: {
/**
 * The moment as people tell it; counts where a controller of another boot, or of another machine, goes on.
 */
since: string
/**
 * Boot of the controller's machine.
 */
bootId: string
/**
 * The moment in milliseconds since that boot.
 */
atMs: number
}
/**
 * One word for people; programs read the conditions.
 */
state?: ("Pending" | "Running" | "Paused" | "Stopping" | "Succeeded" | "Failed" | "Stopped")
/**
 * Reason of the state.
 */
reason?: string
/**
 * The state in a sentence, with numbers.
 */
message?: string
/**
 * Ready tasks of desired tasks.
 */
ready?: string
/**
 * Tasks that are ready.
 */
readyTasks?: number
/**
 * Tasks that the spec asks for.
 */
desiredTasks?: number
/**
 * GPUs granted and asked for.
 */
devices?: string
/**
 * What the user should know although the flow runs.
 * 
 * @maxItems 1024
 */
warnings?: string[]
/**
 * Where each task was placed and why.
 * 
 * @maxItems 16384
 */
decisions?: {
/**
 * Name of the task.
 */
task: string
/**
 * What the task got.
 */
deviceType: ("CPU" | "GPU")
/**
 * UUIDs of its GPUs.
 * 
 * @maxItems 64
 */
devices: string[]
/**
 * Why.
 */
reason: string
/**
 * Why, in a sentence.
 */
message: string
}[]
/**
 * The state of the object, one condition per aspect.
 * 
 * @maxItems 16
 */
conditions?: {
/**
 * Accepted, Admitted, Ready, Degraded, Paused, Drained, Succeeded; Reconciling and Stalled for GitOps tools.
 */
type: string
/**
 * Whether it holds.
 */
status: ("True" | "False" | "Unknown")
/**
 * One word for programs.
 */
reason: string
/**
 * A sentence for people.
 */
message: string
/**
 * Generation that the condition speaks of.
 */
observedGeneration?: number
/**
 * When status changed last.
 */
lastTransitionTime: string
}[]
}
