"""A lock that a forked child finds open, whoever held it in the parent."""
from __future__ import annotations

import os
import threading


class Lock:
    """As threading.RLock: one thread may take it again, since a finaliser may run while it is held."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()
