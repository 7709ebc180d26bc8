"""Before the library is loaded: an OpenCL loader for it, and, where the system has no driver, a CPU driver that pip installed.

`pip install gpucompute[cpu]` brings Intel's CPU driver (intel-opencl-rt), but no file in /etc/OpenCL/vendors that would tell a loader of it. So
where no driver is registered there, and no variable says otherwise, OCL_ICD_VENDORS (for Khronos' loader OCL_ICD_FILENAMES) is set for this
process, and so for its children, to the library of the first of these that is installed: intel-opencl-rt, pocl-binary-distribution.

A wheel has an OpenCL loader of its own, which is loaded only where the system has none.
"""
from __future__ import annotations

import os
import sys
from typing import Any

VARIABLES = ("OCL_ICD_VENDORS", "OCL_ICD_FILENAMES", "OPENCL_VENDOR_PATH")
VENDORS = "/etc/OpenCL/vendors"
_LIBRARY_FOLDERS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/local/lib64")
_HERE = os.path.dirname(os.path.abspath(__file__))


def prepare() -> None:
    """Called once, before the library, and with it the OpenCL loader, is loaded. Opens no driver."""
    global _loader
    if sys.platform.startswith("linux"):
        _loader = load_loader()
        if not any(os.environ.get(name) for name in VARIABLES) and not registered():
            driver = installed()
            if driver is not None:
                os.environ["OCL_ICD_FILENAMES" if _takes_files() else "OCL_ICD_VENDORS"] = driver


def registered(vendors: str = VENDORS) -> bool:
    """Whether a file of the system names a driver that is there."""
    try:
        names = os.listdir(vendors)
    except OSError:
        return False
    for name in names:
        if name.endswith(".icd"):
            try:
                with open(os.path.join(vendors, name), encoding="utf-8", errors="replace") as file:
                    library = file.readline().strip()
            except OSError:
                continue
            if library and _exists(library):
                return True
    return False


def _exists(library: str) -> bool:
    """Whether the dynamic linker would find a library, as far as can be told without loading it."""
    if os.path.isabs(library):
        return os.path.exists(library)
    folders = [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    machine = os.uname().machine
    for folder in (*_LIBRARY_FOLDERS, *(f"{base}/{machine}-linux-gnu" for base in ("/usr/lib", "/lib"))):
        folders.append(folder)
    if any(os.path.exists(os.path.join(folder, library)) for folder in folders):
        return True
    try:  # other folders that the system's administrator has named
        with open("/etc/ld.so.cache", "rb") as cache:
            return b"/" + os.fsencode(library) + b"\0" in cache.read()
    except OSError:
        return False


def installed() -> str | None:
    """The library of a CPU driver from PyPI in this environment."""
    site = os.path.dirname(_HERE)
    prefixes = [sys.prefix, os.path.dirname(os.path.dirname(os.path.dirname(site)))]
    for prefix in prefixes:  # intel-opencl-rt has its library in the environment's lib/
        library = os.path.join(prefix, "lib", "libintelocl.so")
        if os.path.exists(library):
            return library
    for folder in (site, *sys.path):  # pocl-binary-distribution lies where PyOpenCL looks
        libraries = os.path.join(folder, "pyopencl", ".libs")
        try:
            with open(os.path.join(libraries, "pocl.icd"), encoding="utf-8") as file:
                library = os.path.join(libraries, file.readline().strip())
        except OSError:
            continue
        if os.path.exists(library):
            return library
    return None


_loader: Any = None  # stays loaded


def load_loader() -> Any:
    """libOpenCL.so.1, which the library needs: the system's, or else the one in the wheel."""
    import _cffi_backend  # type: ignore[import-untyped,unused-ignore]

    try:
        return _cffi_backend.load_library("libOpenCL.so.1", os.RTLD_NOW)
    except OSError:
        own = os.path.join(_HERE, "loader", "libOpenCL.so.1")
        return _cffi_backend.load_library(own, os.RTLD_NOW) if os.path.exists(own) else None


def _takes_files() -> bool:
    """Whether the loader knows OCL_ICD_FILENAMES (Khronos' does); ocl-icd takes a library in OCL_ICD_VENDORS as the driver itself."""
    try:
        with open("/proc/self/maps") as maps:
            path = next(line.split(None, 5)[5].rstrip("\n") for line in maps if "/libOpenCL.so" in line)
        with open(path, "rb") as file:
            return b"OCL_ICD_FILENAMES" in file.read()
    except (OSError, StopIteration):
        return False
