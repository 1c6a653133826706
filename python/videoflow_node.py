"""Runs one node of a VideoFlow flow that is written in Python.

The worker of the task starts this file as its child. Envelopes of the wire (docs/wire.md) come in on descriptor 3 and go
out on descriptor 4, each behind its length (uint32, little endian). Arrays are not in them: they lie in shared memory,
which this process maps. The standard library is enough; numpy is used when it is there.

A component may import this module: ``import videoflow_node`` gives Outputs, Message, allocate and context.
"""
import ctypes
import functools
import importlib
import importlib.util
import inspect
import mmap
import os
import signal
import struct
import sys
import traceback
import types

try:
    import numpy
except ImportError:
    numpy = None

FD_IN, FD_OUT = 3, 4
INLINE_BYTES = 32768  # A smaller output travels inside its envelope: cheaper than to ask for a place.
HOST = "videoflow.host.v1."
VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
VALUE = "videoflow.v1.Value"

# numpy name -> (bytes of an element, letter of the struct and array modules)
DTYPES = {
    "uint8": (1, "B"), "int8": (1, "b"), "uint16": (2, "H"), "int16": (2, "h"), "int32": (4, "i"), "uint32": (4, "I"),
    "float32": (4, "f"), "float64": (8, "d"), "int64": (8, "q"), "uint64": (8, "Q"),
}


class Outputs:
    """Zero or many outputs of one input."""

    def __init__(self, payloads):
        self.payloads = list(payloads)


class Message:
    """An output with an event time (epoch seconds) or metadata of its own."""

    def __init__(self, payload, event_ts=None, metadata=None):
        self.payload, self.event_ts, self.metadata = payload, event_ts, metadata


class Context:
    """The surroundings of the node; trace_id, seq, event_ts and metadata are those of the current input."""

    flow = run = node = trace_id = ""
    task_index = committed = seq = 0
    nb_tasks = 1
    one_task = False  # As the flow says.
    devices = ()
    event_ts = None
    metadata = {}
    output_key = None  # Partition key of the outputs of the current input.
    bytes_read = bytes_written = 0  # Through the descriptors: frames are not among them.

    # The same under the names of Videoflow's RuntimeContext.
    flow_id = property(lambda self: self.flow)
    run_id = property(lambda self: self.run)
    node_name = property(lambda self: self.node)
    replica_id = property(lambda self: self.task_index)

    @functools.cached_property
    def logger(self):
        """Writes to the log of the task."""
        return task_logger()

    def set_partition_key(self, value):
        """The outputs of this input carry the key in their metadata, as `_partition_key`."""
        self.output_key = value


context = Context()


def task_logger():
    import logging  # Not at the top: few nodes use it, and it takes a while to load.

    logger = logging.getLogger(context.node)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    return logger


# --- Protocol buffers ------------------------------------------------------------------------------------------------


