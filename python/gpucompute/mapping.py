"""Mapped buffers: device memory as a memoryview."""
from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ._library import NULL, ffi, lib
from .errors import StateError, check, last_error

if TYPE_CHECKING:
    from .buffer import Buffer
    from .queue import Queue


class Mapping:
    """A mapped range of a buffer; made by `Buffer.map`. `.view` is its memory, as a memoryview of bytes.

    The range stays mapped as long as any view of it lives, so that no array can outlive the memory it looks at: close() raises BufferError
    while a numpy array or another memoryview still uses it, and the range is then unmapped when the last of these is gone.
    """

    __slots__ = ("_view", "_exporter", "_failure", "__weakref__")

    def __init__(self, buffer: Buffer, queue: Queue, read: bool, write: bool, discard: bool, offset: int, size: int) -> None:
        flags = lib.GPUC_MAP_READ * bool(read) | lib.GPUC_MAP_WRITE * bool(write) | lib.GPUC_MAP_DISCARD * bool(discard)
        out = ffi.new("void **")
        check(lib.gpuc_buffer_map(buffer._ptr, queue._ptr, flags, offset, size, out))
        failure: list[BaseException] = []
        # References of their own, so that closing buffer or queue meanwhile changes nothing.
        check(lib.gpuc_buffer_retain(buffer._ptr))
        check(lib.gpuc_queue_retain(queue._ptr))
        held_buffer = ffi.gc(buffer._ptr, lib.gpuc_buffer_release)
        held_queue = ffi.gc(queue._ptr, lib.gpuc_queue_release)
        address = out[0]

        def unmap(_: Any) -> None:
            status = lib.gpuc_buffer_unmap_async(held_buffer, held_queue, address, NULL, 0, NULL)
            if status:
                failure.append(last_error(status))

        exporter = ffi.buffer(ffi.gc(address, unmap), size)
        self._exporter = weakref.ref(exporter)
        self._failure = failure
        self._view: memoryview | None = memoryview(exporter) if write else memoryview(exporter).toreadonly()

    @property
    def view(self) -> memoryview:
        if self._view is None:
            raise StateError("this mapping is closed")
        return self._view

    @property
    def closed(self) -> bool:
        """Whether the range is unmapped."""
        return self._exporter() is None

    def close(self) -> None:
        """Unmaps; commands that are put on the queue afterwards see what was written. A second call does nothing."""
        if self._view is not None:
            try:
                self._view.release()
            except BufferError:
                raise _still_used() from None
            self._view = None
        if self._exporter() is not None:
            raise _still_used()
        if self._failure:
            raise self._failure.pop()

    def __enter__(self) -> memoryview:
        return self.view

    def __exit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc is None:
            self.close()
            return
        try:  # the first error matters more
            self.close()
        except (BufferError, StateError):
            pass

    def __repr__(self) -> str:
        return f"<gpucompute.Mapping of {len(self._view)} bytes>" if self._view is not None else "<gpucompute.Mapping, closed>"


def _still_used() -> BufferError:
    return BufferError("an array or a memoryview still uses the mapped memory: delete it first (it is unmapped when the last one is gone)")
