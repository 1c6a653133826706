/**
 * Every failure this operator can report, in one table.
 *
 * Each entry says what happened (`message`), what to do (`fix`), and whether trying again can help (`retry`).
 * The work queue and the supervisor read `retry`; people read the rest. docs/errors.md lists the same codes.
 */
export const ERRORS = {
  TENSOR_SHAPE: {
    retry: "never",
    message: (d: { shape: readonly number[]; expected: number; got: number }) =>
      `a tensor of shape [${d.shape.join(", ")}] has ${d.expected} elements, but ${d.got} were given`,
    fix: "Give as many elements as the product of the shape.",
  },
  MESSAGE_RELEASED: {
    retry: "never",
    message: (d: { shape: readonly number[] }) => `the message that held this tensor of shape [${d.shape.join(", ")}] was released`,
    fix: "An input is valid until process() settles: call retain() to keep it, or copy() it.",
  },
  DATA_PLAN_INVALID: {
    retry: "never",
    message: (d: { where: string; problem: string }) => `the data plan is invalid at ${d.where}: ${d.problem}`,
    fix: "This is a mistake in the program that computed the plan: please report it with the flow.",
  },
  SHM_FULL: {
    retry: "backoff",
    message: (d: { dir: string; needBytes: number; freeBytes: number }) =>
      `shared memory at ${d.dir} is full: ${d.needBytes} more bytes are needed, ${d.freeBytes} are free`,
    fix: "Give /dev/shm more memory (docker: --shm-size), lower `buffer` of the nodes with large outputs, or name another folder.",
  },
  SHM_RESERVED: {
    retry: "backoff",
    message: (d: { needBytes: number; freeBytes: number; reservedBytes: number; flows: readonly string[] }) =>
      `the run needs ${d.needBytes} bytes of shared memory; ${d.freeBytes} are free, of which ${d.reservedBytes} are reserved by ${d.flows.join(", ")}`,
    fix: "Wait until the others have ended, lower `buffer` of the nodes with large outputs, or name another folder: --shm DIR.",
  },
  SHM_UNUSABLE: {
    retry: "never",
    message: (d: { dir: string; problem: string }) => `shared memory cannot lie in ${d.dir}: ${d.problem}`,
    fix: "Make room there or mount a tmpfs, or name another folder: --shm DIR, or VIDEOFLOW_SHM in the environment; one in memory is fastest.",
  },
  SHM_INVALID: {
    retry: "never",
    message: (d: { path: string; problem: string }) => `${d.path} is not the shared memory of this flow: ${d.problem}`,
    fix: "Start the flow anew; agent and tasks must be of the same version and hold the same plan.",
  },
  PAYLOAD_UNSUPPORTED: {
    retry: "never",
    message: (d: { path: string; found: string }) => `a message cannot carry ${d.found} at ${d.path}`,
    fix: "Send null, booleans, numbers, bigints, strings, arrays, plain objects, Uint8Array or Tensor; turn anything else into these.",
  },
  PAYLOAD_TOO_LARGE: {
    retry: "never",
    message: (d: { sizeBytes: number; limitBytes: number }) => `a message of ${d.sizeBytes} bytes exceeds the limit of ${d.limitBytes}`,
    fix: "Split the payload over several messages.",
  },
  OUTPUTS_TOO_MANY: {
    retry: "never",
    message: (d: { node: string; limit: number; reader?: string }) =>
      `node "${d.node}" gave more than ${d.limit} outputs for one input${d.reader === undefined ? "" : `; that is too many for ${d.reader}`}`,
    fix: "Return fewer outputs per input, or pack small ones into one message.",
  },
  CARRY_OVER_REFUSED: {
    retry: "never",
    message: (d: { problem: string }) => `what was committed cannot be carried over into the changed flow: ${d.problem}`,
    fix: "Run the changed flow from its start.",
  },
  REPLICAS_BUSY: {
    retry: "backoff",
    message: (d: { node: string; replicas: readonly number[] }) =>
      `the number of replicas of the partitioned node "${d.node}" cannot change while replica ${d.replicas.join(", ")} works`,
    fix: "Ask all replicas of the node to make way first, and wait until they are dead.",
  },
  RETAIN_FULL: {
    retry: "never",
    message: (d: { node: string; limit: number }) => `node "${d.node}" keeps ${d.limit} messages already`,
    fix: "Release messages that are no longer needed, or copy() what must be kept for long.",
  },
  STATE_TOO_LARGE: {
    retry: "never",
    message: (d: { node: string; sizeBytes: number; limitBytes: number }) =>
      `the state of node "${d.node}" has ${d.sizeBytes} bytes, at most ${d.limitBytes} fit into a commit`,
    fix: "Give a smaller snapshot(): keep what can be computed again out of it, or write it to a file and name the place.",
  },
  HOLDS_EXCEEDED: {
    retry: "never",
    message: (d: { node: string; holds: number }) => `node "${d.node}" holds back more than ${d.holds} inputs`,
    fix: "Raise `holds` in the class's descriptor, or settle earlier.",
  },
  JOIN_TRACE_AMBIGUOUS: {
    retry: "never",
    message: (d: { node: string; position: number; problem: string }) =>
      `join "${d.node}" cannot pair the messages at position ${d.position}: ${d.problem}`,
    fix: "Give at most one output per input, and nothing from flush(), on branches that meet again in a Trace join.",
  },
  JOIN_TIME_UNKNOWN: {
    retry: "never",
    message: (d: { node: string; input: string; position: number }) =>
      `join "${d.node}" got message ${d.position} of "${d.input}" without an event time`,
    fix: "Let its producer give event times: return a Message with the option eventTs, in epoch seconds.",
  },
  JOIN_TIME_AMBIGUOUS: {
    retry: "never",
    message: (d: { node: string; input: string; count: number }) =>
      `join "${d.node}" got ${d.count} outputs of one input from "${d.input}", but a group has one message of each input`,
    fix: "Name the input in join.collect to get lists, or give at most one output per input.",
  },
  JOIN_TIME_INCOMPLETE: {
    retry: "never",
    message: (d: { node: string; eventTs: number; missing: readonly string[] }) =>
      `join "${d.node}" has nothing from ${d.missing.join(", ")} for the event time ${d.eventTs}`,
    fix: "Widen join.toleranceMs or join.timeoutMs, set join.quorum, or write join.missing: drop.",
  },
  PARTITION_KEY_MIXED: {
    retry: "never",
    message: (d: { node: string; field: string }) => `the outputs of one input have different keys "${d.field}" for node "${d.node}"`,
    fix: "Partition by a key that all outputs of one input share, such as trace_id.",
  },
  STORE_CONFLICT: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} changed since it was read`,
    fix: "None needed: the reconciler reads the object again and retries.",
  },
  STORE_EXISTS: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} exists already`,
    fix: "Choose another name, or change the object that is there.",
  },
  STORE_GONE: {
    retry: "backoff",
    message: (d: { key: string }) => `object ${d.key} is not there`,
    fix: "None needed: the reconciler looks again.",
  },
  NAMESPACE_NOT_FOUND: {
    retry: "backoff",
    message: (d: { namespace: string; key: string }) => `the cluster has no namespace "${d.namespace}", into which ${d.key} goes`,
    fix: "Make it: kubectl create namespace NAME; kubectl apply -k manifests/install makes videoflow-system with all that it needs.",
  },
  STORE_LOCKED: {
    retry: "never",
    message: (d: { path: string; pid: number }) => `the store ${d.path} belongs to process ${d.pid}`,
    fix: "Talk to that process through its socket, stop it, or give another state directory.",
  },
  STORE_TOO_OLD: {
    retry: "backoff",
    message: (d: { version: string; oldest: string }) => `version ${d.version} is older than the oldest one that is kept, ${d.oldest}`,
    fix: "List the objects again and watch without a version.",
  },
  STORE_FULL: {
    retry: "backoff",
    message: (d: { path: string; freeBytes: number; neededBytes: number }) =>
      `nothing more can be written to ${d.path}: its disk has ${d.freeBytes} bytes free, and ${d.neededBytes} are kept for what is under way`,
    fix: "Make space on that disk; what was applied before is kept, and what was refused can then be done again.",
  },
  STORE_UNREADABLE: {
    retry: "never",
    message: (d: { path: string; problem: string }) => `the store ${d.path} cannot be read: ${d.problem}`,
    fix: "Put back a copy of the state folder, or move it away and apply the flows again; nothing in it was changed.",
  },
  RECORDS_UNREADABLE: {
    retry: "never",
    message: (d: { path: string; problem: string }) => `what the agent remembers of its tasks cannot be read: ${d.problem}`,
    fix: "Remove the folder records of the state folder and start the agent again: the tasks run on, only the history of their restarts is forgotten.",
  },
  AGENT_OPTION: {
    retry: "never",
    message: (d: { option: string; problem: string }) => `${d.option}: ${d.problem}`,
    fix: "Correct the option; videoflow agent --help tells what it takes.",
  },
  FLOW_REFUSED: {
    retry: "never",
    message: (d: { flow: string; problem: string }) => `flow "${d.flow}" was not started: ${d.problem}`,
    fix: "Put there what is missing, correct the flow, or start the agent with an option that allows it.",
  },
  AGENT_RUNNING: {
    retry: "never",
    message: (d: { stateDir: string; pid: number }) => `another agent (pid ${d.pid}) runs on the state folder ${d.stateDir}`,
    fix: "Use that one, end it first, or name another folder with --state-dir.",
  },
  AGENT_END: {
    retry: "never",
    message: (d: { problems: readonly string[] }) => `the agent has ended, but not all of it in order: ${d.problems.join("; ")}`,
    fix: "Nothing of it runs any more: mend what the text names, and start the agent again.",
  },
  STATE_DIR_UNUSABLE: {
    retry: "never",
    message: (d: { stateDir: string; problem: string }) => `the state folder ${d.stateDir} cannot be used: ${d.problem}`,
    fix: "Name a folder of this user's own with --state-dir, on a disk with free space, with a path of at most 90 characters.",
  },
  STORE_UNREACHABLE: {
    retry: "backoff",
    message: (d: { path: string }) => `nobody answers at the store ${d.path}`,
    fix: "Start the process that owns the store, or name the state folder that it uses; in a cluster, look whether the API server runs.",
  },
  STORE_REFUSED: {
    retry: "backoff",
    message: (d: { key: string; status: number; message: string }) => `the API server refuses ${d.key} (${d.status}): ${d.message}`,
    fix: "Correct what it names; where it is a permission, apply manifests/install; where a kind is unknown, apply crds/.",
  },
  LEADERSHIP_LOST: {
    retry: "never",
    message: (d: { identity: string; why: string }) => `controller ${d.identity} leads no more: ${d.why}`,
    fix: "None needed where something starts it again, as a Deployment does: it waits for its next turn.",
  },
  CLUSTER_UNKNOWN: {
    retry: "never",
    message: (d: { context: string; problem?: string }) =>
      d.problem === undefined
        ? `the kubeconfig names no cluster${d.context === "" ? "" : ` for the context "${d.context}"`}`
        : `no cluster is known: ${d.problem}`,
    fix: "Set KUBECONFIG or give --kubeconfig FILE and --context NAME; kubectl config get-contexts lists them.",
  },
  REQUEST_INVALID: {
    retry: "never",
    message: (d: { problem: string }) => `the request cannot be read: ${d.problem}`,
    fix: "Use the videoflow of the agent's version; docs/reference/agent-socket.md describes the requests.",
  },
  WRITE_REFUSED: {
    retry: "never",
    message: (d: { object: string; problem: string }) => `${d.object} cannot be written: ${d.problem}`,
    fix: "Change the object as the message says; docs/reference/agent-socket.md lists what clients may write.",
  },
  STORE_CLOSED: {
    retry: "never",
    message: (d: { operation: string }) => `the store is closed: ${d.operation} is not possible`,
    fix: "Open the store again; if it is another process's, start that process.",
  },
  ADDRESS_UNUSABLE: {
    retry: "never",
    message: (d: { address: string; problem: string }) => `nothing can be served on ${d.address}: ${d.problem}`,
    fix: "Give :PORT or ADDRESS:PORT, such as :8081 or [::1]:8081, with a port that nobody else has.",
  },
  LISTEN_REFUSED: {
    retry: "never",
    message: (d: { problem: string }) => `the metrics cannot be served: ${d.problem}`,
    fix: "Give --listen ADDRESS:PORT and --token-file with a file of mode 600: head -c 24 /dev/urandom | base64 > FILE.",
  },
  AGENT_UNREACHABLE: {
    retry: "never",
    message: (d: { socket: string; problem?: string }) =>
      `no agent answers on ${d.socket}${d.problem === undefined ? "" : `: ${d.problem}`}`,
    fix: "Start one: videoflow agent; or name its state folder with --state-dir, or a cluster with --kubeconfig. An agent serves its own user and root.",
  },
  AGENT_ONLY: {
    retry: "never",
    message: (d: { what: string }) => `${d.what} can only be asked of the agent of a machine, not of a cluster`,
    fix: "Run the command on the machine of the agent, without --kubeconfig.",
  },
  HOST_SILENT: {
    retry: "never",
    message: (d: { host: string; seconds: number }) => `the agent of host ${d.host} did not answer within ${d.seconds} s`,
    fix: "Look whether it is heard of: kubectl get vhost; its agent may be down, or cut off from the API server.",
  },
  HOST_REFUSED: {
    retry: "never",
    message: (d: { host: string; problem: string }) => `the agent of host ${d.host} does not answer: ${d.problem}`,
    fix: "Correct what it names, or ask again later.",
  },
  OBJECT_NOT_FOUND: {
    retry: "never",
    message: (d: { kind: string; name: string; namespace: string }) =>
      `there is no ${d.kind} "${d.name}"${d.namespace === "" ? "" : ` in namespace ${d.namespace}`}`,
    fix: "List what there is with videoflow get, or name another namespace with -n.",
  },
  KIND_UNKNOWN: {
    retry: "never",
    message: (d: { word: string; nearest: string }) =>
      `there is no kind "${d.word}"${d.nearest === "" ? "" : `; did you mean ${d.nearest}`}`,
    fix: "Use vf, ft, vdc, vhost, events or leases.",
  },
  COMMAND_INVALID: {
    retry: "never",
    message: (d: { problem: string }) => d.problem,
    fix: "The command's --help shows how it is used.",
  },
  JSONPATH_INVALID: {
    retry: "never",
    message: (d: { path: string; problem: string }) => `the JSONPath ${d.path} cannot be used: ${d.problem}`,
    fix: "Write it as for kubectl, such as '{.status.state}' or '{range .items[*]}{.metadata.name}{\"\\n\"}{end}'.",
  },
  SELECTOR_INVALID: {
    retry: "never",
    message: (d: { text: string }) => `the selector ${d.text} cannot be read`,
    fix: "Write it as for kubectl, such as app=a,tier!=b or 'env in (x, y)'.",
  },
  DURATION_INVALID: {
    retry: "never",
    message: (d: { text: string }) => `${d.text} is no duration`,
    fix: "Write it as 30s, 5m or 1h30m.",
  },
  WAIT_TIMEOUT: {
    retry: "never",
    message: (d: { what: string; object: string; seconds: number; now: string }) =>
      `${d.object} did not reach ${d.what} within ${d.seconds} s; now: ${d.now}`,
    fix: "Look at it with videoflow describe, or wait longer with --timeout.",
  },
  DEVICES_FILE_INVALID: {
    retry: "never",
    message: (d: { file: string; problem: string }) => `the devices file ${d.file} cannot be used: ${d.problem}`,
    fix: "Give a YAML or JSON list of { uuid: GPU-0, product: Test, memory: 8Gi }, each uuid once.",
  },
  INPUT_TYPE: {
    retry: "never",
    message: (d: { component: string; expected: string; got: string }) => `${d.component} expects ${d.expected}, but got ${d.got}`,
    fix: "Wire the node to a parent whose outputs it understands.",
  },
  PARAM_INVALID: {
    retry: "never",
    message: (d: { param: string; problem: string }) => `the param ${d.param} cannot be used: ${d.problem}`,
    fix: "Correct the param; docs/components.md lists the params of each component.",
  },
  CROP_EMPTY: {
    retry: "never",
    message: (d: { box: readonly number[]; width: number; height: number }) =>
      `the box [${d.box.join(", ")}] has no pixel inside a frame of ${d.width}x${d.height}`,
    fix: "Give x1 < x2 and y1 < y2 in pixels, inside the frame.",
  },
  MODEL_NOT_FOUND: {
    retry: "never",
    message: (d: { model: string }) => `there is no model file ${d.model}`,
    fix: "Correct the param model: a path, or an http(s) URL together with sha256.",
  },
  MODEL_UNPINNED: {
    retry: "never",
    message: (d: { model: string }) => `the model ${d.model} is a URL without a checksum`,
    fix: "Add the param sha256 (sha256sum FILE prints it), so that every task runs the same model.",
  },
  MODEL_CHECKSUM: {
    retry: "never",
    message: (d: { model: string; expected: string; got: string }) => `the model ${d.model} has sha256 ${d.got}, expected ${d.expected}`,
    fix: "Correct the param sha256, or fetch the file that it belongs to.",
  },
  MODEL_DOWNLOAD: {
    retry: "backoff",
    message: (d: { model: string; problem: string }) => `the model ${d.model} cannot be fetched: ${d.problem}`,
    fix: "Check the URL and the network, or download the file and give its path.",
  },
  MODEL_UNSUPPORTED: {
    retry: "never",
    message: (d: { model: string; problem: string }) => `the model ${d.model} cannot be used: ${d.problem}`,
    fix: "Use an ONNX file of a kind that docs/components.md lists for this component.",
  },
  FFMPEG_UNAVAILABLE: {
    retry: "never",
    message: (d: { reason: string }) => `FFmpeg could not be loaded from the package node-av: ${d.reason}`,
    fix: "Run npm ci again with optional dependencies on; prebuilt binaries exist for Linux x64 and arm64 with glibc.",
  },
  VIDEO_UNREADABLE: {
    retry: "never",
    message: (d: { path: string; reason: string }) => `video "${d.path}" cannot be read: ${d.reason}`,
    fix: "Check that the path is right and that the file is a whole video; convert it with ffmpeg if its format is unusual.",
  },
  VIDEO_TRUNCATED: {
    retry: "never",
    message: (d: { path: string; frame: number; reason: string }) => `video "${d.path}" ends early, at frame ${d.frame}: ${d.reason}`,
    fix: "Copy or record the file again; the frames before were processed. Set onError to skip to accept what is there.",
  },
  VIDEO_BROKEN: {
    retry: "never",
    message: (d: { path: string; frame: number; reason: string }) => `video "${d.path}" is broken at frame ${d.frame}: ${d.reason}`,
    fix: "Repair or copy the file again; the frames before were processed. Set onError to skip to leave broken frames out.",
  },
  VIDEO_DEVICE_UNAVAILABLE: {
    retry: "backoff",
    message: (d: { device: string; reason: string }) => `video device "${d.device}" cannot be read: ${d.reason}`,
    fix: "Plug the camera in, list cameras with ls /dev/video*, and add the user to the group video.",
  },
  VIDEO_OUTPUT_UNWRITABLE: {
    retry: "never",
    message: (d: { path: string; reason: string }) => `video "${d.path}" cannot be written: ${d.reason}`,
    fix: "Create the folder, check its permissions and free space, and use a name that ends in .mp4, .mov, .mkv, .avi or .ts.",
  },
  VIDEO_SIZE_CHANGED: {
    retry: "never",
    message: (d: { path: string; frame: number; expected: string; got: string }) =>
      `frame ${d.frame} for video "${d.path}" is ${d.got}, but the video is ${d.expected}`,
    fix: "Put a ResizeTransformer before the writer; all frames of one video have the same size.",
  },
  STREAM_LOST: {
    retry: "backoff",
    message: (d: { url: string; attempts: number; reason: string }) =>
      `stream "${d.url}" was lost and ${d.attempts} attempts to connect failed: ${d.reason}`,
    fix: "Check that the address answers, or raise maxRetries; without it the reader tries for ever.",
  },
  IMAGE_UNREADABLE: {
    retry: "never",
    message: (d: { path: string; reason: string }) => `image "${d.path}" cannot be read: ${d.reason}`,
    fix: "Replace or remove the file; jpeg, png, webp and bmp images can be read.",
  },
  IMAGE_FOLDER_EMPTY: {
    retry: "never",
    message: (d: { path: string; pattern: string }) => `folder "${d.path}" has no image that matches ${d.pattern}`,
    fix: "Check the path and the pattern; * stands for any characters and ? for one.",
  },
  FLOW_NO_RUNNER: {
    retry: "never",
    message: (d: { flow: string }) => `nothing in this process can run flow "${d.flow}"`,
    fix: 'Import Flow from "videoflow".',
  },
  FLOW_RUNNING: {
    retry: "never",
    message: (d: { flow: string }) => `flow "${d.flow}" was started already`,
    fix: "Build a new Flow to run it again.",
  },
  FLOW_INVALID: {
    retry: "never",
    message: (d: { flow: string; problems: readonly string[] }) => `flow "${d.flow}" cannot run:\n  ${d.problems.join("\n  ")}\n`,
    fix: "Change what each line says.",
  },
  FLOW_FAILED: {
    retry: "never",
    message: (d: { flow: string; reason: string; detail: string }) => `flow "${d.flow}" failed (${d.reason}): ${d.detail}`,
    fix: "Read the task's log, mend the cause and run the flow again.",
  },
  FLOW_CYCLE: {
    retry: "never",
    message: (d: { cycle: readonly string[] }) => `the flow has a cycle: ${d.cycle.join(" -> ")}`,
    fix: "Remove one edge of the cycle; a flow must be a directed acyclic graph.",
  },
  FLOW_NO_MODULE: {
    retry: "never",
    message: (d: { node: string }) => `node "${d.node}" is of a class of its own, but its flow was not built in a file`,
    fix: "Build the flow in a module: its tasks import that file.",
  },
  FLOW_MISMATCH: {
    retry: "never",
    message: (d: { module: string; node: string; expected: string; got: string }) =>
      `${d.module} builds another graph in the task of node "${d.node}" (hash ${d.got}) than it did when the flow was started (hash ${d.expected})`,
    fix: "Build the same graph every time the module is imported: no chance, no clock, no arguments.",
  },
  NODE_NOT_SERIALIZABLE: {
    retry: "never",
    message: (d: { node: string; path: string; found: string }) =>
      `node "${d.node}": ${d.path} is ${d.found}, which cannot travel to the task's process`,
    fix: "Give plain data (JSON) as params, and create the object in open().",
  },
  NODE_NOT_EXPORTED: {
    retry: "never",
    message: (d: { node: string; className: string; module: string }) =>
      `node "${d.node}": its class ${d.className} is not exported from ${d.module}, so its task could not load it`,
    fix: "Write `export` before the class.",
  },
  NODE_CLOSURE: {
    retry: "never",
    message: (d: { node: string; names: readonly string[] }) =>
      `node "${d.node}": its function uses ${d.names.join(", ")} of its surroundings, which its task would not have`,
    fix: "Pass what it needs as an input, import it inside the function, or write an exported class.",
  },
  COMPONENT_NOT_FOUND: {
    retry: "never",
    message: (d: { node: string; component: string; detail: string }) =>
      `node "${d.node}": component ${d.component} cannot be loaded: ${d.detail}`,
    fix: "Name a built-in component, <file>#<exported class>, or python:<module>:<class>.",
  },
  COMPONENT_DISAGREES: {
    retry: "never",
    message: (d: { node: string; component: string; what: string; spec: string; found: string }) =>
      `node "${d.node}": the spec says ${d.what} ${d.spec}, but ${d.component} says ${d.found}`,
    fix: "Make the spec agree with the class, or turn the flow into a spec again.",
  },
  LEASE_EXPIRED: {
    retry: "backoff",
    message: (d: { task: string }) =>
      `task ${d.task} is not started: the Lease of this host is not renewed, and its flow may move to another`,
    fix: "Restore the connection to the API server; the task starts with the next renewal.",
  },
  DEVICES_LOCKED: {
    retry: "backoff",
    message: (d: { pid: number }) => `another run (pid ${d.pid}) is still deciding about the devices of this machine`,
    fix: "Wait until it has started its flow, or stop it.",
  },
  DEVICES_NOT_HELD: {
    retry: "backoff",
    message: (d: { problem: string }) => `other runs cannot be told which devices are taken: ${d.problem}`,
    fix: "Make room in the folder of this user below $XDG_RUNTIME_DIR, else below the temporary folder, and let this user write it.",
  },
  OUTPUT_IN_USE: {
    retry: "never",
    message: (d: { path: string; flow: string }) => `the file ${d.path} is written by a run of flow "${d.flow}" that has not ended`,
    fix: "Wait until that run has ended or stop it, or give this flow another file.",
  },
  OUTPUT_UNWRITABLE: {
    retry: "never",
    message: (d: { path: string; problem: string }) => `the file ${d.path} cannot be written: ${d.problem}`,
    fix: "Name a file in a folder where this user may write.",
  },
  MEMORY_UNAVAILABLE: {
    retry: "never",
    message: (d: { flow: string; detail: string }) => `flow "${d.flow}" was not started: ${d.detail}`,
    fix: "Lower `buffer` of the nodes, free shared memory, or name a larger folder with --shm DIR.",
  },
  DEVICE_UNAVAILABLE: {
    retry: "never",
    message: (d: { flow: string; detail: string }) => `flow "${d.flow}" was not started: ${d.detail}`,
    fix: "Free or add a GPU, lower nbTasks, or use a component that can run on the CPU.",
  },
  DEVICES_DISAGREE: {
    retry: "never",
    message: (d: { node: string; granted: string; seen: string }) =>
      `node "${d.node}" was granted CUDA_VISIBLE_DEVICES=${d.granted}, but its process sees ${d.seen}`,
    fix: "Take out of the node's code, and of what it imports, what sets the variable: a task sees exactly its grant, as device 0 and on.",
  },
  DEAD_LETTER_UNKNOWN: {
    retry: "never",
    message: (d: { folder: string; id: string }) => `${d.folder} holds no single dead letter ${d.id}`,
    fix: "Take an ID of videoflow deadletters list DIR; name the folder with --dir.",
  },
  DEAD_LETTER_UNFIT: {
    retry: "never",
    message: (d: { node: string; flow: string; problem: string }) =>
      `dead letters of node "${d.node}" do not fit the flow "${d.flow}": ${d.problem}`,
    fix: "Give the flow file that the letters came from, and --flow NAME if it holds several flows.",
  },
  WIRE_INVALID: {
    retry: "never",
    message: (d: { problem: string }) => `a message of the wire cannot be read: ${d.problem}`,
    fix: "Both sides must speak envelope version 4: bring the older one up to date.",
  },
  PYTHON_MISSING: {
    retry: "never",
    message: (d: { program: string; problem: string }) => `the Python interpreter ${d.program} cannot be used: ${d.problem}`,
    fix: "Install Python 3.8 or newer (apt-get install python3), or name one in VIDEOFLOW_PYTHON.",
  },
  PYTHON_ENDED: {
    retry: "backoff",
    message: (d: { node: string; how: string }) => `the Python process of node "${d.node}" ended: ${d.how}`,
    fix: "Read the last lines of the task's log; if it was killed, look for what killed it (dmesg names the out-of-memory killer).",
  },
  KEEPER_LOST: {
    retry: "never",
    message: (_d: Record<string, never>) => "the keeper, the parent of all tasks, is gone",
    fix: "Start the flow again; if it happens twice, look for what killed the process (dmesg names the out-of-memory killer).",
  },
  KEEPER_VERSION: {
    retry: "never",
    message: (d: { expected: number; got: number }) => `the keeper speaks version ${d.got}, this program version ${d.expected}`,
    fix: "Install videoflow again: its files are of different versions.",
  },
  TASK_SPAWN: {
    retry: "backoff",
    message: (d: { id: string; problem: string }) => `the process of ${d.id} cannot be started: ${d.problem}`,
    fix: "Check workingDir of the node, the limit on processes (ulimit -u) and free memory.",
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetail<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]["message"]>[0];

/** The one error class of the operator. Match on `code`, never on the message. */
export class OperatorError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly detail: ErrorDetail<C>;

  constructor(code: C, detail: ErrorDetail<C>, options?: { cause?: unknown }) {
    const format = ERRORS[code].message as (d: ErrorDetail<C>) => string;
    const text = format(detail);
    super(`${code}: ${text}${text.endsWith("\n") ? "" : ". "}${ERRORS[code].fix}`, options);
    this.name = "OperatorError";
    this.code = code;
    this.detail = detail;
  }

  /** What to do about it: the last sentence of the message. */
  get fix(): string {
    return ERRORS[this.code].fix;
  }

  /** The message without the fix. */
  get problem(): string {
    return this.message.slice(0, this.message.length - this.fix.length).replace(/\.? $/, "");
  }

  /** False when the same input can only fail again. */
  get retryable(): boolean {
    return ERRORS[this.code].retry === "backoff";
  }
}

/** The message of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