def varint(value):
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def blob(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def text(field, value):
    return blob(field, value.encode())


def fields(data):
    """Yields (number, value): an int, a float or bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise ValueError("unknown wire type %d" % kind)
        yield tag >> 3, value


def read_shape(value, shape):
    if isinstance(value, int):
        shape.append(value)
        return
    at = 0
    while at < len(value):
        extent, at = read_varint(value, at)
        shape.append(extent)


# --- Values ----------------------------------------------------------------------------------------------------------


def decode(data):
    """A Value of the wire as Python objects."""
    result = None
    for field, value in fields(data):
        if field == 1:
            result = None
        elif field == 2:
            result = value
        elif field == 3:
            result = (value >> 1) ^ -(value & 1)
        elif field == 4:
            result = value.decode()
        elif field == 5:
            result = bytes(value)
        elif field == 6:
            result = bool(value)
        elif field == 7:
            result = [decode(element) for number, element in fields(value) if number == 1]
        elif field == 8:
            result = dict(decode_entry(entry) for number, entry in fields(value) if number == 1)
        elif field == 9:
            result = decode_tensor(value)
        elif field == 100:
            result = mapped(*decode_mapping(value))
    return result


def decode_entry(data):
    key, result = "", None
    for field, value in fields(data):
        if field == 1:
            key = value.decode()
        elif field == 2:
            result = decode(value)
    return key, result


def decode_tensor(data):
    shape, dtype, content = [], "", b""
    for field, value in fields(data):
        if field == 1:
            read_shape(value, shape)
        elif field == 2:
            dtype = value.decode()
        elif field == 3:
            content = value
    return array_of(bytearray(content), 0, shape, dtype)


def decode_mapping(data):
    path, offset, shape, dtype = "", 0, [], ""
    for field, value in fields(data):
        if field == 1:
            path = value.decode()
        elif field == 2:
            offset = value
        elif field == 3:
            read_shape(value, shape)
        elif field == 4:
            dtype = value.decode()
    return path, offset, shape, dtype


def encode(value):
    """Python objects as a Value of the wire. Whole numbers and floats stay apart."""
    if value is None:
        return b"\x08\x00"
    if isinstance(value, bool):
        return b"\x30\x01" if value else b"\x30\x00"
    if isinstance(value, float):
        return b"\x11" + struct.pack("<d", value)
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise OverflowError("the integer %d needs more than 64 bits" % value)
        return b"\x18" + varint((value << 1 ^ value >> 63) & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, str):
        return text(4, value)
    if isinstance(value, (bytes, bytearray)):
        return blob(5, bytes(value))
    if isinstance(value, (list, tuple)):
        return blob(7, b"".join(blob(1, encode(element)) for element in value))
    if isinstance(value, dict):
        return blob(8, encode_fields(1, value))
    if numpy is not None and isinstance(value, numpy.generic):
        return encode(value.item())
    return encode_array(value)


def encode_fields(field, mapping):
    for key in mapping:
        if not isinstance(key, str):
            raise TypeError("a dict of a message has the key %r: keys are str" % (key,))
    return b"".join(blob(field, text(1, key) + blob(2, encode(value))) for key, value in mapping.items())


def encode_array(value):
    shape, dtype, data = plain_array(value)
    for grant, mapping in grants:
        if value is grant:
            return blob(100, mapping)
    if data.nbytes < INLINE_BYTES:
        return blob(9, encode_shape(1, shape) + text(2, dtype) + blob(3, data.tobytes()))
    place = ask(shape, dtype)
    if place is None:
        return blob(9, encode_shape(1, shape) + text(2, dtype) + blob(3, data.tobytes()))
    path, offset = place
    copy_to(path, offset, data)
    return blob(100, encode_mapping(path, offset, shape, dtype))


def encode_shape(field, shape):
    return blob(field, b"".join(varint(extent) for extent in shape)) if len(shape) else b""


def encode_mapping(path, offset, shape, dtype):
    return text(1, path) + b"\x10" + varint(offset) + encode_shape(3, shape) + text(4, dtype)


def plain_array(value):
    """@returns shape, numpy name of the elements, and a contiguous numpy array or memoryview."""
    if numpy is not None and isinstance(value, numpy.ndarray):
        if value.dtype == numpy.bool_:
            value = value.view(numpy.uint8)
        data = numpy.ascontiguousarray(value).reshape(value.shape)
        if data.dtype.byteorder == ">":
            data = data.astype(data.dtype.newbyteorder("<"))
        dtype = data.dtype.name
        if dtype not in DTYPES:
            raise TypeError("an array of %s cannot be sent: use astype() with one of %s" % (dtype, ", ".join(DTYPES)))
        return data.shape, dtype, data
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError("a message cannot carry a %s: use None, bool, int, float, str, bytes, list, dict or arrays" % type(value).__name__) from None
    dtype = next((name for name, (size, letter) in DTYPES.items() if size == view.itemsize and kind(letter) == kind(view.format)), None)
    if dtype is None or not view.c_contiguous:
        raise TypeError("a memoryview of format %r cannot be sent" % view.format)
    return view.shape, dtype, view


def kind(letter):
    return "f" if letter in "fd" else "u" if letter.isupper() else "i" if letter in "bhilq" else letter


# --- Shared memory ---------------------------------------------------------------------------------------------------

maps = {}  # (path, writable) -> mmap of the whole file; it is sparse, so only what is touched costs memory.


def map_file(path, end, writable):
    known = maps.get((path, writable))
    if known is not None and len(known) >= end:
        return known
    fd = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        found = mmap.mmap(fd, size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
    finally:
        os.close(fd)
    maps[path, writable] = found  # Views of an outgrown mapping keep it alive.
    return found


def mapped(path, offset, shape, dtype, writable=False):
    """The array at this place, not copied; `bytes` are copied, because they must not change."""
    if dtype == "bytes":
        return map_file(path, offset + shape[0], writable)[offset:offset + shape[0]]
    size = DTYPES[dtype][0] * count(shape)
    return array_of(map_file(path, offset + size, writable), offset, shape, dtype)


def array_of(memory, offset, shape, dtype):
    if numpy is not None:
        if count(shape) == 0:
            return numpy.zeros(shape, dtype)
        return numpy.frombuffer(memory, dtype=dtype, count=count(shape), offset=offset).reshape(shape)
    size, letter = DTYPES[dtype]
    flat = memoryview(memory)[offset:offset + size * count(shape)]
    return flat.cast(letter) if count(shape) == 0 or len(shape) < 2 else flat.cast(letter, shape)


def count(shape):
    product = 1
    for extent in shape:
        product *= extent
    return product


def copy_to(path, offset, data):
    memory = map_file(path, offset + data.nbytes, True)
    if numpy is not None:
        target = numpy.frombuffer(memory, dtype=numpy.uint8, count=data.nbytes, offset=offset)
        numpy.copyto(target, numpy.frombuffer(data, dtype=numpy.uint8))
    else:
        memoryview(memory)[offset:offset + data.nbytes] = data.cast("B")


grants = []  # (array, encoded mapping) of allocate(), for the current input.


def allocate(shape, dtype="uint8"):
    """An array in the slot of the next output: what is written into it and returned is not copied. Contents are undefined."""
    shape = tuple(shape)
    place = ask(shape, str(dtype))
    if place is None:
        return array_of(bytearray(DTYPES[str(dtype)][0] * count(shape)), 0, shape, str(dtype))
    path, offset = place
    array = mapped(path, offset, shape, str(dtype), True)
    grants.append((array, encode_mapping(path, offset, shape, str(dtype))))
    return array


def ask(shape, dtype):
    """Asks the worker for room in the slot of the next output. @returns (path, offset), or None if there is none."""
    send(HOST + "Ask", encode({"shape": [int(extent) for extent in shape], "dtype": dtype}))
    grant = receive()
    if grant is None:
        raise Stopped  # The worker is gone.
    payload = grant["payload"]
    for field, value in fields(payload):
        if field == 100:
            path, offset, _shape, _dtype = decode_mapping(value)
            return path, offset
    return None


# --- Envelopes -------------------------------------------------------------------------------------------------------

pending = []


def send(payload_type, payload, message=None, kind=1):
    """Keeps the envelope until flush_out, so that all outputs and the acknowledgement leave in one call."""
    data = b"\x08\x04\x10" + varint(kind)
    if message is not None and message.event_ts is not None:
        data += b"\x41" + struct.pack("<d", message.event_ts)
    if message is not None and message.metadata is not None:
        data += encode_fields(12, message.metadata)
    if payload_type:
        data += text(13, payload_type) + blob(14, payload)
    pending.append(struct.pack("<I", len(data)))
    pending.append(data)


def flush_out():
    data = memoryview(b"".join(pending))
    pending.clear()
    context.bytes_written += len(data)
    while len(data):
        data = data[os.write(FD_OUT, data):]


def read_exactly(size):
    chunk = os.read(FD_IN, size)
    if len(chunk) == size:
        return chunk
    data = bytearray(chunk)
    while chunk and len(data) < size:
        chunk = os.read(FD_IN, size - len(data))
        data += chunk
    return bytes(data) if len(data) == size else None


def receive():
    """The next envelope as a dict; None: the worker is gone."""
    flush_out()
    head = read_exactly(4)
    if head is None:
        return None
    data = read_exactly(struct.unpack("<I", head)[0])
    if data is None:
        return None
    context.bytes_read += 4 + len(data)
    envelope = {"type": 0, "payload_type": "", "payload": b"", "trace_id": "", "seq": 0, "event_ts": None, "metadata": {}}
    for field, value in fields(data):
        if field == 2:
            envelope["type"] = value
        elif field == 6:
            envelope["trace_id"] = value.decode()
        elif field == 7:
            envelope["seq"] = value
        elif field == 8:
            envelope["event_ts"] = value
        elif field == 12:
            key, entry = decode_entry(value)
            envelope["metadata"][key] = entry
        elif field == 13:
            envelope["payload_type"] = value.decode()
        elif field == 14:
            envelope["payload"] = value
    return envelope


def send_outputs(result):
    """None filters the input out; a generator gives many outputs, as Outputs does."""
    if result is None:
        return
    many = result.payloads if isinstance(result, Outputs) else result if inspect.isgenerator(result) else (result,)
    for output in many:
        message = output if isinstance(output, Message) else Message(output)
        send(VALUE, encode(message.payload), with_key(message))


def with_key(message):
    if context.output_key is None:
        return message
    return Message(message.payload, message.event_ts, dict(message.metadata or {}, _partition_key=context.output_key))


def send_failure(stage, error):
    pending.clear()
    stack = error.__traceback__
    while stack is not None and stack.tb_frame.f_code.co_filename == __file__:
        stack = stack.tb_next  # The user's part of the stack.
    lines = traceback.format_exception(type(error), error, stack)
    summary = summary_of(error)
    failure = {"stage": stage, "type": type(error).__name__, "message": summary, "traceback": "".join(lines)}
    if isinstance(error, Disagreement):
        failure["disagreement"] = {"what": error.what, "spec": error.spec, "found": error.found}
    send(HOST + "Failure", encode(failure))
    flush_out()


def summary_of(error):
    summary = traceback.format_exception_only(type(error), error)[-1].strip()
    if numpy is None and "memoryview" in summary:
        summary += " (arrays are memoryviews because this Python has no numpy: pip install numpy)"
    return summary


# --- Videoflow's own modules -----------------------------------------------------------------------------------------

NODE_MODULE = "videoflow.core.node"
CPU, GPU = "cpu", "gpu"


class Node:
    """Stands in for Videoflow's base class: what a class written for it calls and reads."""

    __module__ = NODE_MODULE

    def __init__(self, *_args, **_options):
        pass  # The flow names the node, its tasks and its devices.

    name = property(lambda self: context.node)

    @functools.cached_property
    def _logger(self):
        return task_logger()

    def __repr__(self):
        return context.node

    def open(self):
        pass

    def close(self):
        pass


class ProducerNode(Node):
    __module__ = NODE_MODULE

    def __init__(self, is_finite=True, **options):
        super().__init__(**options)
        self._is_finite = is_finite

    is_finite = property(lambda self: self._is_finite)


class ProcessorNode(Node):
    __module__ = NODE_MODULE
    _device_type = CPU

    def __init__(self, nb_tasks=1, device_type=CPU, **options):
        super().__init__(**options)
        self._device_type = device_type

    nb_tasks = property(lambda self: context.nb_tasks)
    device_type = property(lambda self: self._device_type)

    def change_device(self, device_type):
        if device_type not in (CPU, GPU):
            raise ValueError("Device is not one of cpu,gpu")
        self._device_type = device_type


class OneTaskProcessorNode(ProcessorNode):
    __module__ = NODE_MODULE

    def __init__(self, device_type=CPU, **options):
        super().__init__(device_type=device_type, **options)


class FunctionProcessorNode(ProcessorNode):
    __module__ = NODE_MODULE

    def __init__(self, processor_function, nb_tasks=1, device_type=CPU, **options):
        super().__init__(nb_tasks, device_type, **options)
        self._processor_function = processor_function

    def process(self, inp):
        return self._processor_function(inp)


class ConsumerNode(Node):
    __module__ = NODE_MODULE

    def __init__(self, metadata=False, **options):
        super().__init__(**options)
        self._metadata = metadata

    metadata = property(lambda self: self._metadata)


class VideoflowError(Exception):
    """Stands in for Videoflow's errors. Here each is an exception like any other: an attempt of its input."""

    def __init__(self, message="", remedy=None, **details):
        super().__init__(" ".join(filter(None, (message, remedy))))
        self.message, self.remedy, self.context = message, remedy, details


# Name to base, in the order in which they are made.
ERRORS = {
    "VideoflowRuntimeError": "VideoflowError", "PoisonMessage": "VideoflowRuntimeError", "SchemaError": "PoisonMessage",
    "TransientFailure": "VideoflowRuntimeError", "UpstreamUnavailable": "TransientFailure",
    "WorkerFatal": "VideoflowRuntimeError", "DeviceError": "WorkerFatal", "ResourceExhausted": "WorkerFatal",
}


def offer_videoflow():
    """A class written for Videoflow imports its base class; where Videoflow is not installed, these stand in for it."""
    try:
        if importlib.util.find_spec("videoflow") is not None:
            return
    except (ImportError, ValueError):
        pass
    bases = [Node, ProducerNode, ProcessorNode, OneTaskProcessorNode, FunctionProcessorNode, ConsumerNode]
    errors = {"VideoflowError": VideoflowError}
    for name, base in ERRORS.items():
        errors[name] = type(name, (errors[base],), {"__module__": "videoflow.core.errors"})
    contents = {
        "videoflow": {},
        "videoflow.core": {},
        NODE_MODULE: {base.__name__: base for base in bases},
        "videoflow.core.constants": {
            "CPU": CPU, "GPU": GPU, "DEVICE_TYPES": [CPU, GPU],
            "BATCH": "batch", "REALTIME": "realtime", "FLOW_TYPES": ["batch", "realtime"],
        },
        "videoflow.core.context": {"RuntimeContext": Context},
        "videoflow.core.errors": errors,
    }
    for name, content in contents.items():
        module = types.ModuleType(name)
        module.__path__ = []
        module.__dict__.update(content)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


# --- The node --------------------------------------------------------------------------------------------------------

METHODS = {"Producer": "next", "Processor": "process", "Consumer": "consume"}


class Disagreement(Exception):
    """The class says of itself what the flow does not."""

    def __init__(self, what, spec, found):
        super().__init__("the spec says %s %s, the class %s" % (what, spec, found))
        self.what, self.spec, self.found = what, spec, found


def load(options):
    """Imports the class and makes the node."""
    for folder in (os.getcwd(), options["folder"]):
        if folder and folder not in sys.path:
            sys.path.insert(0, folder)
    offer_videoflow()
    module = importlib.import_module(options["module"])
    if not hasattr(module, options["className"]):
        raise ImportError("module %s has no class %s" % (options["module"], options["className"]))
    node = getattr(module, options["className"])(**options["params"])
    method = METHODS[options["role"]]
    if not callable(getattr(node, method, None)):
        raise TypeError("%s has no method %s(): it is no %s" % (options["className"], method, options["role"]))
    if getattr(node, "metadata", None) is True and own(node, "metadata", None) is None:
        raise TypeError("metadata=True is not offered here: consume() gets the payload, and context.metadata is that of the input")
    if is_one_task(node) and context.nb_tasks > 1:
        raise Disagreement("nbTasks", context.nb_tasks, "OneTaskProcessorNode: add oneTask: true to the node")
    if options["role"] == "Processor":
        settle_device(node, GPU if context.devices else CPU)
    return node


def settle_device(node, device):
    """Tells the node where it runs, as Videoflow does; one that cannot run there raises."""
    if not callable(getattr(node, "change_device", None)) or getattr(node, "device_type", None) == device:
        return
    try:
        node.change_device(device)
    except Exception as error:  # noqa: BLE001 - Videoflow names no type.
        why = "%s: %s" % (type(error).__name__, error)
        if device == CPU:
            raise Disagreement("device.required", "false", "true (%s)" % why) from error
        raise Disagreement("deviceType", "GPU", "CPU (%s)" % why) from error


wanted = {}  # Name of a method -> name of the parameter by which it wants the context, or None.
loop = None  # Of the first method that was `async`.


def invoke(node, name, *inputs):
    """Calls a method of the node: with the context, if it has a parameter for it; what an `async` one promises is awaited."""
    method = getattr(node, name)
    if name not in wanted:
        wanted[name] = context_parameter(method, len(inputs))
    result = method(*inputs) if wanted[name] is None else method(*inputs, **{wanted[name]: context})
    return awaited(result) if inspect.iscoroutine(result) else result


def context_parameter(method, inputs):
    """`ctx` or `context`, unless that is the name of an input."""
    parameters = parameters_of(method)
    if parameters is None:
        return None
    places = [parameter for parameter in parameters if parameter.kind <= parameter.POSITIONAL_OR_KEYWORD]
    for parameter in parameters:
        is_place = parameter.kind == parameter.POSITIONAL_OR_KEYWORD and len(places) > inputs
        if parameter.name in ("ctx", "context") and (is_place or parameter.kind == parameter.KEYWORD_ONLY):
            return parameter.name
    return None


def parameters_of(method):
    try:
        return list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return None  # Compiled code that does not tell.


def awaited(coroutine):
    global loop
    import asyncio  # Not at the top: few nodes use it, and it takes a while to load.

    loop = loop or asyncio.new_event_loop()
    return loop.run_until_complete(coroutine)


def open_node(node):
    """open() takes nothing, `ctx` or `context`, or the context under any name without a default."""
    if not hasattr(node, "open"):
        return
    places = [p for p in parameters_of(node.open) or [] if p.kind <= p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    invoke(node, "open", *[context][: bool(places) and places[0].name not in ("ctx", "context")])


def check_devices(given):
    """A task sees exactly what it was granted; code that sets the variable would compute on a GPU of another task."""
    seen = os.environ.get(VISIBLE_DEVICES)
    if seen != given:
        raise RuntimeError("%s is %s, but the task was granted %s: take out what sets it" % (VISIBLE_DEVICES, seen, given))


ENDS = (StopIteration, StopAsyncIteration)


def pass_over(node):
    """Has a producer that starts again without a state go on behind what it gave before: by seek(), or by giving it again."""
    is_live = not own(node, "replayable", True) or not getattr(node, "is_finite", True)
    if context.committed == 0 or is_live or getattr(node, "seekable", False):
        return
    if callable(own(node, "seek", None)):
        invoke(node, "seek", context.committed)
        return
    for _ in range(context.committed):
        try:
            invoke(node, "next")
        except ENDS:
            break


def own(node, name, default):
    """What the node or its class says; what Videoflow's base classes say of it does not count."""
    if name in getattr(node, "__dict__", {}):
        return getattr(node, name)
    definer = next((base for base in type(node).__mro__ if name in vars(base)), None)
    return default if definer is None or definer.__module__ == NODE_MODULE else getattr(node, name)


def keeps_state(node):
    return callable(getattr(node, "snapshot", None)) and callable(getattr(node, "restore", None))


def is_forgetful(node):
    """It may keep something between its inputs, and cannot tell what."""
    return not keeps_state(node) and (context.one_task or is_one_task(node))


def is_one_task(node):
    return any(base.__name__ == "OneTaskProcessorNode" for base in type(node).__mro__)


def state_of(node):
    """What the node would go on from, as a Value; empty if it keeps no state."""
    if not keeps_state(node):
        return b""
    state = node.snapshot()
    if not isinstance(state, (bytes, bytearray, memoryview)):
        raise TypeError("snapshot() gave a %s: it must give bytes" % type(state).__name__)
    return encode(bytes(state))


def call(node, role, envelope):
    """One input in, its outputs out, then one acknowledgement."""
    context.trace_id, context.seq = envelope["trace_id"], envelope["seq"]
    context.event_ts, context.metadata, context.output_key = envelope["event_ts"], envelope["metadata"], None
    name = envelope["payload_type"]
    if name == HOST + "Flush":
        send_outputs(invoke(node, "flush") if hasattr(node, "flush") else None)
    elif role == "Producer":
        try:
            item = invoke(node, "next")
        except ENDS:
            send("", b"", kind=2)
            return
        send_outputs(item)
    else:
        inputs = decode(envelope["payload"])
        if getattr(node, "changes_inputs", False):
            inputs = [private(item) for item in inputs]
        if role == "Processor":
            send_outputs(invoke(node, "process", *inputs))
        else:
            invoke(node, "consume", *inputs)


def private(value):
    """A copy of all arrays in a value, for a node that changes its inputs."""
    if isinstance(value, list):
        return [private(element) for element in value]
    if isinstance(value, dict):
        return {key: private(element) for key, element in value.items()}
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.copy()
    if isinstance(value, memoryview):
        copy = memoryview(bytearray(value.tobytes()))
        return copy.cast(value.format, value.shape) if value.ndim > 1 else copy.cast(value.format)
    return value


def serve(node, role):
    """Works until it is asked to close, or the worker is gone. Each acknowledgement carries the state from there on.

    @returns whether it was asked, so that an answer is awaited.
    """
    starts = role == "Producer"
    while True:
        envelope = receive()
        if envelope is None or envelope["type"] == 2:
            return envelope is not None
        grants.clear()
        try:
            if envelope["payload_type"] == HOST + "Restore":
                node.restore(decode(envelope["payload"]))
            else:
                if starts:
                    pass_over(node)
                call(node, role, envelope)
            starts = False
            state = state_of(node)
        except Stopped:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the node threw, or that it called sys.exit(), belongs to this input.
            send_failure("call", error)
        else:
            send(HOST + "Ack", state)


def close_node(node, is_asked):
    """Whoever asked is told how it went; what broke off a call gets no answer, for it would count as the answer to that call."""
    try:
        if hasattr(node, "close"):
            invoke(node, "close")
    except BaseException as error:  # noqa: BLE001
        if is_asked:
            send_failure("close", error)
        else:
            traceback.print_exc()
    else:
        if is_asked:
            send(HOST + "Ack", b"")
            flush_out()


def die_with(parent):
    """The kernel kills this process when its worker dies, even in the middle of a call."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass
    if os.getppid() != parent:
        os._exit(0)


class Stopped(BaseException):
    """The process was asked to end, or its worker is gone."""


def stop(_signal, _frame):
    raise Stopped


def main():
    die_with(int(sys.argv[1]))
    os.set_inheritable(FD_IN, False)
    os.set_inheritable(FD_OUT, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.modules["videoflow_node"] = sys.modules["__main__"]
    first = receive()
    if first is None:
        return
    options = decode(first["payload"])
    given = os.environ.get(VISIBLE_DEVICES)
    for name in ("flow", "run", "node", "task_index", "nb_tasks", "one_task", "devices", "committed"):
        setattr(context, name, options[name])
    try:
        node = load(options)
    except BaseException as error:  # noqa: BLE001
        send_failure("load", error)
        return
    is_asked, code = False, 0
    signal.signal(signal.SIGTERM, stop)  # A blocked next() ends, and close() is still called.
    try:
        is_asked = start(node, given) and serve(node, options["role"])
    except Stopped:
        code = 143
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            close_node(node, is_asked)
        except BrokenPipeError:
            pass  # The worker is gone: nobody waits for the answer.
    sys.exit(code)


def start(node, given):
    """Opens the node. @returns whether it works; the worker knows already."""
    try:
        open_node(node)
        check_devices(given)
        state = state_of(node)
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001
        send_failure("open", error)
        return False
    send(HOST + "Ack", encode(None) if is_forgetful(node) else state)
    return True


if __name__ == "__main__":
    main()
