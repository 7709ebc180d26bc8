"""How a launch gets its arguments to C: one block of bytes, laid out by a plan that each kernel has.

extension/call.c packs what is usual: the bytes of `__gpuc_arg__`, and numbers that fit. What that refuses goes through _arguments.py, which
finds the words for it or serves what is unusual.
"""
from __future__ import annotations

import copy
import ctypes
import struct
import weakref
from typing import TYPE_CHECKING, Any, Callable

from . import _arguments
from ._library import address, ffi, lib, text
from ._types import BY_NUMBER, F16, F32
from .errors import ArgumentError, KernelArgumentError, Unsupported, check

REFUSED = int(lib.GPUC_PY_REFUSED)
_SPACES = {0: "unknown", 1: "private", 2: "global", 3: "constant", 4: "local"}


class Parameter:
    """What is known of one parameter of a kernel."""

    __slots__ = ("index", "name", "text", "space", "type", "size", "kind", "_kernel")

    def __init__(self, kernel: Any, kernel_name: str, index: int) -> None:
        out_space, out_type, out_size = ffi.new("gpuc_arg_space *"), ffi.new("gpuc_type *"), ffi.new("size_t *")
        check(lib.gpuc_kernel_get_arg(kernel, index, out_space, out_type, out_size))
        self.index = index
        """from 0"""
        self.text = text(lib.gpuc_kernel_get_arg_text, kernel, index)
        """its declaration, "global float* x" """
        self.space = _SPACES[out_space[0]]
        """"global", "constant", "local", "private" (by value), or "unknown\""""
        self.type = int(out_type[0])
        """the gpuc_type of a scalar, or of what a pointer points to; 0 for others"""
        self.size = int(out_size[0])
        """bytes of a value; 0 for pointers"""
        self._kernel = kernel_name
        self.kind = self._find_kind()

    def _find_kind(self) -> str:
        if self.space in ("global", "constant"):
            return "buffer"
        if self.space == "local":
            return "local"
        if self.space == "private" and self.type in BY_NUMBER and BY_NUMBER[self.type].code:
            return "scalar"
        return "bytes" if self.space == "private" and self.size else "unknown"

    @property
    def type_name(self) -> str:
        """numpy's name of `type`; "" where it has none."""
        return BY_NUMBER[self.type].name if self.type in BY_NUMBER else ""

    def __str__(self) -> str:
        declaration, _, name = self.text.rpartition(" ")
        if not declaration:  # no name is known
            declaration, name = name, ""
        return (f"argument {self.index}" + (f" '{name}'" if name else "") + f" of kernel '{self._kernel}'" +
                (f" ({declaration})" if declaration else ""))

    def __repr__(self) -> str:
        return f"<gpucompute.Parameter {self.index}: {self.text}>"


# ---- plans ----

_C_KINDS = {"buffer": int(lib.GPUC_ARG_BUFFER), "local": int(lib.GPUC_ARG_LOCAL), "scalar": int(lib.GPUC_ARG_SCALAR),
            "bytes": int(lib.GPUC_ARG_BYTES)}


class Plan:
    """A kernel's parameters, where their bytes are in a block, and the C structure that says so."""

    def __init__(self, kernel: Any, name: str) -> None:
        count = ffi.new("size_t *")
        check(lib.gpuc_kernel_get_arg_count(kernel, count))
        self.kernel = kernel
        self.name = name
        self.parameters = tuple(Parameter(kernel, name, index) for index in range(count[0]))
        if len(self.parameters) > lib.GPUC_PY_MAX_PARAMS:
            raise Unsupported(f"kernel '{name}' takes {len(self.parameters)} arguments, this package passes {lib.GPUC_PY_MAX_PARAMS} at most")
        self.known = all(parameter.kind != "unknown" for parameter in self.parameters)
        shape = [(parameter.kind, parameter.type, parameter.size) for parameter in self.parameters]
        self.c_plan = self._c_plan(shape) if self.known else None

    def _c_plan(self, shape: list[tuple[str, int, int]]) -> Any:
        params = ffi.new("gpuc_py_param[]", max(1, len(shape)))
        starts, widths = offsets(shape)
        for param, (kind, type_, size), offset in zip(params, shape, starts):
            param.kind = _C_KINDS[kind]
            param.type = (F32 if type_ == F16 else type_) if kind == "scalar" else type_
            param.size_bytes = size
            param.offset_bytes = offset
        plan = ffi.new("gpuc_py_plan *", {"kernel": self.kernel, "params": params, "param_count": len(shape), "block_bytes": sum(widths)})
        _keep[plan] = params
        return plan

    def pack(self, args: tuple[Any, ...]) -> tuple[Any, bytes]:
        """(the C structure, the block) with every question asked."""
        if len(args) != len(self.parameters):
            needed = ", ".join(parameter.text for parameter in self.parameters)
            raise KernelArgumentError(f"kernel '{self.name}' takes {len(self.parameters)} arguments ({needed}), got {len(args)}")
        shape, pieces = [], []
        for parameter, value in zip(self.parameters, args):
            kind, type_, size = parameter.kind, parameter.type, parameter.size
            if kind == "unknown":
                kind, type_ = _arguments.guess(parameter, value)
                if kind == "scalar":
                    value = value.item()
                    parameter = _typed(parameter, type_)
            piece = _PACKERS[kind](parameter, value)
            if kind == "bytes":
                size = len(piece)
            shape.append((kind, type_, size))
            pieces.append(piece)
        block = b"".join(piece.ljust(width, b"\0") for piece, width in zip(pieces, offsets(shape)[1]))
        return self.c_plan or self._c_plan(shape), block

    def refused(self, args: tuple[Any, ...]) -> KernelArgumentError:
        """Why C refused a block: what it checks is the element types alone, since `pack` has seen to the rest."""
        for parameter, value in zip(self.parameters, args):
            found = getattr(value, "__gpuc_buffer__", None)
            if parameter.kind == "buffer" and found is not None and found[1] is not None and parameter.type:
                from ._types import type_number

                if type_number(found[1]) not in (0, parameter.type):
                    return _arguments.wrong_element_type(parameter, value)
        return KernelArgumentError(f"the arguments do not fit kernel '{self.name}'")


