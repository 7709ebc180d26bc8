"""What is fast for matrix products on a device, measured there and kept in a table of the user's."""
from __future__ import annotations

import json
from typing import Any

from ._defaults import queue_of
from ._dtypes import type_number
from ._library import NULL, ffi, lib, text
from .device import Device
from .errors import check


def tune(queue: Any = None, *, dtype: Any = None, backend: str | None = None, max_size: int = 2048, seconds: float = 60.0) -> dict[str, Any]:
    """Measures which parameters and which backend multiply matrices fastest, stores that in the user's table, and uses it in the queue's context
    from now on. The device should have nothing else to do.

    Args:
        queue: a Queue; None: the default one.
        dtype: float16, bfloat16, float32, float64, complex64 or complex128; None: the first four, as far as the device computes them.
        backend: only the parameters of this one; None: all that have parameters, then the choice among all.
        max_size: of the matrices, which are square: 32 to 16384.
        seconds: no new measurement starts after these.

    Returns what the table has for the device then, as `tuning.table` does.
    """
    owner = queue_of(queue)
    options = ffi.new("gpuc_tune_options *")
    check(lib.gpuc_tune_options_init(options, ffi.sizeof("gpuc_tune_options")))
    options.type = lib.GPUC_TYPE_NONE if dtype is None else type_number(dtype)
    options.max_size = max_size
    options.seconds = seconds
    name = NULL if backend is None else ffi.new("char[]", backend.encode())
    options.backend = name
    check(lib.gpuc_tune(owner._ptr, options))
    return table(owner.device)


def table(device: Device | str | int | None = None) -> dict[str, Any]:
    """What the user's table has for a device: "values", parameters of backends, and "choices", which backend serves which products, each with
    "gain_percent" (110: 1.1 times as fast as without)."""
    owner = _device(device)
    result: dict[str, Any] = json.loads(text(lib.gpuc_tuning_get_json, owner._ptr))
    return result


def reset(device: Device | str | int | None = None) -> bool:
    """Forgets what the table has for a device; whether anything was measured there. Contexts that use it go on to do so."""
    owner, removed = _device(device), ffi.new("int32_t *")
    check(lib.gpuc_tuning_reset(owner._ptr, removed))
    return bool(removed[0])


def directory() -> str:
    """Where the table is; "" where it is not in use (the variable GPUC_TUNING is 0)."""
    return text(lib.gpuc_tuning_get_directory)


def _device(device: Device | str | int | None) -> Device:
    return device if isinstance(device, Device) else Device(device)
