#!/usr/bin/env python3
"""Prints which part of our own code the tests ran, by room, from the counters of a build with the preset coverage.

    coverage.py BUILD_FOLDER

BUILD_FOLDER/report/missed.txt has every condition that was not both true and false, report/html every line.

The counters are those of clang's source-based coverage: each operand of && and ||, each condition of if, ?:, for and while, and each case has
two branches, true and false. There are no others, so nothing need be left out of what the compiler adds for exceptions, temporaries and static
objects. The instances of a template count as one: a branch of it is taken where one instance takes it. Left out are
  * conditions that the compiler decides: while (true), and those of if constexpr;
  * the default of a switch that has none, over an enum class: all of its values have a case, or -Wswitch stops the build.

What only NVIDIA's GPUs run is counted apart, because no device of an ordinary machine can run it.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The backends that refuse every other device, and what only they use.
ONLY_NVIDIA = ("src/gemm/nvidia_", "src/gemm/tensor_maps", "src/gemm/tile_launch", "src/gemm/tile_shape", "src/gemm/wgmma_plan")


def room_of(name):
    if name.startswith(ONLY_NVIDIA):
        return "gemm, NVIDIA's GPUs only"
    parts = name.split("/")
    return parts[0] if parts[0] == "capi" else "/".join(parts[:2])


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def row(name, numbers):
    lines, lines_run, branches, branches_run = numbers
    return f"{name:28} {branches_run:6} of {branches:6} {percent(branches_run, branches)}   {lines_run:6} of {lines:6} {percent(lines_run, lines)}"


def is_left_out(lines, line, column):
    before = lines[line - 1][:column - 1]
    if before.rstrip().endswith("switch ("):  # counted there: that no case is taken
        return bool(re.match(r"\s*case \w+(::\w+)+:", lines[line]))
    return "if constexpr (" in before


def conditions_of(file, lines):
    """{(line, column): [times true, times false]}"""
    out = {}
    for line, column, _, _, when_true, when_false, *_ in file["branches"] + [b for e in file["expansions"] for b in e["branches"]]:
        if not is_left_out(lines, line, column):
            counts = out.setdefault((line, column), [0, 0])
            counts[0] += when_true
            counts[1] += when_false
    return out


def missed_of(lines, conditions):
    for (line, column), counts in sorted(conditions.items()):
        if not all(counts):
            never = " and ".join(word for word, count in zip(("true", "false"), counts) if not count)
            text = lines[line - 1]
            yield f"{line:5}:{column:<4} never {never:14} {text[:column - 1]}▸{text[column - 1:]}\n"


def main():
    build = Path(sys.argv[1]).resolve()
    report = build / "report"
    report.mkdir(exist_ok=True)
    for tool in ("llvm-profdata", "llvm-cov"):
        if not shutil.which(tool):
            sys.exit(f"coverage: needs {tool} (package llvm)")
    merged = report / "merged.profdata"
    subprocess.run(["llvm-profdata", "merge", "--sparse", "--failure-mode=all", "-o", merged, *(build / "counters").glob("*.profraw")], check=True)
    where = [f"--instr-profile={merged}", build / "libgpucompute.so", "--object", build / "tests" / "core" / "core_tests",
             ROOT / "src", ROOT / "capi"]
    exported = subprocess.run(["llvm-cov", "export", "--skip-functions", *where], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["llvm-cov", "show", "--format=html", "--show-branches=count", f"--output-dir={report / 'html'}", *where], check=True)
    rooms, total, files, missed = {}, [0, 0, 0, 0], [], {}
    for file in json.loads(exported)["data"][0]["files"]:
        name = Path(file["filename"]).resolve().relative_to(ROOT).as_posix()
        source, lines = (ROOT / name).read_text().splitlines(), file["summary"]["lines"]
        conditions = conditions_of(file, source)
        edges = [count for counts in conditions.values() for count in counts]
        numbers = [lines["count"], lines["covered"], len(edges), sum(map(bool, edges))]
        room = rooms.setdefault(room_of(name), [0, 0, 0, 0])
        if not room_of(name).startswith("gemm,"):
            files.append((name, numbers))
        missed[name] = list(missed_of(source, conditions))
        for index, number in enumerate(numbers):
            room[index] += number
            if not room_of(name).startswith("gemm,"):
                total[index] += number
    print(f"{'':28} {'branches':>24}   {'lines':>24}")
    for name in sorted(rooms):
        if not name.startswith("gemm,"):
            print(row(name, rooms[name]))
    print(row("all of these", total))
    for name in sorted(rooms):
        if name.startswith("gemm,"):
            print(row(name, rooms[name]))
    files.sort(key=lambda file: file[1][3] - file[1][2])
    print("\nThe files with most branches that were not taken:")
    for name, numbers in files[:15]:
        print(row(name[-28:], numbers))
    (report / "missed.txt").write_text("".join(f"{name}\n{''.join(missed[name])}" for name, _ in files if missed[name]))
    print(f"\nEach of them: {(report / 'missed.txt').relative_to(ROOT)}. Every line: {(report / 'html/index.html').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
