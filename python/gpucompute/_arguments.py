"""Arguments of a launch, one at a time, with all the questions asked: the way a launch goes that the fast one cannot serve, and the place
where every message about an argument comes from."""
from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from . import _pack
from ._types import BY_NUMBER, F16, F32
from .errors import KernelArgumentError

if TYPE_CHECKING:
    from ._launch import Parameter

FLOATS: set[type] = {float, int, bool}  # for a floating-point parameter; numpy's scalars join when they are first seen

_F32_MAX = 3.4028235677973366e38  # what rounds to infinity
_LIMITS = {"b": (-2**7, 2**7 - 1), "B": (0, 2**8 - 1), "h": (-2**15, 2**15 - 1), "H": (0, 2**16 - 1), "i": (-2**31, 2**31 - 1),
           "I": (0, 2**32 - 1), "q": (-2**63, 2**63 - 1), "Q": (0, 2**64 - 1)}


def describe(value: Any) -> str:
    """What was given, in a few words."""
    kind = type(value)
    name = kind.__name__ if kind.__module__ in ("builtins", "gpucompute") else f"{kind.__module__.split('.')[0]}.{kind.__name__}"
    if isinstance(value, (bool, int, float, complex)) or (hasattr(value, "dtype") and getattr(value, "shape", None) == ()):
        return f"{value!r} ({name})" if name not in repr(value) else repr(value)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"a {name} of {value.dtype}"
    return f"a {name}" if value is not None else "None"


def pack_object(parameter: Parameter, value: Any) -> bytes:
    """For a global or constant pointer."""
    if value is None:
        return _pack.null
    found = getattr(value, "__gpuc_buffer__", None)
    if found is None:
        raise KernelArgumentError(f"{parameter} takes a buffer, got {describe(value)}{_pointer_hint(value)}")
    buffer, dtype, contiguous = found
    if buffer.closed:
        raise KernelArgumentError(f"{parameter}: the {type(value).__name__} is closed")
    if not contiguous:
        raise KernelArgumentError(f"{parameter} takes elements that lie one after the other, got a strided view: pass .copy() of it")
    type_ = 0
    if dtype is not None:
        from ._types import type_number

        type_ = type_number(dtype)
    return _pack.buffer(buffer._ptr, type_, True)


def wrong_element_type(parameter: Parameter, value: Any) -> KernelArgumentError:
    needed = BY_NUMBER[parameter.type]
    dtype = getattr(value, "dtype", "another type")
    return KernelArgumentError(f"{parameter} points to {needed.c_name}, got an array of {dtype}: pass .astype('{needed.name}') of it, or "
                               f".view('{needed.name}') for the same bytes")


def _pointer_hint(value: Any) -> str:
    if hasattr(value, "__array_interface__") or type(value).__name__ in ("ndarray", "list", "tuple"):
        return ", which is host memory: copy it first, gpucompute.asarray(...) or Buffer.write"
    if hasattr(value, "__gpuc_arg__"):
        return ", which is for local pointers"
    if hasattr(value, "__dlpack__"):
        return ": gpucompute.from_dlpack(...) makes an array of it"
    return ""


def pack_local(parameter: Parameter, value: Any) -> bytes:
    from .kernel import LocalMemory

    if isinstance(value, LocalMemory):
        if value.size == 0:
            raise KernelArgumentError(f"{parameter}: the size of local memory is 0, must be more")
        return value.__gpuc_arg__
    hint = f": pass gpucompute.LocalMemory({value})" if isinstance(value, int) and not isinstance(value, bool) else ""
    raise KernelArgumentError(f"{parameter} takes a gpucompute.LocalMemory, got {describe(value)}{hint}")


