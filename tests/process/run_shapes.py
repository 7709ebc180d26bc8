#!/usr/bin/env python3
"""Ends and forks programs in every shape, many times, on every driver: none may hang, crash or end with another status.

    run_shapes.py BUILD [--runs 200] [--vendors fake,pocl] [--shapes copies,fork] [--seed N] [--jobs N] [--python PYTHON]

BUILD is a build folder, such as build/dev. Shapes are those of capi_process_child, unload_child and python_shapes.py. Each
runs with warm caches, and with cold ones, where the driver may still be compiling at the end.
"""
import argparse
import ast
import collections
import concurrent.futures
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
C_SHAPES = """running_kernel released_running_kernel copies copies_arrive never_released second_thread busy_threads release_at_exit
    release_before_library_exit call_at_exit busy_call_at_exit watched_event blocked blocked_copy gemm exit_in_log quick_exit profile
    fork fork_busy fork_no_release fork_underscore_exit fork_among_threads fork_before_use fork_twice fork_in_thread fork_in_log
    fork_exec fork_at_exit""".split()
UNLOAD_SHAPES = "unload unload_in_flight unload_again unload_blocked".split()
# A kernel of 1024 work-items takes minutes there; threads and user events make it hang.
C_ON_OCLGRIND = """copies copies_arrive never_released release_at_exit release_before_library_exit call_at_exit gemm fork fork_underscore_exit
    fork_before_use fork_in_log unload unload_again""".split()
# Its end in exit() waits for the commands that were at work at the fork, whose threads the child does not have.
NOT_ON_INTEL = "fork fork_busy fork_no_release fork_among_threads fork_twice fork_in_thread".split()

Run = collections.namedtuple("Run", "vendor kind shape cold force")


def python_shapes():
    """What python_shapes.py says of itself, read without importing the package."""
    with open(os.path.join(HERE, "python_shapes.py")) as file:
        tree = ast.parse(file.read())
    constants = {item.targets[0].id: ast.literal_eval(item.value) for item in tree.body
                 if isinstance(item, ast.Assign) and item.targets[0].id in ("EXPECTED", "SAYS_SOMETHING", "NOT_ON_OCLGRIND", "HELPERS")}
    names = [item.name for item in tree.body if isinstance(item, ast.FunctionDef) and item.name not in constants["HELPERS"]]
    return names, constants


def find_vendors(build, wanted, folder):
    """{name: a folder with the .icd file of that driver alone}"""
    found = {}
    fake = os.path.join(build, "tests/fake_icd/vendors")
    if os.path.isdir(fake):
        found["fake"] = fake
    libraries = {os.path.basename(path)[:-4]: path for path in sorted(glob.glob("/etc/OpenCL/vendors/*.icd"))}
    in_place = {"oclgrind": glob.glob("/usr/lib*/oclgrind/liboclgrind-rt-icd.so") + glob.glob("/usr/lib*/*/oclgrind/liboclgrind-rt-icd.so")}
    if wanted and "intel" in wanted:  # what ./dev test --device intel fetched, only where asked for
        in_place["intel"] = glob.glob(os.path.join(os.path.dirname(HERE), "../.venv/intel/driver/libintelocl.so"))
    for name, paths in in_place.items():
        for path in paths:
            libraries[name] = os.path.join(folder, name + ".icd")
            with open(libraries[name], "w") as file:
                file.write(os.path.abspath(path) + "\n")
    for name, path in libraries.items():
        if name not in found:
            found[name] = os.path.join(folder, "vendors", name)
            os.makedirs(found[name])
            shutil.copy(path, found[name])
    if wanted:
        missing = set(wanted) - set(found)
        if missing:
            sys.exit(f"FAILED: no driver called {', '.join(sorted(missing))}; there are {', '.join(found)}")
        found = {name: found[name] for name in wanted}
    return found


