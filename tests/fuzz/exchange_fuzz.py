#!/usr/bin/env python3
"""Imports of DLPack tensors and Arrow arrays with structures of random content, on the fake ICD or whatever device is chosen.

    exchange_fuzz.py [--seconds N | --count N] [--seed N]

Each case has a seed of its own, which is printed when the case fails: --seed N --count 1 runs it again. A case fails when the import crashes,
raises what it does not document, gives other elements than numpy finds by the same structure, or does not release what it took exactly once.

What no importer can see is left out: pointers that point to less memory than the structure says. Pointers that are NULL, sizes that are negative
and sums that overflow are all in.
"""
import argparse
import ctypes
import gc
import os
import random
import sys
import time

if os.environ.get("GPUC_BUILD_DIR"):
    sys.path.insert(0, os.path.join(os.environ["GPUC_BUILD_DIR"], "python"))

import numpy  # noqa: E402

import gpucompute  # noqa: E402

# ---- DLPack and Arrow, as their headers have them ----


class DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class Managed(ctypes.Structure):
    _fields_ = [("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
                ("flags", ctypes.c_uint64), ("tensor", DLTensor)]


class Schema(ctypes.Structure):
    pass


class ArrowArray(ctypes.Structure):
    pass


Schema._fields_ = [("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p), ("flags", ctypes.c_int64),
                   ("n_children", ctypes.c_int64), ("children", ctypes.POINTER(ctypes.POINTER(Schema))), ("dictionary", ctypes.POINTER(Schema)),
                   ("release", ctypes.c_void_p), ("private", ctypes.c_void_p)]
ArrowArray._fields_ = [("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64), ("n_buffers", ctypes.c_int64),
                       ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
                       ("children", ctypes.POINTER(ctypes.POINTER(ArrowArray))), ("dictionary", ctypes.POINTER(ArrowArray)),
                       ("release", ctypes.c_void_p), ("private", ctypes.c_void_p)]

api = ctypes.pythonapi
api.PyCapsule_New.restype, api.PyCapsule_New.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
api.PyCapsule_IsValid.restype, api.PyCapsule_IsValid.argtypes = ctypes.c_int, (ctypes.py_object, ctypes.c_char_p)
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

ROOM = 4096  # bytes of memory behind every pointer that is not NULL
ODD = [-1, -2, -2**31, 2**31 - 1, 2**31, 2**32, 2**62, 2**62 + 1, 2**63 - 1, -2**63, -2**62]
KINDS = {0: "i", 1: "u", 2: "f", 5: "c"}
ALLOWED = (BufferError, gpucompute.Error)
memory = numpy.random.default_rng(7).integers(0, 256, ROOM + 64, dtype=numpy.uint8)
MEMORY = (memory.ctypes.data + 63) // 64 * 64
memory = memory[MEMORY - memory.ctypes.data:][:ROOM]


FAKE = "fake" in gpucompute.default_device().name.lower()


class Failure(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Failure(what)


def size_of(rng):
    return rng.choice([0, 1, 1, 2, 3, 4, 5, 8]) if rng.random() < 0.93 else rng.choice(ODD)


def gone(counter, wanted, what):
    """Whether the owner's callback was called as often as it must be."""
    if len(counter) != wanted:
        gc.collect()
    require(len(counter) == wanted, f"{what}: released {len(counter)} times, must be {wanted}")


# ---- DLPack ----

class Tensor:
    def __init__(self, rng, buffer):
        self.rng, self.deleted = rng, []
        self.callback = CALLBACK(self.deleted.append)
        self.versioned = rng.random() < 0.5
        self.managed = Versioned() if self.versioned else Managed()
        if self.versioned:
            self.managed.major, self.managed.minor = rng.choice([(1, 0), (1, 0), (1, 1), (2, 0), (0, 0)])
            self.managed.flags = rng.choice([0, 0, 1, 2, 3])
        self.managed.deleter = ctypes.cast(self.callback, ctypes.c_void_p) if rng.random() < 0.95 else None
        self.has_deleter = bool(self.managed.deleter)
        t = self.tensor = self.managed.tensor
        t.device_type = rng.choice([1, 4]) if rng.random() < 0.95 else rng.choice([0, 2, 3, -1, 2**31 - 1])
        self.on_host = t.device_type != 4
        t.data = (MEMORY if self.on_host else buffer.int_ptr) if rng.random() < 0.95 else rng.choice([None, 8, 1])
        t.ndim = rng.randrange(4) if rng.random() < 0.95 else rng.choice([-1, 16, 17, 2**31 - 1, -2**31])
        t.code, t.bits = rng.choice([(0, 32), (2, 32), (1, 8), (2, 64), (2, 16), (5, 64), (6, 8), (4, 16), (0, 64)])
        if rng.random() < 0.1:
            t.code, t.bits = rng.randrange(18), rng.choice([0, 1, 8, 16, 24, 64, 80, 128, 255])
        t.lanes = 1 if rng.random() < 0.97 else rng.choice([0, 2, 65535])
        dims = min(max(t.ndim, 0), 17)
        self.item = max(t.bits // 8, 1)
        self.shape = [size_of(rng) for _ in range(dims)]
        self.keep = [(ctypes.c_int64 * 17)(*self.shape)]
        if rng.random() < 0.97:
            t.shape = ctypes.cast(self.keep[0], ctypes.POINTER(ctypes.c_int64))
        self.strides = None
        if rng.random() < 0.6:
            step, self.strides = 1, []
            for size in reversed(self.shape):
                self.strides.insert(0, rng.choice([step, -step, 0, 1, 7]) if rng.random() < 0.95 else rng.choice(ODD))
                step *= max(min(size, 16), 1)
            self.keep.append((ctypes.c_int64 * 17)(*self.strides))
            t.strides = ctypes.cast(self.keep[1], ctypes.POINTER(ctypes.c_int64))
        t.byte_offset = rng.choice([0, 0, 8, 64, 1, 1024]) if rng.random() < 0.95 else rng.choice([ROOM, ROOM - 1, 2**63, 2**64 - 1, 2**64 - 8])

    def __dlpack_device__(self):
        return self.tensor.device_type, self.tensor.device_id

    def __dlpack__(self, **options):
        if options and not self.versioned and self.rng.random() < 0.5:
            raise TypeError("from before versions")
        self.name = b"dltensor_versioned" if self.versioned else b"dltensor"
        self.capsule = api.PyCapsule_New(ctypes.addressof(self.managed), self.name, None)
        return self.capsule

    def layout(self):
        """(shape, strides in bytes, lowest byte, one past the highest) as far as the structure can be read; None where it cannot."""
        t = self.tensor
        if not 0 <= t.ndim <= 16 or (t.ndim and not t.shape) or any(size < 0 for size in self.shape):
            return None
        strides = self.strides
        if strides is None:
            strides, step = [], 1
            for size in reversed(self.shape):
                strides.insert(0, step)
                step *= size
        strides = [stride * self.item for stride in strides]
        reach = [(size - 1) * stride for size, stride in zip(self.shape, strides)]
        low = t.byte_offset + sum(r for r in reach if r < 0)
        high = t.byte_offset + sum(r for r in reach if r > 0) + self.item
        return tuple(self.shape), tuple(strides), low, high

    def dtype(self):
        t = self.tensor
        if t.lanes != 1:
            return None
        if (t.code, t.bits) == (6, 8):
            return numpy.dtype("bool")
        if t.code in KINDS and (KINDS[t.code], t.bits) in ALL_TYPES:
            return numpy.dtype(f"{KINDS[t.code]}{t.bits // 8}")
        return {(4, 16): numpy.dtype("u2"), (10, 8): numpy.dtype("u1"), (12, 8): numpy.dtype("u1")}.get((t.code, t.bits))

    def is_believed(self):
        """Nothing but the producer's word says that this memory is there."""
        if not self.on_host or not self.tensor.data:
            return False
        place = self.layout()
        if place is None or 0 in place[0]:
            return False
        low, high = place[2], place[3]
        inside = 0 <= low and high <= ROOM and self.tensor.data == MEMORY
        return not inside and self.tensor.data + low >= 0 and self.tensor.data + high < 2**63  # no address is outside of these


ALL_TYPES = {("i", 8), ("i", 16), ("i", 32), ("i", 64), ("u", 8), ("u", 16), ("u", 32), ("u", 64), ("f", 16), ("f", 32), ("f", 64), ("c", 64),
             ("c", 128)}


def dlpack(rng, buffer):
    tensor = Tensor(rng, buffer)
    if tensor.is_believed():
        return "left out"
    copy = rng.choice([None, None, None, True, False])
    try:
        array = gpucompute.from_dlpack(tensor, copy=copy)
    except ALLOWED as error:
        text = str(error)
        require(text and "\n" not in text, f"the message is not one line: {text!r}")
        del error
        array = None
    if array is not None:
        place, dtype = tensor.layout(), tensor.dtype()
        require(place is not None and dtype is not None, f"taken, but it has no meaning: {array.shape} {array.dtype}")
        require(array.shape == place[0] and array.dtype.itemsize == dtype.itemsize, f"{array.shape} {array.dtype}, must be {place[0]} {dtype}")
        if 0 not in place[0]:
            require(tensor.tensor.data and 0 <= place[2] and place[3] <= ROOM, "taken, but it reaches out of its memory")
            if numpy.prod(place[0], dtype=float) > 1e6:  # of steps of 0
                del array
                return "taken"
            wanted = numpy.ndarray(place[0], dtype, memory, tensor.tensor.byte_offset, place[1])
            # The fake's kernels for strided copies do nothing.
            moved_by_kernel = not tensor.on_host and (not wanted.flags.c_contiguous or copy)
            got = array.get()
            if array.dtype.kind == "b":  # any byte but 0 is true
                wanted, got = wanted.view("u1") != 0, got.view("u1") != 0
            require(FAKE and moved_by_kernel or got.tobytes() == wanted.tobytes(), "the elements differ")
        else:
            require(array.get().size == 0, "elements of nothing")
        shared = not tensor.on_host and copy is not True and tensor.tensor.data and 0 not in place[0]
        if shared:
            require(not tensor.deleted, "deleted while it is shared")
        del array
    used = api.PyCapsule_IsValid(tensor.capsule, b"used_" + tensor.name) if hasattr(tensor, "capsule") else False
    gone(tensor.deleted, 1 if used and tensor.has_deleter else 0, "a tensor")
    return "refused" if not used else "taken"


# ---- Arrow ----

FORMATS = [b"c", b"C", b"s", b"S", b"i", b"I", b"l", b"L", b"e", b"f", b"g", b"b"]
BAD_FORMATS = [b"", b"u", b"z", b"+w:", b"+w:-1", b"+w:x", b"+w:99999999999999999999", b"+l", b"+s", b"n", b"\xff\xfe", b"w:4", b"tdD", b"+w: 2",
               b"+w:2_0", b"+w:+2"]
ARROW_TYPES = {b"c": "i1", b"C": "u1", b"s": "i2", b"S": "u2", b"i": "i4", b"I": "u4", b"l": "i8", b"L": "u8", b"e": "f2", b"f": "f4", b"g": "f8"}


class Arrow:
    def __init__(self, rng):
        self.keep = []
        self.freed = {"schema": [], "array": []}
        depth = rng.choice([0, 0, 0, 1, 1, 2]) if rng.random() < 0.97 else rng.choice([16, 40])
        self.schema, self.array, self.nodes = None, None, []
        widths = [rng.choice([0, 1, 2, 3]) if rng.random() < 0.97 else rng.choice([2**31, 2**62, 2**40]) for _ in range(depth)]
        length = size_of(rng)
        lengths = [length]
        for width in widths:
            lengths.append(min(max(lengths[-1] * width, -2**63), 2**63 - 1))
        for level in reversed(range(depth + 1)):
            schema, array = Schema(), ArrowArray()
            schema.format = b"+w:%d" % widths[level] if level < depth else rng.choice(FORMATS)
            if rng.random() < 0.04:
                schema.format = rng.choice(BAD_FORMATS)
            if rng.random() < 0.01:
                schema.format = None
            array.length = lengths[level]
            array.offset = rng.choice([0, 0, 0, 1, 3]) if rng.random() < 0.97 else rng.choice(ODD)
            array.null_count = rng.choice([0, 0, 0, -1, 1])
            array.n_buffers = (2 if level == depth else 1) if rng.random() < 0.97 else rng.choice([0, 1, 3, -1])
            if level == depth:
                self.leaf_format = schema.format
            if level < depth:
                self.link(schema, array, rng)
            buffers = (ctypes.c_void_p * 2)()
            buffers[0] = None if rng.random() < 0.7 else ONES if rng.random() < 0.7 else MEMORY
            buffers[1] = MEMORY if rng.random() < 0.97 else None
            self.keep.append(buffers)
            if rng.random() < 0.98:
                array.buffers = ctypes.cast(buffers, ctypes.POINTER(ctypes.c_void_p))
            self.schema, self.array = schema, array
            self.nodes.insert(0, (schema, array))
        if rng.random() < 0.02:
            self.schema.dictionary = ctypes.pointer(self.nodes[-1][0])
        # Released ones have no release function.
        self.callbacks = [CALLBACK(lambda at: self.freed["schema"].append(at)), CALLBACK(lambda at: self.freed["array"].append(at))]
        self.was_released = rng.random() < 0.03
        for struct, callback in zip((self.schema, self.array), self.callbacks):
            if not self.was_released:
                struct.release = ctypes.cast(callback, ctypes.c_void_p)
        self.destructors = [CALLBACK(lambda at: self.destroy(self.schema)), CALLBACK(lambda at: self.destroy(self.array))]

    def link(self, schema, array, rng):
        for parent, child in ((schema, self.schema), (array, self.array)):
            children = (ctypes.POINTER(type(child)) * 1)()
            if rng.random() < 0.98:
                children[0] = ctypes.pointer(child)
            self.keep.append(children)
            parent.n_children = 1 if rng.random() < 0.97 else rng.choice([0, 2, -1])
            if rng.random() < 0.98:
                parent.children = ctypes.cast(children, ctypes.POINTER(ctypes.POINTER(type(child))))

    def destroy(self, struct):
        if struct.release:
            CALLBACK(struct.release)(ctypes.addressof(struct))
            struct.release = None

    def __arrow_c_array__(self, requested_schema=None):
        return (api.PyCapsule_New(ctypes.addressof(self.schema), b"arrow_schema", ctypes.cast(self.destructors[0], ctypes.c_void_p)),
                api.PyCapsule_New(ctypes.addressof(self.array), b"arrow_array", ctypes.cast(self.destructors[1], ctypes.c_void_p)))

    def expected(self):
        """The elements; None where the structure has no meaning; "believed" where the memory behind a pointer is too small."""
        shape, start, bits, total = (self.array.length,), 0, 0, 0
        meaning = not self.was_released
        for schema, array in self.nodes:
            text = schema.format or b""
            if schema.dictionary or array.offset < 0 or array.length < 0:
                meaning = False
                break
            start += array.offset
            total = 1
            for size in shape:
                total *= size
            if start + total >= 2**59:  # more bytes than there are
                meaning = False
                break
            if total and array.length < (total if array is self.array else 0):
                meaning = False
            if array.null_count and array.n_buffers > 0 and array.buffers and array.buffers[0]:
                bits = max(bits, start + total)
            if not text.startswith(b"+w:"):
                break
            width = text[3:]
            if not width.isdigit() or int(width) >= 2**63 or array.n_children != 1 or schema.n_children != 1 or not array.children or (
                    not schema.children) or not array.children[0] or not schema.children[0]:
                meaning = False
                break
            shape, start = (*shape, int(width)), start * int(width)
        else:
            meaning = False
        text = self.nodes[-1][0].format
        item = numpy.dtype(ARROW_TYPES.get(text, "u1")).itemsize
        size = (start + total) * item if text != b"b" else (start + total + 7) // 8
        if bits > ROOM * 8 or (meaning and total and size > ROOM):
            return "believed"
        return meaning


ones = numpy.full(ROOM, 255, numpy.uint8)
ONES = ones.ctypes.data


def arrow(rng, buffer):
    from gpucompute.arrow import host_array

    seed = rng.getrandbits(64)
    source = Arrow(random.Random(seed))
    expected = source.expected()
    if expected == "believed":
        return "left out"
    result = "refused"
    freed = source.freed
    try:
        values, _ = host_array(source)
    except ALLOWED as error:
        text = str(error)
        require(text and "\n" not in text, f"the message is not one line: {text!r}")
        del error
    else:
        require(expected, f"taken, but it has no meaning: {values.shape} {values.dtype}")
        if source.leaf_format in ARROW_TYPES and values.size:
            require(values.dtype == ARROW_TYPES[source.leaf_format], f"the type is {values.dtype}")
            require(not freed["array"], "released while it is used")
            require(MEMORY <= values.ctypes.data and values.ctypes.data + values.nbytes <= MEMORY + ROOM, "elements outside the memory")
        again = Arrow(random.Random(seed))  # the first has been taken
        array = gpucompute.asarray(again)
        require(array.shape == values.shape and numpy.array_equal(array.get().view("u1"), numpy.ascontiguousarray(values).view("u1"))
                if values.ndim and values.size else True, "the elements differ")
        result = "taken"
        del values, array, again
    wanted = 0 if source.was_released else 1
    gone(freed["schema"], wanted, "a schema")
    gone(freed["array"], wanted, "an array")
    return result


# ---- the loop ----

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, help="until when; without it --count")
    parser.add_argument("--count", type=int, default=3000, help="how many cases (3000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the next has one more")
    options = parser.parse_args()
    queue = gpucompute.default_queue()
    buffer = gpucompute.Buffer(ROOM, queue.context)
    queue.write(buffer, memory) if hasattr(queue, "write") else buffer.write(memory)
    begin, seed, results = time.monotonic(), options.seed, {}
    while time.monotonic() - begin < options.seconds if options.seconds else seed < options.seed + options.count:
        for case in (dlpack, arrow):
            try:
                result = case(random.Random(seed), buffer)
            except Exception as error:
                print(f"{case.__name__}: seed {seed}: {type(error).__name__}: {error}", file=sys.stderr)
                raise
            key = f"{case.__name__} {result}"
            results[key] = results.get(key, 0) + 1
        seed += 1
    print(f"{seed - options.seed} seeds in {time.monotonic() - begin:.0f} s:", ", ".join(f"{key} {count}" for key, count in sorted(results.items())))
    for key in ("dlpack taken", "dlpack refused", "arrow taken", "arrow refused"):
        require(results.get(key) or options.count < 100, f"no case is {key}")


if __name__ == "__main__":
    main()
