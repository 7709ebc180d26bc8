#!/usr/bin/env python3
"""Compares the C ABI with that of the last release.

    check_abi.py            report what would break a program that was compiled then; exit status 1 if anything does
    check_abi.py --accept   take today's as the new baseline; to be done for a release, not for a change

The functions and structures are compared by abidiff, on a library with the header's functions and nothing in them
(make_abi_stub.py); the constants by name and value. Functions may be added, structures that carry their size may grow
at their end (capi/abi/growth.abignore). Exit status 77: abidiff is not installed.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import header

ABI = header.ROOT / "capi" / "abi"
BASELINE = ABI / "baseline.abi"
CONSTANTS = ABI / "baseline_constants.txt"
CDEF = header.ROOT / "python" / "gpucompute" / "_cdef.h"
SKIPPED = 77


def describe(folder):
    """Writes the ABI of today's header; gives the file."""
    stub = subprocess.run([sys.executable, header.ROOT / "tools" / "make_abi_stub.py"], check=True, stdout=subprocess.PIPE)
    (folder / "stub.c").write_bytes(stub.stdout)
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-g", "-shared", "-fPIC", f"-I{header.ROOT / 'include'}", "-o", "libgpucompute.so", "stub.c"],
                   check=True, cwd=folder)
    written = subprocess.run(["abidw", "--headers-dir", header.ROOT / "include", "--no-corpus-path", "--no-comp-dir-path",
                              "--no-show-locs", "--no-elf-needed", "--no-architecture", "--type-id-style", "hash",
                              "libgpucompute.so"], check=True, cwd=folder, stdout=subprocess.PIPE, text=True).stdout
    path = folder / "today.abi"
    path.write_text(re.sub(r"path='[^']*stub\.c'", "path='gpucompute.h'", written))
    return path


def constants():
    """The lines "NAME VALUE" of today's header."""
    text = re.sub(r"/\*.*?\*/", "", CDEF.read_text(), flags=re.S)
    return [f"{name} {value}" for name, value in re.findall(r"^\s+(GPUC_\w+) = ([^,\n]+),?$", text, re.M)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true")
    arguments = parser.parse_args()
    if not shutil.which("abidiff"):
        print("check_abi: skipped: abidiff is not installed (package abigail-tools)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        today = describe(Path(folder))
        if arguments.accept:
            shutil.copyfile(today, BASELINE)
            CONSTANTS.write_text("\n".join(constants()) + "\n")
            return 0
        compared = subprocess.run(["abidiff", "--no-added-syms", "--suppressions", ABI / "growth.abignore", BASELINE, today],
                                  check=False, stdout=subprocess.PIPE, text=True)
    if compared.returncode:
        print(compared.stdout)
    have = set(constants())
    gone = [line for line in CONSTANTS.read_text().splitlines() if line not in have]
    for line in gone:
        print(f"check_abi: the constant {line} is gone or has another value")
    print(f"check_abi: {'compatible' if not compared.returncode and not gone else 'NOT compatible'} with the baseline")
    return 1 if compared.returncode or gone else 0


if __name__ == "__main__":
    sys.exit(main())
