"""How a buffer, local memory or a null pointer is packed for a launch: gpuc_py_object in python/extension/launch.h."""
from __future__ import annotations

import struct

from ._library import address, lib

_object = struct.Struct("=Qhhi").pack

BUFFER, LOCAL, NULL_POINTER = int(lib.GPUC_ARG_BUFFER), int(lib.GPUC_ARG_LOCAL), int(lib.GPUC_ARG_NULL)

null = _object(0, NULL_POINTER, 0, 0)


def buffer(ptr: object, type: int = 0, contiguous: bool = True) -> bytes:
    """A gpuc_buffer, from its first byte on, whose elements have a gpuc_type (0: plain memory)."""
    return _object(address(ptr), BUFFER, type, 0 if contiguous else 1)


def local(size: int) -> bytes:
    return _object(size, LOCAL, 0, 0)
