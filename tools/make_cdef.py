#!/usr/bin/env python3
"""Writes python/gpucompute/_cdef.h: the declarations of the C header as cffi and LuaJIT's ffi.cdef read them.

    make_cdef.py          write it
    make_cdef.py --check  exit status 1 if the file is not what would be written
    make_cdef.py --stdout print it
"""
import argparse
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys

import header

CDEF = header.ROOT / "python" / "gpucompute" / "_cdef.h"
PREAMBLE = "/* Generated from include/gpucompute/gpucompute.h by tools/make_cdef.py. Do not edit. */\n"


def preprocess():
    compiler = shlex.split(os.environ.get("CC", "")) or [next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), "cc")]
    command = [*compiler, "-E", "-P", "-DGPUC_CDEF", "-x", "c", str(header.HEADER)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def layout(text):
    """One declaration, member or enumerator per line: the same for every compiler's preprocessor."""
    out = ""
    braces = []  # what each open brace belongs to: "enum", or "typedef struct gpuc_arg" and the like
    before = ""
    for piece in re.split(r"([{};,])", " ".join(text.split())):
        piece = piece.strip()
        if piece == "{":
            braces.append(before)
            out += " {\n" + "  " * len(braces)
        elif piece == "}":
            braces.pop()
            out = out.rstrip() + "\n" + "  " * len(braces) + "}"
        elif piece == ";" or (piece == "," and braces and braces[-1] == "enum"):
            out += piece + "\n" + "  " * len(braces)
        elif piece == ",":
            out += ", "
        elif piece:
            out += (" " if out.endswith("}") else "") + piece
        before = piece or before
    return PREAMBLE + out.strip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--stdout", action="store_true", help="print, write nothing")
    arguments = parser.parse_args()

    text = layout(preprocess())
    if arguments.stdout:
        sys.stdout.write(text)
        return 0
    if not arguments.check:
        CDEF.parent.mkdir(parents=True, exist_ok=True)
        CDEF.write_text(text)
        return 0
    path = str(CDEF.relative_to(header.ROOT))
    got = CDEF.read_text() if CDEF.exists() else ""
    if got == text:
        print(f"make_cdef: {path} is up to date")
        return 0
    sys.stdout.writelines(difflib.unified_diff(got.splitlines(True), text.splitlines(True), path, "from the header", n=1))
    print(f"make_cdef: {path} is out of date: run ./dev cdef")
    return 1


if __name__ == "__main__":
    sys.exit(main())
