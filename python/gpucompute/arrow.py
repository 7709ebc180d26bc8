"""Arrow arrays, by the Arrow PyCapsule protocol: `__arrow_c_array__`."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from . import _capsule, _views
from ._library import ffi, lib
from .errors import ArgumentError

if TYPE_CHECKING:
    from .array import Array

_DTYPES = {"c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32", "l": "int64", "L": "uint64", "e": "float16",
           "f": "float32", "g": "float64"}
_FORMATS = {name: letter for letter, name in _DTYPES.items()}


# ---- taking ----

def host_array(x: Any) -> tuple[numpy.ndarray[Any, Any], bool]:
    """(a read-only numpy array over the memory of an Arrow array, without a copy; whether it is a copy after all: bools, which Arrow packs into
    bits). Fixed-size lists become dimensions. Nulls, and types that are no numbers, are errors."""
    schema_capsule, array_capsule = x.__arrow_c_array__()
    schema = _capsule.pointer(schema_capsule, "arrow_schema", "ArrowSchema *")
    array = _capsule.pointer(array_capsule, "arrow_array", "ArrowArray *")
    if schema.release == ffi.NULL or array.release == ffi.NULL:
        raise ArgumentError("the Arrow array was released already")
    shape: tuple[int, ...] = (int(array.length),)
    start = 0  # of the first value in the innermost array, without its own offset
    while True:
        if schema.dictionary != ffi.NULL:
            raise ArgumentError("the Arrow array is dictionary-encoded: decode it first (dictionary_decode() of pyarrow)")
        text = ffi.string(schema.format).decode(errors="replace") if schema.format != ffi.NULL else ""
        if array.length < 0 or array.offset < 0:
            raise ArgumentError(f"the Arrow array has the length {int(array.length)} and the offset {int(array.offset)}")
        start += int(array.offset)
        total = 1
        for size in shape:
            total *= size
        # Before anything of that size is looked for in memory. 16: the largest element.
        if (start + total) * 16 >= 2**63:
            raise ArgumentError(f"the Arrow array reaches to element {start + total}, which does not fit 63 bits")
        _refuse_nulls(array, start, total)
        if not text.startswith("+w:"):
            break
        width = _list_size(text)
        if schema.n_children != 1 or array.n_children != 1 or not (_child(schema) and _child(array)):
            raise ArgumentError(f"the Arrow array has the format {text!r} and not one child")
        shape, start = (*shape, width), start * width
        if len(shape) > 16:
            raise ArgumentError("the Arrow array has more than 15 levels of lists: 16 dimensions at most")
        schema, array = schema.children[0], array.children[0]
        # Its own length may be more than what the lists make of it, and never less.
        if total * width and array.length < start + total * width:
            raise ArgumentError(f"the Arrow array's lists hold {start + total * width} values, but their child has {int(array.length)}")
    keep = (schema_capsule, array_capsule)
    if text != "b" and text not in _DTYPES:
        raise ArgumentError(f"the Arrow array has the format {text!r}, which holds no numbers that can be taken; integers, floating-point numbers, "
                            "bools and fixed-size lists of them can be")
    if total == 0:
        _views.packed_strides(shape, numpy.dtype("complex128"))  # a shape that no array can have
        return numpy.empty(shape, bool if text == "b" else _DTYPES[text]), False
    if array.n_buffers != 2 or array.buffers == ffi.NULL or array.buffers[1] == ffi.NULL:
        raise ArgumentError("the Arrow array has values but no memory")
    if text == "b":
        bits = _memory(array.buffers[1], (start + total + 7) // 8, numpy.dtype("uint8"), keep)
        return numpy.unpackbits(bits, count=start + total, bitorder="little")[start:].view("bool").reshape(shape), True
    dtype = numpy.dtype(_DTYPES[text])
    values = _memory(array.buffers[1], (start + total) * dtype.itemsize, dtype, keep)
    return values[start:start + total].reshape(shape), False


def _list_size(text: str) -> int:
    digits = text[3:]
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise ArgumentError(f"the Arrow array has the format {text!r}, whose size of lists is none")
    return int(digits)


def _child(node: Any) -> bool:
    return bool(node.children != ffi.NULL and node.children[0] != ffi.NULL)


def _refuse_nulls(array: Any, start: int, total: int) -> None:
    if array.null_count == 0 or array.n_buffers <= 0 or array.buffers == ffi.NULL or array.buffers[0] == ffi.NULL:
        return
    valid = numpy.frombuffer(ffi.buffer(ffi.cast("char *", array.buffers[0]), (start + total + 7) // 8), numpy.uint8)
    present = int(numpy.unpackbits(valid, count=start + total, bitorder="little")[start:].sum())
    if present != total:
        raise ArgumentError(f"the Arrow array has {total - present} nulls of {total}; fill them first (fill_null(0) of pyarrow)")


class _Owner:
    """Memory that keeps the capsules alive as long as a numpy array looks at it."""

    def __init__(self, data: Any, size: int, keep: Any) -> None:
        self.__array_interface__ = {"shape": (size,), "typestr": "|u1", "data": (int(ffi.cast("uintptr_t", data)), True), "version": 3}
        self.keep = keep


def _memory(data: Any, size: int, dtype: numpy.dtype[Any], keep: Any) -> numpy.ndarray[Any, Any]:
    return numpy.asarray(_Owner(data, size, keep)).view(dtype)


# ---- giving ----

def export(array: Array) -> tuple[Any, Any]:
    host = array.get()
    if host.ndim == 0:
        raise ArgumentError("an Arrow array has one dimension or more; reshape(1) first")
    if host.dtype.name == "bool":
        text, values = "b", numpy.packbits(host.reshape(-1), bitorder="little")
    elif host.dtype.name in _FORMATS:
        text, values = _FORMATS[host.dtype.name], host.reshape(-1)
    else:
        raise ArgumentError(f"Arrow has no type for {host.dtype}; .view() or .astype() it first")
    schema, arrow = ffi.new("ArrowSchema **"), ffi.new("ArrowArray **")
    sizes = ffi.new("int64_t[]", list(host.shape[1:]) or [0])
    data = ffi.from_buffer(values) if values.size else ffi.NULL
    if not lib.gpuc_py_arrow_create(text.encode(), data, values.nbytes, host.size, host.shape[0], sizes, host.ndim - 1, schema, arrow):
        raise MemoryError("no host memory is left for an Arrow array")
    return (_capsule.new(schema[0], "arrow_schema", "gpuc_py_arrow_destroy_schema"),
            _capsule.new(arrow[0], "arrow_array", "gpuc_py_arrow_destroy_array"))
