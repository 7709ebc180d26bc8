#!/usr/bin/env python3
"""What a run of ctest proved: tests that passed, that were skipped and why, that failed.

tally.py CTEST.xml [--device NAME] [--known oclgrind_known.txt] [--json FILE]

Reads the JUnit file that ctest writes and, in it, what the programs print: the counts of doctest's programs
(tests/support/test_main.hpp) and of pytest; everything else counts as one test; and the figures. With --known, what a checker reports
and that file does not explain is a failure. The exit status is 1 if anything failed.
"""
import argparse
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

COUNTS = re.compile(r"^tests: (\d+) passed, (\d+) skipped, (\d+) failed$", re.M)
SKIPPED = re.compile(r"^(\d+) tests skipped (in part )?on [^:\n]*: (.*)$", re.M)
PYTEST = re.compile(r"^=* ?((?:\d+ [a-z]+,? ?)+)in [\d.]+s", re.M)
PYTEST_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] [^ ]+?: (.*)$", re.M)
MARK = "== test case: "
# What a program has to say for the table of .ci/run: figure: what | asked | got
FIGURE = re.compile(r"^figure: .*$", re.M)

# A checker's reports: Oclgrind's, by their first lines. What follows one, indented, belongs to it.
REPORT = re.compile(r"^(Invalid (?:read|write|use).*|.*data race.*|Uninitialized .*|Work-group divergence.*|"
                    r"Oclgrind - OpenCL runtime error detected.*|Index .* out of bounds.*|.*Unaligned.*)$", re.I)


def suite_of(case):
    """The result of one ctest entry."""
    text = "".join(part.text or "" for part in case.iter("system-out"))
    status = case.get("status")
    suite = {"passed": 0, "skipped": 0, "failed": 0, "seconds": round(float(case.get("time", 0)), 1),
             "skips": Counter(), "parts": Counter(), "output": text}
    ok = status == "run"
    pytest = None
    for pytest in PYTEST.finditer(text):
        pass  # the last one
    if counts := list(COUNTS.finditer(text)):
        for found in counts:
            for key, value in zip(("passed", "skipped", "failed"), found.groups()):
                suite[key] += int(value)
        for count, part, reason in SKIPPED.findall(text):
            suite["parts" if part else "skips"][reason] += int(count)
    elif pytest:
        words = {word.rstrip(","): int(number) for number, word in re.findall(r"(\d+) (\w+)", pytest[1])}
        suite.update(passed=words.get("passed", 0), skipped=words.get("skipped", 0),
                     failed=words.get("failed", 0) + words.get("error", 0) + words.get("errors", 0))
        for count, reason in PYTEST_SKIPPED.findall(text):
            suite["skips"][reason.removeprefix("Skipped: ")] += int(count)
    elif case.find("skipped") is not None or status == "notrun":
        suite.update(skipped=1)
        element = case.find("skipped")
        suite["skips"][(element.get("message") if element is not None else None) or "left out by the program"] += 1
        ok = True
    elif ok:
        suite["passed"] = 1
    if not ok and not suite["failed"]:
        suite["failed"] = 1  # ended before it could say so
    return suite


def reports_of(suite):
    """(test case, report) for each report of a checker in the output."""
    found, test = [], ""
    lines = suite["output"].splitlines()
    for number, line in enumerate(lines):
        if line.startswith(MARK):
            test = line[len(MARK):]
        elif REPORT.match(line):
            more = []
            for following in lines[number + 1:number + 12]:
                if not following.startswith(("\t", " ")):
                    break
                more.append(following.strip())
            found.append((test, " | ".join([line.strip(), *more])))
    return found


def known_reports(path):
    """Lines `test case :: part of the report :: reason`; * stands for any test."""
    rows = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, part, reason = (piece.strip() for piece in line.split("::"))
            if not reason:
                sys.exit(f"{path}: no reason in: {line}")
            rows.append((test, part))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("junit", type=Path)
    parser.add_argument("--device", default="the default device")
    parser.add_argument("--known", type=Path)
    parser.add_argument("--threads-checked", action="store_true", help="ThreadSanitizer ran: its reports are a figure")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    suites = {case.get("name"): suite_of(case) for case in ElementTree.parse(options.junit).getroot().iter("testcase")
              if case.get("status") != "disabled"}
    unexplained = Counter()
    if options.known:
        rows, explained = known_reports(options.known), Counter()
        for name, suite in suites.items():
            for test, report in reports_of(suite):
                row = next((row for row in rows if row[0] in ("*", test) and row[1] in report), None)
                if row:
                    explained[row] += 1
                else:
                    unexplained[f"{name}, {test}: {report}"] += 1
                    suite["failed"] = max(suite["failed"], 1)
        for row, count in explained.items():
            print(f"{count} reports explained: {row[0]}: {row[1]}")
        for report, count in unexplained.items():
            print(f"{count} x {report}")
        print(f"{sum(unexplained.values())} reports of the checker not explained")
    total = Counter()
    skips, parts = Counter(), Counter()
    for suite in suites.values():
        skips.update(suite["skips"])
        parts.update(suite["parts"])
        for key in ("passed", "skipped", "failed"):
            total[key] += suite[key]
    for reason, count in sorted(skips.items()):
        print(f"{count} tests skipped on {options.device}: {reason}")
    for reason, count in sorted(parts.items()):
        print(f"{count} tests skipped in part on {options.device}: {reason}")
    print(f"{total['passed']} tests passed, {total['skipped']} skipped, {total['failed']} failed on {options.device}")
    for suite in suites.values():
        for figure in FIGURE.findall(suite["output"]):
            print(figure)
    if options.threads_checked:
        reports = sum(suite["output"].count("WARNING: ThreadSanitizer") for suite in suites.values())
        print(f"figure: reports of ThreadSanitizer | 0 in {len(suites)} tests | {reports} in {len(suites)} tests")
        total["failed"] += reports
    if options.json:
        for suite in suites.values():
            del suite["output"]
        options.json.write_text(json.dumps(suites, indent=1, sort_keys=True) + "\n")
    return bool(total["failed"] or unexplained)


if __name__ == "__main__":
    sys.exit(main())
