#!/usr/bin/env python3
"""Plants each fault of faults.py into a copy of the library, and tells whether the tests notice.

    run.py [--only WORDS...] [--jobs N]   plant, build, test; exit status 1 if more than one in twenty is missed
    run.py --check                        only look whether each fault still has its place in the sources

The copy lies in build/seeded, with a build of its own for each preset, which is kept: a fault costs the compilation of
what it touches and the tests up to the first that fails. Results: build/seeded/results.json and the printed table.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from faults import FAULTS

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "seeded" / "source"
TEST_LIMIT = 600


def out_of_place():
    """The faults whose text does not stand in its file exactly once."""
    return [fault for fault in FAULTS if (ROOT / fault.file).read_text().count(fault.old) != 1]


def make_copy():
    """Brings the copy up to date; files that are the same keep their times, so that little is compiled anew."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for path in COPY.rglob("*") if COPY.exists() else []:
        name = str(path.relative_to(COPY))
        if path.is_file() and name not in wanted and not name.startswith("build/"):
            path.unlink()
    for name in wanted:
        source, target = ROOT / name, COPY / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def build(preset, jobs, log):
    folder = COPY / "build" / preset
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", preset, f"-DPython_EXECUTABLE={sys.executable}", "-DGPUCOMPUTE_BENCH=OFF",
                        "-DGPUCOMPUTE_EXAMPLES=OFF", "-DGPUCOMPUTE_PYTHON=OFF"],
                       cwd=COPY, check=True, stdout=log, stderr=log)
    return subprocess.run(["cmake", "--build", folder, "-j", str(jobs)], stdout=log, stderr=log, check=False).returncode == 0


def first_failure(preset, suites, log):
    """The first of the suites that fails, or None."""
    environment = dict(os.environ, POCL_CACHE_DIR=str(ROOT / "build" / "pocl_cache"),
                       GPUC_CACHE_DIR=str(COPY / "build" / preset / "cache"))
    for name in ("POCL_CACHE_DIR", "GPUC_CACHE_DIR"):
        Path(environment[name]).mkdir(mode=0o700, parents=True, exist_ok=True)
    fixed_addresses = ["setarch", "-R"] if preset == "tsan" else []
    for suite in suites.split():
        # -FA: a suite alone, without those whose records it would wait for.
        done = subprocess.run([*fixed_addresses, "ctest", "--test-dir", COPY / "build" / preset, "-FA", ".*", "--no-tests=error",
                               "--timeout", str(TEST_LIMIT), "--output-on-failure", "-R", f"^{suite.replace('.', '[.]')}$"],
                              env=environment, stdout=log, stderr=log, check=False)
        if done.returncode:
            return suite
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", nargs="+", help="faults whose description or file holds one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    stale = out_of_place()
    for fault in stale:
        print(f"seeded faults: {fault.file} has no single place any more for '{fault.what}'")
    if arguments.check or stale:
        return 1 if stale else 0

    make_copy()
    chosen = [f for f in FAULTS if not arguments.only or any(words in f"{f.kind} {f.what} {f.file}" for words in arguments.only)]
    results = []
    with open(ROOT / "build" / "seeded" / "log", "w", encoding="utf-8") as log:
        for preset in sorted({fault.preset for fault in chosen}):
            suites = " ".join(dict.fromkeys(" ".join(f.suites for f in chosen if f.preset == preset).split()))
            if not build(preset, arguments.jobs, log) or (failed := first_failure(preset, suites, log)):
                print(f"seeded faults: without a fault, {preset} does not build or {failed} fails; see build/seeded/log")
                return 1
        for fault in chosen:
            begin, target = time.monotonic(), COPY / fault.file
            sound = target.read_text()
            target.write_text(sound.replace(fault.old, fault.new))
            log.write(f"\n==== {fault.kind}: {fault.what}\n")
            log.flush()
            try:
                if not build(fault.preset, arguments.jobs, log):
                    caught = "the compiler"
                else:
                    caught = first_failure(fault.preset, fault.suites, log)
            finally:
                target.write_text(sound)
            seconds = round(time.monotonic() - begin)
            results.append({"kind": fault.kind, "fault": fault.what, "file": fault.file, "caught_by": caught, "seconds": seconds})
            print(f"{'caught' if caught else 'MISSED'}  {fault.kind:24} {fault.what:64} {caught or '':18} {seconds:4d} s", flush=True)
        for preset in {fault.preset for fault in chosen}:
            build(preset, arguments.jobs, log)
    (ROOT / "build" / "seeded" / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    missed = sum(not result["caught_by"] for result in results)
    print(f"seeded faults: {len(results) - missed} of {len(results)} caught")
    return 1 if missed * 20 > len(results) else 0


if __name__ == "__main__":
    sys.exit(main())
