"""Profiles: what runs on devices and how long it takes, command by command."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Callable

from ._handle import Handle
from ._library import ffi, lib, number, text
from .errors import ArgumentError, Error, check
from .event import nanoseconds
from .queue import Queue

_CLOCKS = ("none", "device", "host")


@dataclass(frozen=True)
class ProfileRow:
    """All commands of one operation, name and device. Times are nanoseconds, of those commands that have times."""

    operation: str
    """"kernel", "gemm", "write", "read", "copy", "fill", "map", "unmap" or "build\""""
    name: str
    """of the kernel; type, sizes and backend of a matrix product; the kernels of a program"""
    device: str
    count: int
    timed: int
    """those that have times"""
    failed: int
    clock: str
    """what measured the times: "device", "host" or "none\""""
    total_ns: int
    min_ns: int
    mean_ns: int
    max_ns: int
    bytes: int
    """moved by all of them; for a build: of its source"""
    timed_bytes: int
    """moved by those that have times"""
    host_ns: int
    """in the calls that made them"""

    @property
    def gigabytes_per_second(self) -> float:
        """0 where nothing is moved, or there are no times."""
        return self.timed_bytes / self.total_ns if self.total_ns and self.operation != "build" else 0.0


@dataclass(frozen=True)
class ProfileRecord:
    """One command, one build, or one call of gemm (operation "gemm", queue 0). Times are nanoseconds of the host's monotonic clock."""

    operation: str
    name: str
    device: str
    """"" for a call of gemm"""
    queue: int
    """queues of the process are counted from 1; 0: no command of a queue"""
    thread: int
    thread_name: str
    call_begin_ns: int
    call_end_ns: int
    clock: str
    """"device", "host" or "none": when it ran is not known"""
    begin_ns: int
    end_ns: int
    duration_ns: int
    bytes: int
    cl_code: int
    """the OpenCL error with which it failed, or 0"""
    global_size: tuple[int, ...]
    """of a kernel; () otherwise"""
    local_size: tuple[int, ...]
    """() where the driver chose"""


