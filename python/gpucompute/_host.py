"""Host memory that belongs to Python: its address for a call."""
from __future__ import annotations

from typing import Any

from ._library import ffi
from .errors import ArgumentError


def bytes_of(host: Any, what: str, writable: bool = False) -> Any:
    """The memory of an object with the buffer protocol, as cdata that keeps it alive; len() is its bytes. One piece, in C order."""
    if hasattr(host, "__gpuc_buffer__"):
        raise TypeError(f"{what} must be host memory, got a {type(host).__name__}, which is device memory: use copy_to")
    if getattr(getattr(host, "dtype", None), "hasobject", False):
        raise TypeError(f"{what} holds Python objects, must hold plain numbers or bytes")
    try:
        return ffi.from_buffer(host, require_writable=writable)
    except (BufferError, ValueError) as error:
        if writable and _readonly(host):
            raise ArgumentError(f"{what} is read-only, must be writable") from error
        raise ArgumentError(f"{what} is not contiguous, must be one piece of memory in C order (numpy.ascontiguousarray makes one)"
                            ) from error
    except TypeError as error:
        raise TypeError(f"{what} must be bytes-like (bytes, bytearray, memoryview, a numpy array, ...); got {type(host).__name__}"
                        ) from error


def _readonly(host: Any) -> bool:
    try:
        return memoryview(host).readonly
    except (TypeError, BufferError, ValueError):
        return False

