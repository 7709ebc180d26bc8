"""Queues: commands run in the order they were put there, unless the queue was made out-of-order."""
from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from . import _keep
from ._handle import Handle, native_integer, native_of, pointer_or_null, release_native
from ._library import NULL, address, ffi, lib, pointer
from ._native import context_of_native
from .context import Context
from .device import Device
from .errors import check
from .event import Event, Waits, wait_list


_made: WeakValueDictionary[int, Queue]


class Queue(Handle, kind="queue"):
    """A command queue.

    Args:
        context: a Context, a Device (its own context), or None for the default context.
        device: a device of the context; None: its first.
        out_of_order: only wait lists and barriers give an order.
        profiling: events carry times; a launch costs more.

    `with Queue() as queue:` finishes and closes it at the end of the block.
    """

    __slots__ = ("_context", "_given_out", "_handle")
    _handle: int  # _ptr as a number: what a launch reads
    _given_out: bool  # the cl_command_queue is known elsewhere
    _context: Context | None  # None for a context's own queue, which the context holds

    def __init__(self, context: Any = None, device: Device | None = None, *, out_of_order: bool = False, profiling: bool = False) -> None:
        from ._defaults import context_of

        if isinstance(context, Device) and device is None:
            device = context
        if device is not None and not isinstance(device, Device):
            raise TypeError(f"device must be a Device or None; got {type(device).__name__}")
        owner = context_of(context)
        flags = lib.GPUC_QUEUE_OUT_OF_ORDER * bool(out_of_order) | lib.GPUC_QUEUE_PROFILING * bool(profiling)
        self._adopt(self._call(lib.gpuc_queue_create, owner._ptr, pointer_or_null(device), flags))
        self._context = owner
        self._given_out = False
        _made[id(self)] = self

    @classmethod
    def _own(cls, context: Context) -> Queue:
        self = cls._take(cls._call(lib.gpuc_queue_create, context._ptr, NULL, 0))
        self._context = None
        self._given_out = False
        _made[id(self)] = self
        return self

    def _adopt(self, ptr: Any) -> None:
        self._ptr = ptr
        self._handle = address(ptr)

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            del self._handle
        return ptr

    @classmethod
    def _replaceable(cls) -> list[Queue]:
        """Queues without device times that nobody but this package knows."""
        return [queue for queue in list(_made.values()) if not queue.closed and not queue._given_out and not queue.profiling]

    def _with_times(self) -> Any:
        """A handle like this queue's, with device times."""
        context, device = self.context, self.device  # alive during the call
        return Queue._call(lib.gpuc_queue_create, context._ptr, device._ptr, self._flags | lib.GPUC_QUEUE_PROFILING)

    @property
    def context(self) -> Context:
        if self._context is not None:
            self._ptr  # raises if closed
            return self._context
        return Context._take(Context._call(lib.gpuc_queue_get_context, self._ptr))

    @property
    def device(self) -> Device:
        return Device._take(Device._call(lib.gpuc_queue_get_device, self._ptr))

    @property
    def _flags(self) -> int:
        out = ffi.new("uint32_t *")
        check(lib.gpuc_queue_get_flags(self._ptr, out))
        return int(out[0])

    @property
    def out_of_order(self) -> bool:
        return bool(self._flags & lib.GPUC_QUEUE_OUT_OF_ORDER)

    @property
    def profiling(self) -> bool:
        return bool(self._flags & lib.GPUC_QUEUE_PROFILING)

    def flush(self) -> None:
        """Hands all commands so far to the device; does not wait."""
        check(lib.gpuc_queue_flush(self._ptr))

    def finish(self) -> None:
        """Waits until all commands so far are complete. Raises ExecutionError if the driver reports that one failed."""
        check(lib.gpuc_queue_finish(self._ptr))
        if _keep.pending:
            _keep.prune()

    def marker(self, waits: Waits = None) -> Event:
        """An event that is complete when `waits` are, or, with none, when all commands before it are."""
        return Event._take(Event._call(lib.gpuc_queue_marker_async, self._ptr, *wait_list(waits)))

    def barrier(self, waits: Waits = None) -> Event:
        """As `marker`, and commands put on the queue later start after it."""
        return Event._take(Event._call(lib.gpuc_queue_barrier_async, self._ptr, *wait_list(waits)))

    @property
    def int_ptr(self) -> int:
        """The cl_command_queue as an integer. Not retained. Finish commands that you put there yourself before you drop buffers that they
        use."""
        native = native_of(self)
        self._given_out = True
        return native

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True, context: Context | None = None) -> Queue:
        """A queue around a cl_command_queue, such as `pyopencl.CommandQueue.int_ptr`.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
            context: its context, if you have it at hand.
        """
        native_integer(int_ptr, "cl_command_queue")
        owner = context_of_native("queue", int_ptr, context)
        queue = Queue._take(Queue._call(lib.gpuc_queue_from_native, owner._ptr, pointer(int_ptr)))
        queue._context = owner
        release_native("queue", int_ptr, retain)
        return queue

    def __exit__(self, *exc_info: object) -> None:
        try:
            self.finish()
        except Exception:
            if not any(exc_info):  # otherwise the first error matters more
                raise
        finally:
            self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Queue, closed>"
        words = [word for word, yes in (("out of order", self.out_of_order), ("profiling", self.profiling)) if yes]
        return f"<gpucompute.Queue on {self.device.name!r}{''.join(', ' + word for word in words)}>"


_made = WeakValueDictionary()