_keep: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()  # what a C plan points to
_PACKERS: dict[str, Callable[[Parameter, Any], bytes]] = {
    "buffer": _arguments.pack_object, "local": _arguments.pack_local, "scalar": _arguments.pack_scalar, "bytes": _arguments.pack_bytes}


def _typed(parameter: Parameter, type_: int) -> Parameter:
    result = copy.copy(parameter)
    result.type = type_
    return result


def offsets(shape: Any) -> tuple[list[int], list[int]]:
    """(where each argument starts in the block, how many bytes it takes there)"""
    starts, widths, position = [], [], 0
    for kind, _, size in shape:
        width = 8 if kind == "scalar" else 16 if kind in ("buffer", "local") else -(-size // 16) * 16
        starts.append(position)
        widths.append(width)
        position += width
    return starts, widths


# ---- sizes ----

_launch_struct = struct.Struct("@IIII3N3N3N")
assert _launch_struct.size == ffi.sizeof("gpuc_launch")

sizes: dict[Any, bytes] = {}  # (gsize, lsize): a gpuc_launch as bytes


def launch_bytes(gsize: Any, lsize: Any, offset: Any = None, round_up: bool = False) -> bytes:
    """A gpuc_launch; remembered where there is no offset."""
    global_ = _triple(gsize, "gsize")
    dims = len(global_)
    local = (0,) * dims if lsize is None else _triple(lsize, "lsize")
    start = (0,) * dims if offset is None else _triple(offset, "offset")
    if lsize is not None and 0 in local:
        raise ArgumentError(f"lsize is {lsize}, must be more than 0, or None: chosen for you")
    for name, values in (("lsize", local), ("offset", start)):
        if len(values) != dims:
            raise ArgumentError(f"{name} has {len(values)} dimensions, gsize has {dims}")
    data = _launch_struct.pack(_launch_struct.size, lib.GPUC_LAUNCH_ROUND_UP if round_up else 0, dims, 0,
                               *_filled(global_), *_filled(local), *_filled(start))
    if offset is None and not round_up:
        try:
            if len(sizes) >= 4096:
                sizes.clear()
            sizes[gsize, lsize] = data
        except TypeError:  # lists are no keys
            pass
    return data


def _filled(values: tuple[int, ...]) -> tuple[int, ...]:
    return values + (0,) * (3 - len(values))


def _triple(value: Any, name: str) -> tuple[int, ...]:
    if hasattr(value, "__index__"):
        value = (value,)
    try:
        items = tuple(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer or up to three; got {type(value).__name__}") from None
    if not 1 <= len(items) <= 3:
        raise ArgumentError(f"{name} has {len(items)} dimensions, must have 1 to 3")
    numbers = []
    for item in items:
        if not hasattr(item, "__index__"):
            raise TypeError(f"{name} must be integers; got {type(item).__name__}")
        number = item.__index__()
        if not 0 <= number < 2**64:
            raise ArgumentError(f"{name} is {value if len(items) > 1 else number}, must be 0 or more" + (" and fit 64 bits" if number > 0 else ""))
        numbers.append(number)
    return tuple(numbers)


def encoded_name(name: Any) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"name must be a text; got {type(name).__name__}")
    if "\0" in name:
        raise ArgumentError("name holds a NUL character")
    return name.encode()


# ---- the fast way ----

if TYPE_CHECKING:
    class KernelCall: ...

    class LauncherCall: ...
else:
    _call_types = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(address(ffi.addressof(lib, "gpuc_py_call_types")))
    # Bases in C whose instances, when they are called, launch; see extension/call.h. Both look at `_plan_address` of self, a launcher's at
    # `_queue` and `_sizes` as well, and both pass on what is unusual to `_checked_call`.
    KernelCall, LauncherCall = _call_types(_arguments.FLOATS)
