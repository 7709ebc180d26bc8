"""Keeping host memory alive while commands use it, whatever the program drops or closes."""
from __future__ import annotations

import atexit
import time
from collections import OrderedDict
from typing import Any

from ._library import address, ffi, lib
from ._lock import Lock
from .errors import check

_lock = Lock()
_state_out = ffi.typeof("gpuc_event_state *")
_crowded = 64

pending: OrderedDict[int, tuple[Any, Any]] = OrderedDict()  # by event: (a reference of our own on it, what it needs)


def hold(event: Any, *objects: Any) -> None:
    """Keeps objects until a command, a gpuc_event, is complete."""
    global _crowded
    check(lib.gpuc_event_retain(event))
    own = ffi.gc(event, lib.gpuc_event_release)
    with _lock:
        pending[address(event)] = (own, objects)
    prune()
    if len(pending) > _crowded:  # one that takes long must not keep all those after it
        with _lock:
            done = [pending.pop(key) for key in [key for key, (each, _) in pending.items() if _complete(each)]]
            _crowded = max(64, 2 * len(pending))
        del done


def prune(event: Any = None) -> None:
    """Lets go what a complete event held, and what the oldest did; in-order queues complete them in this order."""
    done = []
    with _lock:
        if event is not None:
            done.append(pending.pop(address(event), None))
        while pending:
            key, (oldest, _) = next(iter(pending.items()))
            if not _complete(oldest):
                break
            done.append(pending.pop(key))
    del done  # outside the lock


def _complete(event: Any) -> bool:
    state = ffi.new(_state_out)
    status = lib.gpuc_event_get_state(event, state)
    return bool(status or state[0] >= lib.GPUC_EVENT_COMPLETE)  # an event that can say nothing more will not complete either


@atexit.register
def drain() -> None:
    """Before the interpreter frees its memory: waits for what uses it, two seconds at most; what is left keeps its memory for good."""
    limit = time.monotonic() + 2
    while pending:
        _, item = pending.popitem(last=False)
        left = max(0.0, limit - time.monotonic())
        if lib.gpuc_event_wait_for(item[0], int(left * 1e9)) == lib.GPUC_ERROR_TIMEOUT:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))
