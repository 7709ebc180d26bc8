#!/usr/bin/env python3
"""Checks that every status that the C header documents for a function has a test.

    check_statuses.py [FOLDER]             compare the header with the notes in the tests (FOLDER: tests/capi)
    check_statuses.py --produced RECORDS   also compare it with what the tests brought about (make_status_recorder.py)
    check_statuses.py --table FILE         write the documented statuses as a C++ table, for tests that need them

A note is a comment next to the check: `// documented: gpuc_buffer_slice GPUC_ERROR_OUT_OF_RANGE`, with one or more statuses.
A status that nothing at hand can provoke has a line `// unprovoked: FUNCTION STATUS: reason` instead.
The common statuses of the header's section 1 belong to no function; they have notes with the function `common`.
"""
import argparse
import os
import re
import sys
from pathlib import Path

import header

STATUS = re.compile(r"\bGPUC_ERROR_\w+\b")
NOTE = re.compile(r"//\s*(?P<kind>documented|unprovoked):\s*(?P<function>\w+)\s+(?P<statuses>GPUC_ERROR_\w+(?:[\s,]+GPUC_ERROR_\w+)*)")
# Inherited by "as gpuc_other", although what they take cannot bring it about.
IMPOSSIBLE = {
    ("gpuc_proque_write", "GPUC_ERROR_OUT_OF_RANGE"),  # always the whole buffer
    ("gpuc_proque_read", "GPUC_ERROR_OUT_OF_RANGE"),
}
# "as gpuc_gemm for the description alone": without those that need the matrices.
NEED_BUFFERS = {"GPUC_ERROR_OUT_OF_RANGE", "GPUC_ERROR_MISALIGNED", "GPUC_ERROR_OVERLAP", "GPUC_ERROR_CONTEXT_MISMATCH"}

# What section 1 of the header says of asynchronous functions.
TOO_MANY_WAITS = "GPUC_ERROR_INVALID_ARGUMENT"


def common_statuses(text):
    """Those that section 1 lists for every function."""
    block = text[text.index("These common statuses") : text.index("A failing call changes nothing")]
    return set(STATUS.findall(block))


def documented(functions):
    """Function -> its statuses, with "as gpuc_other" resolved."""
    by_name = {function.name: function for function in functions}
    found = {}

    def resolve(name):
        if name in found:
            return found[name]
        text = by_name[name].tag("return") or ""
        own, _, less = text.partition("less ")
        less, _, rest = less.partition(".")
        statuses = set(STATUS.findall(own)) | set(STATUS.findall(rest))
        # "X: as gpuc_other" gives the condition of X; "as gpuc_other" alone gives all of the other's statuses.
        for match in re.finditer(r"(?<!: )\b[Aa]s (gpuc_\w+)( for the description alone)?", text):
            statuses |= resolve(match.group(1)) - (NEED_BUFFERS if match.group(2) else set())
        statuses -= set(STATUS.findall(less))
        statuses -= {status for function, status in IMPOSSIBLE if function == name}
        statuses.discard("GPUC_ERROR_UNKNOWN")
        found[name] = statuses
        return statuses

    for function in functions:
        resolve(function.name)
    return found


def notes(folder):
    """(function, status) -> (where, documented or unprovoked), for every note."""
    found = {}
    for path in sorted(folder.glob("*.[ch]pp")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in NOTE.finditer(line):
                for status in STATUS.findall(match["statuses"]):
                    found.setdefault((match["function"], status), (f"{path.name}:{number}", match["kind"]))
    return found


def produced(folder, text):
    """The (function, status) pairs that the tests recorded in that folder."""
    names = {value: name for name, value in header.statuses(text).items()}
    found = set()
    for path in folder.glob("*.txt"):
        for line in path.read_text().splitlines():
            function, value = line.split()
            found.add((function, names.get(int(value), value)))
    return found


def compare_with_produced(table, asynchronous, have, found):
    """What the tests brought about is documented, and the other way round."""
    for function, status in sorted(found):
        known = table[function] | table["common"] | ({TOO_MANY_WAITS} if function in asynchronous else set())
        if status != "GPUC_OK" and status not in known:
            yield f"{function} gave {status}, which the header does not document for it"
    if os.environ.get("GPUC_DEVICE", "pocl") not in ("", "pocl"):
        return  # there some statuses cannot be provoked
    statuses_of_any = {status for _, status in found}
    for (function, status), (where, kind) in sorted(have.items()):
        if kind == "documented" and (status not in statuses_of_any if function == "common"
                                     else (function, status) not in found):
            yield f"{where}: no test made {function} give {status}"
        elif kind == "unprovoked" and (function, status) in found:
            yield f"{where}: {function} did give {status}"
    for function in sorted(set(table) - {"common"} - {function for function, _ in found}):
        yield f"no test calls {function}"


def write_table(path, text, table):
    known = header.statuses(text)
    lines = ["// Made from gpucompute.h by tools/check_statuses.py.", ""]
    for name in sorted(table, key=len):
        values = ", ".join(str(known[status]) for status in sorted(table[name], key=known.get))
        lines.append(f'{{"{name}", {{{values}}}}},')
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=header.ROOT / "tests" / "capi")
    parser.add_argument("--produced", type=Path, help="the folder with what the tests recorded")
    parser.add_argument("--table", type=Path, help="write the table and check nothing")
    arguments = parser.parse_args()

    text = header.HEADER.read_text()
    functions = header.fallible(text)
    table = documented(functions)
    table["common"] = common_statuses(text)
    if arguments.table:
        write_table(arguments.table, text, table)
        return 0

    problems = []
    have = notes(arguments.folder)
    for name, statuses in table.items():
        for status in sorted(statuses):
            if (name, status) not in have:
                problems.append(f"no test for {name} {status}")
    for (name, status), (where, _) in sorted(have.items()):
        if name not in table:
            problems.append(f"{where}: {name} is no function of the header")
        elif status not in table[name] | table["common"]:
            problems.append(f"{where}: the header does not document {status} for {name}")
    if arguments.produced:
        found = produced(arguments.produced, text)
        problems += compare_with_produced(table, {f.name for f in functions if f.tag("async") is not None}, have, found)
        print(f"check_statuses: {len(found)} pairs of function and status recorded")
    for line in problems:
        print(line)
    print(f"check_statuses: {sum(map(len, table.values()))} statuses of {len(table)} functions, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
