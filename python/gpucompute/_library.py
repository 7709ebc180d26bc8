"""The C library through cffi, and the few shapes its calls come in. Nothing here touches a driver until it is called."""
from __future__ import annotations

from typing import Any, Callable

from . import _drivers

_drivers.prepare()  # before the OpenCL loader looks for drivers

from ._gpucompute import ffi as ffi, lib as lib  # noqa: E402
from .errors import check  # noqa: E402

NULL = ffi.NULL
NUL_TERMINATED = 2**(8 * ffi.sizeof("size_t")) - 1

_size_out = ffi.typeof("size_t *")
_number_out = ffi.typeof("uint64_t *")
_pointer_out = ffi.typeof("void **")
_char_array = ffi.typeof("char[]")


def text(function: Callable[..., int], *args: Any) -> str:
    """A string result: `function(*args, buf, capacity, out_needed)`."""
    needed = ffi.new(_size_out)
    capacity = 256
    while True:
        buf = ffi.new(_char_array, capacity)
        status = function(*args, buf, capacity, needed)
        if status != lib.GPUC_ERROR_BUFFER_TOO_SMALL:
            check(status)
            return str(ffi.string(buf).decode("utf-8", "replace"))
        capacity = needed[0] + 256  # what is being described may grow between two calls


def number(function: Callable[..., int], *args: Any) -> int:
    """A uint64_t result: `function(*args, out_value)`."""
    out = ffi.new(_number_out)
    check(function(*args, out))
    return int(out[0])


def native(function: Callable[..., int], *args: Any) -> int:
    """A raw OpenCL handle as an integer: `function(*args, out_native)`."""
    out = ffi.new(_pointer_out)
    check(function(*args, out))
    return address(out[0])


def address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


def pointer(value: int) -> Any:
    """A raw OpenCL handle of an integer, such as PyOpenCL's int_ptr."""
    return ffi.cast("void *", value)
