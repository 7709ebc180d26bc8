#!/usr/bin/env python3
"""Writes the C source of gpucompute._gpucompute, the cffi module (out-of-line API mode); CMake runs this and compiles the result.

    build_ffi.py OUTPUT.c
"""
import sys
from pathlib import Path

import cffi

HERE = Path(__file__).resolve().parent
CDEF = HERE.parent / "gpucompute" / "_cdef.h"

# Functions that Python gives to the library.
CALLBACKS = """
extern "Python" void gpuc_py_log(void *user_data, gpuc_log_level level, const char *message);
"""


def main():
    ffi = cffi.FFI()
    ffi.cdef(CDEF.read_text())
    ffi.cdef((HERE / "launch.h").read_text().split("/* cdef */")[1])
    ffi.cdef((HERE / "call.h").read_text().split("/* cdef */")[1])
    ffi.cdef((HERE / "native.h").read_text().split("/* cdef */")[1])
    ffi.cdef((HERE / "interchange.h").read_text().split("/* cdef */")[1])
    ffi.cdef(CALLBACKS)
    ffi.set_source("gpucompute._gpucompute", '#include <gpucompute/gpucompute.h>\n#include "launch.h"\n#include "call.h"\n#include "native.h"\n#include "interchange.h"\n')
    ffi.emit_c_code(sys.argv[1])


if __name__ == "__main__":
    main()
