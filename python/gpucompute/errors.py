"""Statuses become exceptions here and nowhere else.

    Error
      EnvironmentProblem       1xx  the machine or the process, not the call
        DeviceNotFound               no platform, no device, none that fits
        DeviceLost                   the driver gave the device up
        Forked                       a child of fork() cannot use the parent's driver
        ShuttingDown                 the process is in exit()
        DriverError                  the driver refused, for a reason that has no status of its own
        FileError                    a file cannot be read, or no descriptor is left (also OSError)
      ArgumentError            2xx  a bad argument (also ValueError)
        OutOfRange                   past the end of something (also IndexError)
        NotFound                     no kernel, backend or header of that name (also LookupError)
        KernelArgumentError          does not fit the kernel's signature (also TypeError)
        StateError                   the object is closed, or not in a state that allows the call
        ContextMismatch              objects of different contexts
      BuildError               3xx  the program does not compile; .build_log has the whole log
      ExecutionError           4xx  a command failed while it ran
        OutOfMemory                  of the device or the host (also MemoryError)
        Timeout                      not complete yet (also TimeoutError)
      Unsupported              5xx  not on this device (also NotImplementedError)
      InternalError            9xx  a fault of the library
"""
from __future__ import annotations

from typing import Any


class Error(Exception):
    """Base of all exceptions of this package.

    Attributes:
        status: the status of the C ABI, such as 204.
        cl_code: the OpenCL error code behind it; 0 where no OpenCL call failed.
        routine: the OpenCL function that failed, such as "clBuildProgram"; "" where none did.
        build_log: what does not fit one line: the whole build log, or a report of the memory in use; often "".
    """

    default_status = 901

    def __init__(self, message: str, status: int | None = None, cl_code: int = 0, routine: str = "", build_log: str = ""):
        super().__init__(message)
        self.status = self.default_status if status is None else status
        self.cl_code = cl_code
        self.routine = routine
        self.build_log = build_log

    @property
    def status_name(self) -> str:
        """Such as "GPUC_ERROR_OUT_OF_RANGE"."""
        from ._gpucompute import ffi, lib

        return str(ffi.string(lib.gpuc_status_name(self.status)).decode())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.status, self.cl_code, self.routine, self.build_log)


class EnvironmentProblem(Error):
    default_status = 106


class DeviceNotFound(EnvironmentProblem):
    default_status = 102


class DeviceLost(EnvironmentProblem):
    default_status = 103


class Forked(EnvironmentProblem):
    default_status = 104


class ShuttingDown(EnvironmentProblem):
    default_status = 105


class DriverError(EnvironmentProblem):
    default_status = 106


class FileError(EnvironmentProblem, OSError):
    default_status = 107


class ArgumentError(Error, ValueError):
    default_status = 201


class OutOfRange(ArgumentError, IndexError):
    default_status = 204


class NotFound(ArgumentError, LookupError):
    default_status = 209


class KernelArgumentError(ArgumentError, TypeError):
    default_status = 210


class StateError(ArgumentError):
    default_status = 211


class ContextMismatch(ArgumentError):
    default_status = 212


class BuildError(Error):
    default_status = 301


class ExecutionError(Error):
    default_status = 403


class OutOfMemory(ExecutionError, MemoryError):
    default_status = 401


class Timeout(ExecutionError, TimeoutError):
    default_status = 404


class Unsupported(Error, NotImplementedError):
    default_status = 501


class InternalError(Error):
    default_status = 901


_CLASSES: dict[int, type[Error]] = {
    101: DeviceNotFound, 102: DeviceNotFound, 103: DeviceLost, 104: Forked, 105: ShuttingDown, 106: DriverError, 107: FileError,
    203: StateError, 204: OutOfRange, 209: NotFound, 210: KernelArgumentError, 211: StateError, 212: ContextMismatch,
    401: OutOfMemory, 402: OutOfMemory, 404: Timeout, 405: OutOfMemory,
}
_GROUPS: dict[int, type[Error]] = {1: DriverError, 2: ArgumentError, 3: BuildError, 4: ExecutionError, 5: Unsupported}


def class_of(status: int) -> type[Error]:
    """The exception class for a status; for one that a newer library has, that of its group."""
    return _CLASSES.get(status) or _GROUPS.get(status // 100, InternalError)


def last_error(status: int) -> Error:
    """The exception for a call of this thread that just failed with `status`."""
    from ._gpucompute import ffi, lib

    def read(text: Any) -> str:
        return str(ffi.string(text).decode("utf-8", "replace"))

    message = read(lib.gpuc_last_error_message())
    if status == lib.GPUC_ERROR_NO_PLATFORM:
        message += "; pip install 'gpucompute[cpu]' brings a driver for the CPU"
    return class_of(status)(message, status, int(lib.gpuc_last_error_cl_code()), read(lib.gpuc_last_error_routine()),
                            read(lib.gpuc_last_error_detail()))


def check(status: int) -> None:
    """Raises the exception for a status that is not GPUC_OK."""
    if status:
        raise last_error(status)
