"""The version, and where the library is."""
from __future__ import annotations

import os

from ._library import ffi, lib

__version__: str = ffi.string(lib.gpuc_version_string()).decode()


def version() -> tuple[int, int, int]:
    """(major, minor, patch) of the library that is running."""
    number = int(lib.gpuc_version())
    return number // 1000000, number // 1000 % 1000, number % 1000


def library_path() -> str:
    """The file of the C library, for ctypes and other bindings in the same process; "" if the system does not tell."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if os.path.basename(path).startswith("libgpucompute.so"):
                return "/" + path
    return ""