class Runner:
    def __init__(self, arguments, folder):
        self.build = os.path.abspath(arguments.build)
        self.folder, self.python, self.limit = folder, arguments.python, arguments.limit
        self.vendors = find_vendors(self.build, arguments.vendors.split(",") if arguments.vendors else None, folder)
        self.python_names, self.python_constants = python_shapes()
        self.with_python = os.path.isdir(os.path.join(self.build, "python", "gpucompute"))
        self.warm = {name: os.path.join(folder, "warm-" + name) for name in self.vendors}
        for path in self.warm.values():
            os.mkdir(path, 0o700)

    def shapes_of(self, vendor):
        oclgrind = vendor == "oclgrind"
        left_out = NOT_ON_INTEL if vendor == "intel" else []
        for name in C_SHAPES + UNLOAD_SHAPES:
            if name not in left_out and (not oclgrind or name in C_ON_OCLGRIND):
                yield "unload" if name in UNLOAD_SHAPES else "c", name
        if self.with_python:
            for name in self.python_names:
                if name not in left_out and (not oclgrind or name not in self.python_constants["NOT_ON_OCLGRIND"]):
                    yield "python", name

    def command(self, run):
        if run.kind == "python":
            return [self.python, os.path.join(HERE, "python_shapes.py"), run.shape]
        if run.kind == "unload":
            return [os.path.join(self.build, "tests/process/unload_child"), os.path.join(self.build, "libgpucompute.so"), run.shape]
        return [os.path.join(self.build, "tests/capi/capi_process_child"), run.shape]

    def environment(self, run, cold):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GPUC_", "OPENCL_", "OCL_"))}
        kept.update(OCL_ICD_VENDORS=self.vendors[run.vendor], GPUC_CACHE_DIR=os.path.join(cold or self.warm[run.vendor], "gpucompute"),
                    PYTHONPATH=os.path.join(self.build, "python"), PYTHONDONTWRITEBYTECODE="1")
        if cold:
            kept["POCL_CACHE_DIR"] = cold
        else:
            # A cache that is warm already saves the first runs some compilations.
            kept.setdefault("POCL_CACHE_DIR", os.path.join(self.warm[run.vendor], "pocl"))
        if run.vendor == "rusticl":
            kept.setdefault("RUSTICL_ENABLE", "llvmpipe")
        if run.force:
            kept["GPUC_TRANSFER"] = "force"
        return kept

    def __call__(self, run):
        """(what is wrong or "", seconds)"""
        cold = tempfile.mkdtemp(prefix="cold-", dir=self.folder) if run.cold else None
        begin = time.monotonic()
        child = subprocess.Popen(self.command(run), env=self.environment(run, cold), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        try:
            out, err = child.communicate(timeout=self.limit)
            fault = self.fault(run, child.returncode, out.strip(), err)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            fault = f"hangs: not at an end after {self.limit} s {out} {err}"
        if cold:
            shutil.rmtree(cold, ignore_errors=True)
        return fault, time.monotonic() - begin

    def fault(self, run, status, out, err):
        expected, said = 0, None
        if run.kind == "python":
            expected = self.python_constants["EXPECTED"].get(run.shape, 0)
            said = self.python_constants["SAYS_SOMETHING"].get(run.shape)
        if status != expected:
            kind = f"crashes with signal {-status}" if status < 0 else f"ends with status {status}"
            return f"{kind}, not {expected}: {out} {err}"
        # PoCL's compiler tells how many warnings it had.
        lines = [line for line in err.splitlines() if " generated." not in line]
        if out or (lines and not said):
            return f"says something: {out} {err}"
        if said and said not in err:
            return f"does not say {said}: {err}"
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--runs", type=int, default=200, help="in all; each shape has had its turn before one has two")
    parser.add_argument("--vendors", help="separated by commas; without it all that are found, and the fake")
    parser.add_argument("--shapes", help="separated by commas; without it all")
    parser.add_argument("--cold", type=float, help="the share of runs with cold caches; without it a fifth, and on the fake a half")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--limit", type=float, default=600, help="seconds until a process counts as hanging")
    parser.add_argument("--python", default=sys.executable)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    dice = random.Random(arguments.seed)

    with tempfile.TemporaryDirectory(prefix="gpuc-shapes-") as folder:
        runner = Runner(arguments, folder)
        print(f"drivers: {', '.join(runner.vendors)}{'' if runner.with_python else '; no Python package in this build'}", flush=True)
        shapes = [(vendor, kind, shape) for vendor in runner.vendors for kind, shape in runner.shapes_of(vendor)
                  if not arguments.shapes or shape in arguments.shapes.split(",")]
        if not shapes:
            sys.exit("FAILED: no such shape")
        runs = []
        while len(runs) < arguments.runs:
            dice.shuffle(shapes)
            for vendor, kind, shape in shapes:
                share = arguments.cold if arguments.cold is not None else 0.5 if vendor == "fake" else 0.2
                runs.append(Run(vendor, kind, shape, dice.random() < share, dice.random() < 0.5))
        runs = runs[:arguments.runs]

        counts, failures, seconds = collections.Counter(), [], collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for run, (fault, took) in zip(runs, pool.map(runner, runs)):
                name = f"{run.vendor}, {'Python' if run.kind == 'python' else 'C'}, {'cold' if run.cold else 'warm'}"
                counts[name] += 1
                seconds[name] += took
                if fault:
                    failures.append((run, fault))
                    print(f"FAILED: {run.shape} on {run.vendor}{', cold' if run.cold else ''}{', GPUC_TRANSFER=force' if run.force else ''}: "
                          f"{fault}", flush=True)
    for name in sorted(counts):
        print(f"{name:24} {counts[name]:5} runs, {seconds[name] / counts[name]:6.2f} s each")
    kinds = collections.Counter(fault.split()[0] for _, fault in failures)
    print(f"{len(runs)} runs of {len({(r.kind, r.shape) for r in runs})} shapes: {kinds['hangs:']} hang, {kinds['crashes']} crash, "
          f"{len(failures) - kinds['hangs:'] - kinds['crashes']} are wrong otherwise")
    print(f"figure: exits and forks | {arguments.runs} runs | {len(runs)} runs of {len({(r.kind, r.shape) for r in runs})} shapes on "
          f"{', '.join(runner.vendors)}, {len(failures)} hang, crash or end otherwise")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