class Profile(Handle, kind="profile"):
    """Records all that the process does on devices, from now until `stop()`, in all threads.

        with gpucompute.profile() as p:
            ...
        print(p)
        p.trace("trace.json")

    Args:
        max_records: how many commands are kept one by one, for `records` and `trace`; those past that are counted in their row only.
        fresh_queues: device times come from queues that are made with profiling, or while something records. True: the queues that there are
            (the contexts' own, which are used where no queue is given, and those made by `Queue`) are finished and, until `stop()`, stand for
            new ones with times. No other thread may be putting commands on them when the profile starts and stops, and no mapping of a
            buffer may be open. False: commands on them have no times. Queues whose `int_ptr` was read, and a ProQue's, stay as they are.
    """

    __slots__ = ("_stopped", "_replaced")

    def __init__(self, max_records: int = 200_000, *, fresh_queues: bool = True) -> None:
        if isinstance(max_records, bool) or not isinstance(max_records, int):
            raise TypeError(f"max_records must be an integer; got {type(max_records).__name__}")
        if not 0 <= max_records < 2**64:
            raise ArgumentError(f"max_records is {max_records}, must be 0 or more")
        options = ffi.new("gpuc_profile_options *")
        check(lib.gpuc_profile_options_init(options, ffi.sizeof("gpuc_profile_options")))
        options.max_records = max_records
        self._stopped = False
        self._replaced: list[tuple[Queue, Any]] = []
        queues = Queue._replaceable() if fresh_queues else []
        for queue in queues:
            queue.finish()
        self._ptr = self._call(lib.gpuc_profile_start, options)
        try:
            for queue in queues:
                fresh = queue._with_times()
                self._replaced.append((queue, queue._ptr))
                queue._adopt(fresh)
        except BaseException:
            self.close()
            raise

    def _put_queues_back(self) -> None:
        failure: Error | None = None
        for queue, old in self._replaced:
            if queue.closed or queue._given_out:  # whoever knows the new one goes on using it
                lib.gpuc_queue_release(old)
                continue
            try:
                queue.finish()
            except Error as error:
                failure = failure or error
            fresh = queue._ptr
            queue._adopt(old)
            lib.gpuc_queue_release(fresh)
        self._replaced = []
        if failure is not None:
            raise failure

    def stop(self, timeout: float | None = 10.0) -> None:
        """Ends the profile and waits for the commands that it recorded. A second call does nothing.

        Args:
            timeout: seconds; None: without a limit. Commands that are not complete by then are left out and counted in `unfinished`.
        """
        if self._stopped:
            return
        limit = 2**64 - 1 if timeout is None else nanoseconds(timeout)
        try:
            self._put_queues_back()
        finally:
            check(lib.gpuc_profile_stop(self._ptr, limit))
            self._stopped = True

    def __exit__(self, *exc_info: object) -> None:
        try:
            self.stop()
        except Exception:
            if not any(exc_info):  # otherwise the first error matters more
                raise

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None and not self._stopped:
            self._stopped = True
            self._put_queues_back()
        return ptr

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # a command failed, which its event tells
            pass

    def _number(self, key: int) -> int:
        return number(lib.gpuc_profile_get_number, self._ptr, key)

    @property
    def rows(self) -> list[ProfileRow]:
        """One for all commands of one operation, name and device; the one that took longest first."""

        def read(row: int) -> ProfileRow:
            def figure(key: int) -> int:
                return number(lib.gpuc_profile_get_row_number, self._ptr, row, key)

            def word(key: int) -> str:
                return text(lib.gpuc_profile_get_row_string, self._ptr, row, key)

            return ProfileRow(word(lib.GPUC_PROFILE_OPERATION), word(lib.GPUC_PROFILE_NAME), word(lib.GPUC_PROFILE_DEVICE), figure(lib.GPUC_ROW_COUNT),
                       figure(lib.GPUC_ROW_TIMED), figure(lib.GPUC_ROW_FAILED), _CLOCKS[figure(lib.GPUC_ROW_CLOCK)],
                       figure(lib.GPUC_ROW_TOTAL_NS), figure(lib.GPUC_ROW_MIN_NS), figure(lib.GPUC_ROW_MEAN_NS), figure(lib.GPUC_ROW_MAX_NS),
                       figure(lib.GPUC_ROW_BYTES), figure(lib.GPUC_ROW_TIMED_BYTES), figure(lib.GPUC_ROW_HOST_NS))

        return [read(row) for row in range(self._number(lib.GPUC_PROFILE_ROWS))]

    @property
    def records(self) -> list[ProfileRecord]:
        """Commands one by one, in the order in which their calls were made."""
        return [self._record(record) for record in range(self._number(lib.GPUC_PROFILE_RECORDS))]

    def _record(self, record: int) -> ProfileRecord:
        def figure(key: int) -> int:
            return number(lib.gpuc_profile_get_record_number, self._ptr, record, key)

        def word(key: int) -> str:
            return text(lib.gpuc_profile_get_record_string, self._ptr, record, key)

        dims = figure(lib.GPUC_RECORD_DIMS)
        global_size = tuple(figure(lib.GPUC_RECORD_GLOBAL_X + axis) for axis in range(dims))
        local_size = tuple(figure(lib.GPUC_RECORD_LOCAL_X + axis) for axis in range(dims))
        code = figure(lib.GPUC_RECORD_CL_CODE)
        return ProfileRecord(word(lib.GPUC_PROFILE_OPERATION), word(lib.GPUC_PROFILE_NAME), word(lib.GPUC_PROFILE_DEVICE),
                      figure(lib.GPUC_RECORD_QUEUE), figure(lib.GPUC_RECORD_THREAD), word(lib.GPUC_PROFILE_THREAD),
                      figure(lib.GPUC_RECORD_CALL_BEGIN_NS), figure(lib.GPUC_RECORD_CALL_END_NS), _CLOCKS[figure(lib.GPUC_RECORD_CLOCK)],
                      figure(lib.GPUC_RECORD_BEGIN_NS), figure(lib.GPUC_RECORD_END_NS), figure(lib.GPUC_RECORD_DURATION_NS),
                      figure(lib.GPUC_RECORD_BYTES), code - 2**64 if code >= 2**63 else code, global_size,
                      local_size if any(local_size) else ())

    @property
    def dropped(self) -> int:
        """Records that found no room; rows count them."""
        return self._number(lib.GPUC_PROFILE_DROPPED)

    @property
    def unfinished(self) -> int:
        """Commands that were not complete at the end of `stop`."""
        return self._number(lib.GPUC_PROFILE_UNFINISHED)

    @property
    def duration(self) -> float:
        """Seconds from start to stop."""
        return self._number(lib.GPUC_PROFILE_DURATION_NS) / 1e9

    def table(self) -> str:
        """The rows as a table to be read."""
        return text(lib.gpuc_profile_report, self._ptr)

    def trace(self, path: Any) -> None:
        """Writes a trace file, for Perfetto (ui.perfetto.dev) or chrome://tracing."""
        import os

        name = os.fsencode(path)
        if b"\0" in name:
            raise ArgumentError("path holds a NUL character")
        check(lib.gpuc_profile_write_trace(self._ptr, name))

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {"duration_s": self.duration, "unfinished": self.unfinished, "dropped": self.dropped,
                "rows": [asdict(row) for row in self.rows], "records": [asdict(record) for record in self.records]}

    def __str__(self) -> str:
        return repr(self) if self.closed or not self._stopped else self.table()

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Profile, closed>"
        return f"<gpucompute.Profile of {len(self.rows)} rows>" if self._stopped else "<gpucompute.Profile, running>"


profile: Callable[..., Profile] = Profile
"""`with gpucompute.profile() as p:`, see Profile."""