def pack_scalar(parameter: Parameter, value: Any) -> bytes:
    """A number, in the bytes of the type that the kernel declares; 8 bytes."""
    code = BY_NUMBER[parameter.type].code
    if code in "fd":
        piece = struct.pack("=" + code, _float(parameter, value)).ljust(8, b"\0")
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and not hasattr(value, "__setitem__"):
            FLOATS.add(type(value))
        return piece
    number = _integer(parameter, value)
    low, high = _LIMITS[code]
    if not low <= number <= high:
        raise KernelArgumentError(f"{parameter} is {number}, must be {low} to {high}")
    return struct.pack("=" + code, number).ljust(8, b"\0")


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or getattr(value, "shape", None) == ()


def _integer(parameter: Parameter, value: Any) -> int:
    if getattr(getattr(value, "dtype", None), "kind", "") == "b" and _is_number(value):
        return int(bool(value))
    if not _is_number(value) and hasattr(value, "dtype") or not hasattr(value, "__index__"):
        hint = f": int(...) rounds it towards 0, if that is meant" if isinstance(value, float) else ""
        raise KernelArgumentError(f"{parameter} takes an integer, got {describe(value)}{hint}{_scalar_hint(value)}")
    return int(value.__index__())


def _float(parameter: Parameter, value: Any) -> float:
    if isinstance(value, (str, bytes, complex)) or not hasattr(value, "__float__") and not hasattr(value, "__index__") or (
            hasattr(value, "dtype") and (not _is_number(value) or value.dtype.kind == "c")):
        raise KernelArgumentError(f"{parameter} takes a number, got {describe(value)}{_scalar_hint(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise KernelArgumentError(f"{parameter} is {value}, too large for a {BY_NUMBER[parameter.type].c_name}") from None
    limit = {F16: 65520.0, F32: _F32_MAX}.get(parameter.type)
    if limit is not None and limit <= abs(number) < float("inf"):
        raise KernelArgumentError(f"{parameter} is {number!r}, too large for a {BY_NUMBER[parameter.type].c_name}")
    return number


def _scalar_hint(value: Any) -> str:
    if hasattr(value, "__gpuc_buffer__"):
        return ", which is device memory: the kernel declares no pointer here"
    return ": .item() makes a number of an array with one element" if hasattr(value, "dtype") and hasattr(value, "item") else ""


def pack_bytes(parameter: Parameter, value: Any) -> bytes:
    """A vector or a structure by value."""
    if isinstance(value, complex):
        data = struct.pack("=2f" if parameter.size == 8 else "=2d", value.real, value.imag)
    else:
        try:
            data = bytes(memoryview(value))
        except (TypeError, BufferError, ValueError):
            raise KernelArgumentError(f"{parameter} takes {parameter.size} bytes (a numpy array or record, bytes, ...), got {describe(value)}"
                                      ) from None
    if parameter.size and len(data) != parameter.size:
        raise KernelArgumentError(f"{parameter} has {parameter.size} bytes, got {len(data)}{_three(parameter.size, len(data))}")
    return data


def _three(needed: int, got: int) -> str:
    return ": a vector of 3 takes the space of one of 4" if got * 4 == needed * 3 else ""


# numpy's kinds of scalars, and their packing, for parameters of which neither the driver nor the source tells anything
def guess(parameter: Parameter, value: Any) -> tuple[str, int]:
    """(kind, gpuc_type) of an argument that the kernel's signature says nothing about: its own."""
    from .kernel import LocalMemory
    from ._types import type_number

    if value is None or hasattr(value, "__gpuc_buffer__"):
        return "buffer", 0
    if isinstance(value, LocalMemory):
        return "local", 0
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        number = type_number(value.dtype)
        return ("scalar", number) if number and BY_NUMBER[number].code else ("bytes", 0)
    if isinstance(value, (bool, int, float, complex)):
        raise KernelArgumentError(f"{parameter}: its type is not known, got {describe(value)}: pass a numpy scalar, such as "
                                  f"numpy.{'int32' if isinstance(value, int) else 'float32'}({value!r})")
    return "bytes", 0
