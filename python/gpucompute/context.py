"""Contexts: devices of one platform, their programs and their memory."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable
from weakref import WeakValueDictionary

from ._handle import Handle, native_integer, native_of, pointers, release_native
from ._library import ffi, lib, number, pointer, text
from ._lock import Lock
from .device import Device
from .errors import check

if TYPE_CHECKING:
    from .queue import Queue

_lock = Lock()


class _Shared:
    """What all Python objects for one context have in common."""

    __slots__ = ("ptr", "queue", "__weakref__")

    def __init__(self, ptr: Any) -> None:
        self.ptr = ptr
        self.queue: Queue | None = None


_living: WeakValueDictionary[int, _Shared] = WeakValueDictionary()  # by cl_context


class Memory:
    """Figures of a context's memory pool, all read at one time; bytes, unless they are counts."""

    def __init__(self, context: Context) -> None:
        def read(key: int) -> int:
            return number(lib.gpuc_context_get_memory, context._ptr, key)

        self.in_use = read(lib.GPUC_MEMORY_IN_USE_BYTES)
        """in living buffers, as rounded by the pool"""
        self.cached = read(lib.GPUC_MEMORY_CACHED_BYTES)
        """released by the program, kept by the pool"""
        self.peak = read(lib.GPUC_MEMORY_PEAK_BYTES)
        """the most that was in use"""
        self.limit = read(lib.GPUC_MEMORY_LIMIT_BYTES)
        """what in use and cached may reach together"""
        self.live_buffers = read(lib.GPUC_MEMORY_LIVE_BUFFERS)
        self.cached_buffers = read(lib.GPUC_MEMORY_CACHED_BUFFERS)
        self.hits = read(lib.GPUC_MEMORY_HITS)
        """creations served by the pool"""
        self.misses = read(lib.GPUC_MEMORY_MISSES)
        """creations that asked the driver"""

    def __repr__(self) -> str:
        return f"Memory({', '.join(f'{key}={value}' for key, value in vars(self).items())})"


class Context(Handle, kind="context"):
    """A context of one or several devices.

    Args:
        devices: a Device, several of one platform, or None for the default device.
    """

    __slots__ = ("_shared",)
    _shared: _Shared

    def __init__(self, devices: Device | Iterable[Device] | None = None) -> None:
        if devices is None:
            items: list[Device] = []
        elif isinstance(devices, Device):
            items = [devices]
        else:
            if not hasattr(devices, "__iter__"):
                raise TypeError(f"devices must be a Device, several, or None; got {type(devices).__name__}")
            items = list(devices)
            if not items:
                raise ValueError("devices is empty; give one or more, or None for the default device")
        for device in items:
            if not isinstance(device, Device):
                raise TypeError(f"devices must be a Device, several, or None; got {type(device).__name__}")
        self._adopt(self._call(lib.gpuc_context_create, *pointers("device", items)))

    def _adopt(self, ptr: Any) -> None:
        self._ptr = ptr
        key = self.int_ptr
        with _lock:
            shared = _living.get(key)
            if shared is None or shared.ptr != ptr:
                shared = _living[key] = _Shared(ptr)
            self._shared = shared

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            del self._shared
        return ptr

    @property
    def devices(self) -> list[Device]:
        count = ffi.new("size_t *")
        check(lib.gpuc_context_get_devices(self._ptr, ffi.NULL, 0, count))
        items = ffi.new("gpuc_device *[]", count[0])
        check(lib.gpuc_context_get_devices(self._ptr, items, count[0], count))
        return [Device._take(item) for item in items]

    @property
    def device(self) -> Device:
        """Its first device."""
        return self.devices[0]

    @property
    def queue(self) -> Queue:
        """The context's own in-order queue on its first device, made on first use: what is used where no queue is given."""
        self._ptr  # raises if closed
        shared = self._shared
        queue = shared.queue
        if queue is None or queue.closed:
            from .queue import Queue

            with _lock:
                queue = shared.queue
                if queue is None or queue.closed:
                    queue = shared.queue = Queue._own(self)
        return queue

    # ---- memory ----

    @property
    def memory(self) -> Memory:
        """What its memory pool holds now."""
        return Memory(self)

    @property
    def memory_report(self) -> str:
        """Totals and the largest living buffers, as text."""
        return text(lib.gpuc_context_memory_report, self._ptr)

    def set_memory_limit(self, limit_bytes: int) -> None:
        """Limits memory in use and cached together; 0: the default, the smallest global memory of its devices."""
        if not 0 <= limit_bytes < 2**64:
            raise ValueError(f"limit_bytes is {limit_bytes}, must be 0 or more")
        check(lib.gpuc_context_set_memory_limit(self._ptr, limit_bytes))

    def trim(self) -> int:
        """Gives cached memory back to the driver; the bytes that were freed."""
        return number(lib.gpuc_context_trim, self._ptr)

    # ---- sharing ----

    @property
    def int_ptr(self) -> int:
        """The cl_context as an integer, for `pyopencl.Context.from_int_ptr` and the like. Not retained."""
        return native_of(self)

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True) -> Context:
        """A context around a cl_context, such as `pyopencl.Context.int_ptr`. One that is in use here already is found again: its buffers and
        queues go together with those of the other object.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
        """
        native_integer(int_ptr, "cl_context")
        context = Context._of_native(int_ptr)
        release_native("context", int_ptr, retain)
        return context

    @classmethod
    def _of_native(cls, int_ptr: int) -> Context:
        with _lock:
            shared = _living.get(int_ptr)
            if shared is not None and lib.gpuc_context_retain(shared.ptr) == lib.GPUC_OK:
                return cls._take(shared.ptr)
        return cls._take(cls._call(lib.gpuc_context_from_native, pointer(int_ptr)))

    @property
    def context(self) -> Context:
        """Itself: wherever an object with a context will do, a context does."""
        return self

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Context, closed>"
        return f"<gpucompute.Context on {', '.join(repr(device.name) for device in self.devices)}>"
