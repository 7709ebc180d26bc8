"""Events: where a command is, waiting for it, in threads and in asyncio."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generator, Iterable, NamedTuple, Sequence, Union

from . import _keep
from ._handle import Handle, native_integer, native_of, pointers, release_native
from ._library import NULL, ffi, lib, pointer
from ._lock import Lock
from .errors import check

if TYPE_CHECKING:
    from .context import Context

_fd_lock = Lock()
_STATES = ("queued", "submitted", "running", "complete", "failed")


class Times(NamedTuple):
    """The times of a complete command, in nanoseconds of the device's clock."""

    queued: int
    submitted: int
    started: int
    ended: int

    @property
    def duration(self) -> int:
        """From start to end."""
        return self.ended - self.started


class Event(Handle, kind="event"):
    """Stands for a command. `event.wait()` blocks (other threads run meanwhile); `await event` does not."""

    __slots__ = ("_fd",)
    _fd: int  # for asyncio; made once, since the library watches each one until the command is complete

    @property
    def state(self) -> str:
        """"queued", "submitted", "running", "complete" or "failed"; does not wait."""
        out = ffi.new("gpuc_event_state *")
        check(lib.gpuc_event_get_state(self._ptr, out))
        return _STATES[out[0]]

    @property
    def done(self) -> bool:
        """Whether the command is complete or has failed."""
        return self.state in ("complete", "failed")

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the command is complete.

        Args:
            timeout: seconds; None: without a limit. Python sees Ctrl-C when the wait is over.

        Raises Timeout when it is not complete by then, and ExecutionError when it failed.
        """
        if timeout is None:
            check(lib.gpuc_event_wait(self._ptr))
        else:
            check(lib.gpuc_event_wait_for(self._ptr, nanoseconds(timeout)))
        if _keep.pending:
            _keep.prune(self._ptr)

    @property
    def times(self) -> Times:
        """Of a complete command on a queue with profiling; StateError otherwise."""
        out = ffi.new("uint64_t[4]")
        check(lib.gpuc_event_get_times(self._ptr, out, out + 1, out + 2, out + 3))
        return Times(*out)

    @property
    def duration_ns(self) -> int:
        """`times.duration`: nanoseconds from start to end."""
        return self.times.duration

    def fileno(self) -> int:
        """A new file descriptor that becomes readable when the command is complete or has failed. It is yours: close it with os.close()."""
        out = ffi.new("int32_t *")
        check(lib.gpuc_event_get_fd(self._ptr, out))
        return int(out[0])

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> None:
        # A descriptor that the loop watches: no callback from a driver, no thread for each event.
        import asyncio

        if not self.done:
            loop = asyncio.get_running_loop()
            try:
                fd = self._own_fd()
            except OSError:  # no descriptor left: a thread of the loop's pool waits instead
                await loop.run_in_executor(None, self.wait)
                return
            future = loop.create_future()
            try:
                loop.add_reader(fd, _wake, future)
                try:
                    await future
                finally:
                    loop.remove_reader(fd)
            finally:
                os.close(fd)
                if self.closed or self.done:
                    self._close_fd()
        self.wait()  # returns at once; raises if the command failed

    def _own_fd(self) -> int:
        """A descriptor for one waiter: any number of tasks and loops may wait for one event."""
        with _fd_lock:
            try:
                fd = object.__getattribute__(self, "_fd")
            except AttributeError:
                fd = self._fd = self.fileno()
            return os.dup(fd)

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            self._close_fd()
        return ptr

    def _close_fd(self, close: Any = os.close) -> None:
        with _fd_lock:
            try:
                fd = object.__getattribute__(self, "_fd")
            except AttributeError:
                return
            del self._fd
        close(fd)

    def __del__(self) -> None:
        self._close_fd()
        super().__del__()

    @property
    def int_ptr(self) -> int:
        """The cl_event as an integer. Not retained."""
        return native_of(self)

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True, context: Context | None = None) -> Event:
        """An event around a cl_event, such as `pyopencl.Event.int_ptr`.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
            context: its context, if you have it at hand.
        """
        from ._native import context_of_native

        native_integer(int_ptr, "cl_event")
        owner = context_of_native("event", int_ptr, context)
        event = Event._take(Event._call(lib.gpuc_event_from_native, owner._ptr, pointer(int_ptr)))
        release_native("event", int_ptr, retain)
        return event

    def __repr__(self) -> str:
        return f"<gpucompute.{type(self).__name__}, {'closed' if self.closed else self.state}>"


class UserEvent(Event):
    """An event that you complete yourself, for commands to wait on. Closed while not complete, it fails the commands that wait on it
    (PoCL lets them run)."""

    __slots__ = ()

    def __init__(self, context: Any = None) -> None:
        from ._defaults import context_of

        self._ptr = self._call(lib.gpuc_event_create_user, context_of(context)._ptr)

    def complete(self, cl_code: int = 0) -> None:
        """Completes it. A negative OpenCL error code fails the commands that wait on it; PoCL 3.1 ends the process when several of them
        wait in a row."""
        if not -2**31 <= cl_code < 2**31:
            raise ValueError(f"cl_code is {cl_code}, must be 0 or a negative OpenCL error code")
        check(lib.gpuc_event_complete(self._ptr, cl_code))


Waits = Union[None, Event, Sequence[Event]]


def wait_list(waits: Waits) -> tuple[Any, int]:
    """(waits, wait_count) of a call."""
    if waits is None:
        return NULL, 0
    items = [waits] if isinstance(waits, Event) else list(waits)
    for item in items:
        if not isinstance(item, Event):
            raise TypeError(f"waits must be an Event, a list of them, or None; got {type(item).__name__}")
    return pointers("event", items)


def wait_all(events: Iterable[Event]) -> None:
    """Waits until all are complete; raises ExecutionError if one or more failed."""
    check(lib.gpuc_event_wait_all(*wait_list(list(events))))
    if _keep.pending:
        _keep.prune()


def nanoseconds(timeout: float) -> int:
    if not timeout >= 0:
        raise ValueError(f"timeout is {timeout!r} seconds, must be 0 or more, or None")
    return min(int(min(timeout, 1e10) * 1e9), 2**64 - 1)


def _wake(future: Any) -> None:
    if not future.done():
        future.set_result(None)
