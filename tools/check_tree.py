#!/usr/bin/env python3
"""Checks the rules of the source tree: who may include whom, and what may not appear in the library.

Each rule is one function below; its docstring is the rule.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [{"support"}, {"profile"}, {"runtime"}, {"program"}, {"gemm", "array", "moe"}]  # each may include those before it
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
LINE_LIMIT = 800
CODE = {".c", ".h", ".cpp", ".hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
OUTPUT = re.compile(r"\b(?:std::)?(?:cout|cerr|clog|stdout|stderr)\b|(?<![\w.>])(?:std::)?(?:printf|puts|putchar|perror|vprintf)\s*\(")
ENDING = re.compile(r"(?<![\w.>])(?:std::)?(?:abort|exit|_exit|_Exit|quick_exit|terminate)\s*\(|\bassert\s*\(")


class File:
    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.parts = path.relative_to(ROOT).parts
        self.text = path.read_text()
        self.code = blank(self.text)

    def includes(self):
        """(line, name) of each #include."""
        for match in INCLUDE.finditer(self.text):
            if self.code[match.start() :].lstrip().startswith("#"):  # not in a comment
                yield self.line(match.start(2)), match.group(2)

    def line(self, position):
        return self.text.count("\n", 0, position) + 1

    @property
    def room(self):
        """support, runtime, ... for a file in src/."""
        return self.parts[1] if self.parts[0] == "src" and len(self.parts) > 2 else None


def blank(text):
    """The text with comments and literals as blanks: offsets stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def layers_point_down(file):
    """support <- runtime <- program <- gemm, array, moe: a folder of src/ includes itself and those before it."""
    if file.room is None:
        return
    if file.room not in RANK:
        yield 1, f"src/{file.room} has no place in the order of folders (tools/check_tree.py: LAYERS)"
        return
    for line, name in file.includes():
        other = name.split("/")[0]
        if "/" in name and other in RANK and other != file.room and RANK[other] >= RANK[file.room]:
            yield line, f"src/{file.room} must not include src/{other} ({name})"


def core_knows_no_upper_layer(file):
    """src/ and the public C++ headers include nothing of capi/ or Python."""
    if file.parts[0] != "src" and not (file.parts[0] == "include" and file.path.suffix == ".hpp"):
        return
    for line, name in file.includes():
        if re.search(r"(^|/)(capi|python)/|^Python\.h$", name) or (ROOT / "capi" / name).is_file():
            yield line, f"the core must not include {name}"


def paths_start_at_the_root(file):
    """Includes of src/ are written from src/, without '..'."""
    if file.parts[0] in ("src", "capi"):
        for line, name in file.includes():
            if ".." in name.split("/"):
                yield line, f"include without '..': {name}"


def clblast_in_one_file(file):
    """Only src/gemm/clblast_backend.cpp includes CLBlast."""
    if file.parts[0] in ("src", "capi", "include") and file.name != "src/gemm/clblast_backend.cpp":
        for line, name in file.includes():
            if "clblast" in name.lower() and not name.startswith("gemm/clblast_"):
                yield line, "only src/gemm/clblast_backend.cpp includes CLBlast"


def one_guard(file):
    """In capi/, try and catch are in guard.hpp alone, and OpenCL is not called."""
    if file.parts[0] != "capi" or file.parts[1] == "examples":
        return
    if file.name != "capi/guard.hpp":
        for match in re.finditer(r"\b(try\s*\{|catch\s*\()", file.code):
            yield file.line(match.start()), "try and catch belong in capi/guard.hpp"
    for match in re.finditer(r"(?<!\w)::?\s*(cl[A-Z]\w+)\s*\(|(?<![\w:.>])(cl[A-Z]\w+)\s*\(", file.code):
        yield file.line(match.start()), f"capi/ makes no OpenCL calls ({match.group(1) or match.group(2)})"


def never_prints_or_ends(file):
    """The library never prints and never ends the process."""
    if file.parts[0] not in ("src", "capi", "include") or file.parts[:2] == ("capi", "examples"):
        return
    for pattern, what in ((OUTPUT, "the library never prints"), (ENDING, "the library never ends the process")):
        for match in pattern.finditer(file.code):
            yield file.line(match.start()), f"{what}: {match.group().strip().rstrip('(').strip()}"


def files_are_short(file):
    """A file of src/ or capi/ has at most 800 lines."""
    count = file.text.count("\n")
    if file.parts[0] in ("src", "capi") and count > LINE_LIMIT:
        yield LINE_LIMIT, f"{count} lines, at most {LINE_LIMIT}: split it"


RULES = [layers_point_down, core_knows_no_upper_layer, paths_start_at_the_root, clblast_in_one_file, one_guard,
         never_prints_or_ends, files_are_short]


def main():
    files = [File(path) for room in ("src", "capi", "include") for path in sorted((ROOT / room).rglob("*"))
             if path.is_file() and path.suffix in CODE]
    problems = [f"{file.name}:{line}: {what}" for file in files for rule in RULES for line, what in rule(file)]
    for problem in problems:
        print(problem)
    print(f"check_tree: {len(files)} files, {len(RULES)} rules, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
