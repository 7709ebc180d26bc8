"""numpy in, numpy out, on any OpenCL device.

Importing this touches no driver and loads no numpy: what is named here is loaded when it is first used.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

# What the package offers, and the module that has it.
_EXPORTS = {
    "platforms": "platform", "Platform": "platform",
    "devices": "device", "Device": "device", "Capabilities": "device",
    "Context": "context", "Memory": "context",
    "Queue": "queue",
    "Event": "event", "UserEvent": "event", "Times": "event", "wait_all": "event",
    "Buffer": "buffer", "Mapping": "mapping", "HostMemory": "host_memory",
    "Program": "program",
    "Kernel": "kernel", "KernelInfo": "kernel", "LocalMemory": "kernel", "Parameter": "_launch",
    "ProQue": "proque",
    "Profile": "_profile", "ProfileRow": "_profile", "ProfileRecord": "_profile", "profile": "_profile",
    "Array": "array", "Pending": "array",
    **dict.fromkeys(("GPUArray", "to_gpu", "empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like", "arange",
                     "asarray", "ascontiguousarray", "asnumpy", "from_numpy", "to_device", "copy", "broadcast_to", "transpose", "reshape",
                     "astype"), "creation"),
    "matmul": "linalg", "gemm": "linalg", "tune": "tuning", "from_dlpack": "dlpack",
    "DeviceArray": "device_array",
    **{f"DeviceArray_{name}": "device_array" for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64",
        "complex64", "complex128")},
    "default_device": "_defaults", "default_context": "_defaults", "default_queue": "_defaults",
    "doctor": "_doctor", "set_log": "_log",
    **dict.fromkeys(("Error", "EnvironmentProblem", "DeviceNotFound", "DeviceLost", "Forked", "ShuttingDown", "DriverError", "FileError",
                     "ArgumentError", "OutOfRange", "NotFound", "KernelArgumentError", "StateError", "ContextMismatch", "BuildError",
                     "ExecutionError", "OutOfMemory", "Timeout", "Unsupported", "InternalError"), "errors"),
    "__version__": "_version", "version": "_version", "library_path": "_version",
}
_MODULES = ("cache", "errors", "tuning")

if TYPE_CHECKING:
    from . import cache as cache, errors as errors, tuning as tuning
    from ._defaults import default_context as default_context, default_device as default_device, default_queue as default_queue
    from ._doctor import doctor as doctor
    from ._launch import Parameter as Parameter
    from ._log import set_log as set_log
    from ._profile import Profile as Profile, ProfileRecord as ProfileRecord, ProfileRow as ProfileRow, profile as profile
    from ._version import __version__ as __version__, library_path as library_path, version as version
    from .array import Array as Array, Pending as Pending
    from .buffer import Buffer as Buffer
    from .context import Context as Context, Memory as Memory
    from .device import Capabilities as Capabilities, Device as Device, devices as devices
    from .creation import (
        astype as astype, asarray as asarray, ascontiguousarray as ascontiguousarray, asnumpy as asnumpy,
        arange as arange, broadcast_to as broadcast_to, copy as copy, empty as empty,
        empty_like as empty_like, from_numpy as from_numpy, full as full, full_like as full_like,
        GPUArray as GPUArray, ones as ones, ones_like as ones_like, reshape as reshape,
        to_device as to_device, to_gpu as to_gpu, transpose as transpose, zeros as zeros,
        zeros_like as zeros_like,
    )
    from .device_array import (
        DeviceArray as DeviceArray, DeviceArray_bool as DeviceArray_bool,
        DeviceArray_int8 as DeviceArray_int8, DeviceArray_int16 as DeviceArray_int16,
        DeviceArray_int32 as DeviceArray_int32, DeviceArray_int64 as DeviceArray_int64,
        DeviceArray_uint8 as DeviceArray_uint8, DeviceArray_uint16 as DeviceArray_uint16,
        DeviceArray_uint32 as DeviceArray_uint32, DeviceArray_uint64 as DeviceArray_uint64,
        DeviceArray_float16 as DeviceArray_float16, DeviceArray_bfloat16 as DeviceArray_bfloat16,
        DeviceArray_float32 as DeviceArray_float32, DeviceArray_float64 as DeviceArray_float64,
        DeviceArray_complex64 as DeviceArray_complex64, DeviceArray_complex128 as DeviceArray_complex128,
    )
    from .dlpack import from_dlpack as from_dlpack
    from .errors import (
        ArgumentError as ArgumentError, BuildError as BuildError, ContextMismatch as ContextMismatch, DeviceLost as DeviceLost,
        DeviceNotFound as DeviceNotFound, DriverError as DriverError, EnvironmentProblem as EnvironmentProblem, Error as Error,
        ExecutionError as ExecutionError, FileError as FileError, Forked as Forked, InternalError as InternalError,
        KernelArgumentError as KernelArgumentError, NotFound as NotFound, OutOfMemory as OutOfMemory, OutOfRange as OutOfRange,
        ShuttingDown as ShuttingDown, StateError as StateError, Timeout as Timeout, Unsupported as Unsupported,
    )
    from .event import Event as Event, Times as Times, UserEvent as UserEvent, wait_all as wait_all
    from .host_memory import HostMemory as HostMemory
    from .kernel import Kernel as Kernel, KernelInfo as KernelInfo, LocalMemory as LocalMemory
    from .linalg import gemm as gemm, matmul as matmul
    from .mapping import Mapping as Mapping
    from .platform import Platform as Platform, platforms as platforms
    from .program import Program as Program
    from .proque import ProQue as ProQue
    from .queue import Queue as Queue
    from .tuning import tune as tune

__all__ = [name for name in (*_EXPORTS, *_MODULES) if not name.startswith("_")]


def __getattr__(name: str) -> Any:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS, *_MODULES})
