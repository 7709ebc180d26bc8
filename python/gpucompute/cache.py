"""The on-disk cache of built programs."""
from __future__ import annotations

from ._library import ffi, lib, number, text
from .errors import check


class Statistics:
    """Figures of the cache; hits to store_failures count since the process started."""

    def __init__(self) -> None:
        self.hits = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_HITS)
        self.misses = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_MISSES)
        self.rejected = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_REJECTED)
        """damaged entries that were removed"""
        self.stores = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_STORES)
        self.store_failures = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_STORE_FAILURES)
        self.entries = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_ENTRIES)
        """on disk now"""
        self.bytes = number(lib.gpuc_cache_get_number, lib.GPUC_CACHE_BYTES)

    def __repr__(self) -> str:
        return f"Statistics({', '.join(f'{key}={value}' for key, value in vars(self).items())})"


def statistics() -> Statistics:
    return Statistics()


def directory() -> str:
    """Where it is; "" where it is not in use."""
    return text(lib.gpuc_cache_get_directory)


def verify() -> tuple[int, int]:
    """Reads every entry and removes the damaged ones: (how many there were, how many were removed)."""
    checked, removed = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    check(lib.gpuc_cache_verify(checked, removed))
    return int(checked[0]), int(removed[0])


def clear() -> int:
    """Removes all entries; how many there were."""
    return number(lib.gpuc_cache_clear)
