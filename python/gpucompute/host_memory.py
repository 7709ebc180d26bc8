"""Pinned host memory, which devices copy to and from at full speed."""
from __future__ import annotations

from typing import Any

from ._defaults import context_of
from ._handle import Handle
from ._library import ffi, lib
from .buffer import byte_count
from .errors import check


class HostMemory(Handle, kind="host_memory"):
    """Page-locked host memory; zero at first.

        memory = HostMemory(1 << 20)
        array = numpy.frombuffer(memory.view, numpy.float32)

    Args:
        size: bytes, more than 0.
        context: a Context, a Device, a Queue, or None for the default context.

    The memory lives as long as any view of it does, close() notwithstanding; asynchronous copies hold one themselves.
    """

    __slots__ = ("_buffer",)

    def __init__(self, size: int, context: Any = None) -> None:
        self._adopt(self._call(lib.gpuc_host_memory_create, context_of(context)._ptr, byte_count(size, "size")))

    def _adopt(self, ptr: Any) -> None:
        self._ptr = ptr
        address, size = ffi.new("void **"), ffi.new("size_t *")
        check(lib.gpuc_host_memory_get(ptr, address, size))
        check(lib.gpuc_host_memory_retain(ptr))  # the views' own reference
        release = lib.gpuc_host_memory_release
        self._buffer = ffi.buffer(ffi.gc(address[0], lambda _: release(ptr)), size[0])

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            del self._buffer
        return ptr

    @property
    def view(self) -> memoryview:
        """The memory, as a memoryview of bytes."""
        self._ptr  # raises if closed
        return memoryview(self._buffer)

    def __buffer__(self, flags: int) -> memoryview:  # Python 3.12 and later: numpy.frombuffer(memory)
        return self.view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy

        array = numpy.frombuffer(self.view, numpy.uint8)
        return array if dtype is None and not copy else numpy.array(array, dtype=dtype)

    @property
    def size(self) -> int:
        """In bytes."""
        self._ptr  # raises if closed
        return len(self._buffer)

    nbytes = size

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return "<gpucompute.HostMemory, closed>" if self.closed else f"<gpucompute.HostMemory of {self.size} bytes>"
