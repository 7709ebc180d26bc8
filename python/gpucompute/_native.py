"""Around raw OpenCL objects that others made."""
from __future__ import annotations

from typing import Any

from ._library import address, ffi, lib, pointer
from .context import Context
from .errors import DriverError


def cl_check(cl_code: int, routine: str) -> None:
    if cl_code:
        name = ffi.string(lib.gpuc_cl_code_name(cl_code)).decode()
        raise DriverError(f"{routine} failed: {name} ({cl_code})", lib.GPUC_ERROR_DRIVER, cl_code, routine)


_ROUTINES = {"queue": "clGetCommandQueueInfo", "event": "clGetEventInfo", "buffer": "clGetMemObjectInfo", "program": "clGetProgramInfo"}


def context_of_native(kind: str, int_ptr: int, context: Context | None) -> Context:
    """The context of a raw object; the given one, if any, which the library then checks."""
    if context is not None:
        if not isinstance(context, Context):
            raise TypeError(f"context must be a Context or None; got {type(context).__name__}")
        return context
    out: Any = ffi.new("void **")
    cl_check(getattr(lib, f"gpuc_py_{kind}_context")(pointer(int_ptr), out), _ROUTINES[kind])
    return Context._of_native(address(out[0]))
