#!/usr/bin/env python3
"""Runs the tests on one driver after the other and writes what passed where: docs/devices.json, and the table from it.

run.py [--core] [NAME...]   without names: all drivers of DEVICES; --core: without Python and the examples, some minutes each
run.py --table              the table alone, from the JSON
run.py --check              fails if the table is not what the JSON says
"""
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD, PAGE = ROOT / "docs/devices.json", ROOT / "docs/devices.md"
REPORT = ROOT / "build/dev/report"
# What says nothing of the device under test: the machinery of the tests, and what brings a driver of its own; and second runs.
NOT_OF_A_DEVICE = r"^(fake_icd|faults|core\.guarded|capi\.(fake|faults|platforms|statuses)|install|bench)"
DEVICES = {"pocl": [], "fake": [], "rusticl": [],
           # Its compiler takes a quarter of an hour for CLBlast's kernels.
           "intel": ["-E", NOT_OF_A_DEVICE + r"|^core\.gemm$|^(python|example|ffi)"],
           # OpenCL 1.1, below what the library asks for, and a compiler that ends the process: the basis alone.
           "clover": ["-R", r"^core\.(support|runtime|program|doctor|disk_cache)$|^capi$", "--timeout", "120"],
           # A checker takes minutes for what others do in a second.
           "oclgrind": ["-R", r"^core\.(support|runtime|program|array|gemm_cpu|gemm_simt|doctor|disk_cache)$|^capi$"]}
SUITES = ["core.support", "core.disk_cache", "core.doctor", "core.runtime", "core.profile", "core.program", "core.array", "core.gemm",
          "core.gemm_cpu", "core.gemm_simt", "core.threads", "capi", "capi.threads", "python", "ffi", "example"]


def measured(name, core):
    """Runs the tests on a driver; its record."""
    for old in ("tally.json", "device.json"):
        (REPORT / old).unlink(missing_ok=True)
    arguments = DEVICES.get(name) or ["-E", NOT_OF_A_DEVICE + ("|^(python|example|ffi)" if core else "")]
    done = subprocess.run(["./dev", "test", "--device", name, *arguments], cwd=ROOT)
    if not (REPORT / "tally.json").exists():
        sys.exit(f"no result for {name}: ./dev test ended with {done.returncode} before ctest did")
    device = json.loads((REPORT / "device.json").read_text())["devices"][0]
    suites = {}
    for test, result in json.loads((REPORT / "tally.json").read_text()).items():
        suite = suites.setdefault(test.split(".")[0] if test.startswith(("python", "example")) else test, {"passed": 0, "skipped": 0, "failed": 0})
        for key in ("passed", "skipped", "failed"):
            suite[key] += result[key]
        for key in ("skips", "parts"):
            reasons = suite.setdefault(key, {})
            for reason, count in result[key].items():
                reasons[reason] = reasons.get(reason, 0) + count
    return {"driver": f"{device['platform']} {device['driver_version']}", "opencl": device["version"].split()[1],
            "date": datetime.date.today().isoformat(), "suites": suites}


def cell(suite):
    if suite is None:
        return "not run"
    parts = [f"{suite['passed']}"]
    parts += [f"{suite[key]} {key}" for key in ("skipped", "failed") if suite[key]]
    return ", ".join(parts)


def page(record):
    devices = record["devices"]
    names = [name for name in DEVICES if name in devices]
    lines = ["# What passes where", "",
             "The tests on each OpenCL driver: how many passed, were skipped for want of something the driver does not have, and failed.",
             "`./dev devices` runs them and writes this page from `devices.json`; do not edit it by hand.", "",
             "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for title, key in (("driver", "driver"), ("OpenCL", "opencl"), ("date", "date")):
        lines.append(f"| {title} | " + " | ".join(devices[name][key] for name in names) + " |")
    for suite in SUITES:
        if any(suite in devices[name]["suites"] for name in names):
            lines.append(f"| `{suite}` | " + " | ".join(cell(devices[name]["suites"].get(suite)) for name in names) + " |")
    if record["by_hand"]:
        lines += ["", "## Kept by hand", "", "For devices that are not at hand when the table is made.", "",
                  "| device | driver | date | what was seen |", "|---|---|---|---|"]
        lines += [f"| {row['device']} | {row['driver']} | {row['date']} | {row['seen']} |" for row in record["by_hand"]]
    lines += ["", "## Failures", ""]
    failing = False
    for name in names:
        for suite, result in devices[name]["suites"].items():
            if result["failed"]:
                failing = True
                why = record["failures"].get(f"{name} {suite}", "not looked into yet")
                lines.append(f"* {name}, `{suite}`: {why}")
    if not failing:
        lines.append("None.")
    lines += ["", "## What is skipped, and why", ""]
    for name in names:
        for kind, words in (("skips", "tests"), ("parts", "tests in part")):
            reasons = {}
            for result in devices[name]["suites"].values():
                for reason, count in result.get(kind, {}).items():
                    reasons[reason] = reasons.get(reason, 0) + count
            lines += [f"* {name}, {count} {words}: {reason}" for reason, count in sorted(reasons.items())]
    return "\n".join(lines) + "\n"


def main(arguments):
    record = json.loads(RECORD.read_text())
    if arguments == ["--check"]:
        if PAGE.read_text() != page(record):
            sys.exit("docs/devices.md is not what docs/devices.json says: python3 tests/devices/run.py --table")
        return
    if arguments != ["--table"]:
        core = "--core" in arguments
        for name in [name for name in arguments if name != "--core"] or DEVICES:
            record["devices"][name] = measured(name, core)
            RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(record))


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1:])
