#!/usr/bin/env python3
"""Makes every system call of the disk cache fail, and ends the process at each: the cache may miss, but never lies.

    cache_faults.py CHILD [--points 400] [--kills 100] [--seed N] [--jobs N] [--fake FOLDER] [--only SCENARIO]

strace makes the calls fail. After each run the directory is looked at by a process without faults: what is found there is
what was stored, and everything works again. Exit status 77: strace is missing or may not trace here.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading

# The child's scenario, and the one that fills the directory before.
SCENARIOS = {
    "store_new": ("store", None),
    "store": ("store", "fill"),
    "load": ("load", "fill"),
    "evict": ("evict", "fill"),
    "clear": ("clear", "fill"),
    "verify": ("verify", "fill"),
    "program_cold": ("program", None),
    "program_warm": ("program", "program"),
}
INTACT = "01234"  # what fill leaves to be found
ERRORS = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EINTR", "ENOENT", "EROFS", "EDQUOT", "ESTALE", "EPERM", "ENFILE", "ENOMEM",
          "EEXIST", "ELOOP", "EBUSY", "EISDIR", "ENOTDIR", "EINVAL", "EOPNOTSUPP", "EAGAIN", "EFBIG", "EXDEV", "ENXIO", "ENOSYS"]
MEMORY = {"mmap", "brk", "mremap"}
# Not the file system's, or calls that cannot fail.
LEFT_OUT = {"access", "faccessat", "faccessat2", "futex", "munmap", "mprotect", "madvise", "getpid", "gettid", "getuid", "geteuid",
            "getgid", "getegid", "clock_gettime", "rt_sigaction", "rt_sigprocmask", "sched_yield", "exit_group", "exit",
            "getrandom"}
# A call that is interrupted once is made again, and nothing is missed. (A close is not: its number may be another's by then.)
INTERRUPTED_FOR_NOTHING = {"close"}

Point = collections.namedtuple("Point", "scenario seed call number what")


class Wrong(Exception):
    pass


def call_names(lines):
    """The calls between the marks: (name, its how-manieth of the process)."""
    counts, within, found = collections.Counter(), False, []
    for line in lines:
        match = re.match(r"(\w+)\(", line)
        if not match:
            continue
        name = match[1]
        counts[name] += 1
        if "/gpuc-cache-faults/" in line:
            within = "/begin" in line
        elif within and name not in LEFT_OUT:
            found.append((name, counts[name]))
    return found


class Runner:
    def __init__(self, arguments, folder):
        self.child, self.folder, self.fake = os.path.abspath(arguments.child), folder, arguments.fake
        self.lock = threading.Lock()
        self.outcomes = collections.Counter()
        self.local = threading.local()
        self.slots = 0

    def environment(self, directory):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GPUC_", "OPENCL_", "OCL_", "XDG_"))}
        kept.update(GPUC_CACHE_DIR=directory, LC_ALL="C")
        if self.fake:
            kept["OCL_ICD_VENDORS"] = self.fake
        return kept

    def run(self, scenario, directory, seed, strace=(), limit=600):
        command = [*strace, self.child, scenario, directory, str(seed)]
        done = subprocess.run(command, env=self.environment(directory), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=limit)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def right(self, scenario, directory, seed):
        code, out, err = self.run(scenario, directory, seed)
        if code != 0:
            raise Wrong(f"{scenario} without faults gives {code}: {out} {err}")
        return out

    def slot(self):
        """A folder of this thread. Its name is always equally long: so are the paths and what they allocate."""
        if not hasattr(self.local, "slot"):
            with self.lock:
                self.slots += 1
                self.local.slot = os.path.join(self.folder, f"slot{self.slots:04}")
            os.mkdir(self.local.slot)
        return self.local.slot

    def template(self, scenario, seed):
        before = SCENARIOS[scenario][1]
        path = os.path.join(self.folder, f"before-{scenario}-{seed}")
        if before and not os.path.isdir(path):
            self.right(before, path, seed)
        return path if before else None

    def fresh_directory(self, scenario, seed):
        directory = os.path.join(self.slot(), "cache")
        shutil.rmtree(directory, ignore_errors=True)
        template = os.path.join(self.folder, f"before-{scenario}-{seed}")
        if SCENARIOS[scenario][1]:
            shutil.copytree(template, directory)  # with the times
        return directory

    def plan(self, scenario, seed):
        """The calls of a scenario without faults, and what it says then."""
        self.template(scenario, seed)
        directory = self.fresh_directory(scenario, seed)
        log = os.path.join(self.slot(), "log")
        code, out, err = self.run(SCENARIOS[scenario][0], directory, seed, ["strace", "-o", log])
        if code != 0:
            raise Wrong(f"{scenario} without faults gives {code}: {out} {err}")
        with open(log, errors="replace") as lines:
            return call_names(lines), out

    def point(self, point, undisturbed):
        """One run with one fault. Raises Wrong."""
        directory = self.fresh_directory(point.scenario, point.seed)
        log = os.path.join(self.slot(), "log")
        kill = point.what.startswith("signal=")
        strace = ["strace", "-o", log, "-e", f"trace={point.call}", "-e",
                  f"inject={point.call}:{point.what.rstrip('+')}:when={point.number}{'+' if point.what.endswith('+') else ''}"]
        try:
            code, out, err = self.run(SCENARIOS[point.scenario][0], directory, point.seed, strace)
        except subprocess.TimeoutExpired:
            raise Wrong("hangs") from None
        with open(log, errors="replace") as lines:
            text = lines.read()
        fired = "killed by SIGKILL" in text if kill else "(INJECTED)" in text
        if kill and fired:
            outcome = "killed"
        elif code != 0:
            raise Wrong(f"exit status {code}: {out} {err}")
        else:
            outcome = "same" if out == undisturbed else "less"
            if fired and point.what == "error=EINTR" and outcome != "same" and point.call not in INTERRUPTED_FOR_NOTHING:
                raise Wrong(f"interrupted once: '{out}', without that '{undisturbed}'")
        if SCENARIOS[point.scenario][0] == "program":
            self.right("program", directory, point.seed)
            if (healed := self.right("program", directory, point.seed)) != "cached 3":
                raise Wrong(f"the cache does not heal: {healed}")
        else:
            kept = INTACT if point.scenario in ("load", "verify") else ""
            if point.what.startswith("error") and (stored := re.search(r"stored (\d+)", out)) and "store" in point.scenario:
                kept = stored[1]
            if point.what.startswith("retval"):
                kept = ""  # written they are not, and what cannot be read right is removed
            self.right(f"check:{kept}", directory, point.seed)
        with self.lock:
            self.outcomes[outcome if fired else "not fired"] += 1
        return fired


def faults_of(scenario, call):
    if call in MEMORY:
        return ["error=ENOMEM", "error=ENOMEM+"]
    once = [f"error={error}" for error in ERRORS]
    # Interrupted for ever, a program waits for ever.
    for_good = [f"error={error}+" for error in ERRORS if error != "EINTR"]
    # A call that says that it has done what it has not.
    lies = {"read": ["retval=0", "retval=1"], "write": ["retval=0", "retval=1"], "fsync": ["retval=0"]}.get(call, [])
    if scenario == "verify" and call == "read":
        lies = []  # what cannot be read right is damage there, and is removed
    return once + for_good + lies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("child")
    parser.add_argument("--points", type=int, default=400, help="faults that were met, in all")
    parser.add_argument("--kills", type=int, default=100, help="processes ended at a call, in all")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fake", help="the vendors folder of the fake driver; without it no scenario with programs")
    parser.add_argument("--only", help="one scenario")
    parser.add_argument("--memory-stays", action="store_true", help="no faults of mmap and brk: sanitizers do not survive them")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)

    try:
        tried = subprocess.run(["strace", "-o", "/dev/null", "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        print("SKIPPED: strace is not installed")
        return 77
    if tried.returncode != 0:
        print("SKIPPED: strace may not trace here (a container needs the capability SYS_PTRACE):", tried.stdout.strip())
        return 77

    names = [arguments.only] if arguments.only else [name for name in SCENARIOS if arguments.fake or "program" not in name]
    failures, fired = [], collections.Counter()
    calls_met, errors_met = set(), collections.Counter()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where fsync costs nothing
    with tempfile.TemporaryDirectory(prefix="gpuc-cache-faults-", dir=memory) as folder:
        runner = Runner(arguments, folder)
        dice = random.Random(arguments.seed)

        def one(kind, point, undisturbed):
            try:
                if runner.point(point, undisturbed):
                    with runner.lock:
                        fired[kind] += 1
                        calls_met.add((point.scenario, point.call, point.number))
                        errors_met[point.call] += 1
            except Wrong as wrong:
                with runner.lock:
                    failures.append((point, str(wrong)))
                    print(f"FAILED: {point.scenario} with seed {point.seed}, {point.call} {point.number} {point.what}: {wrong}",
                          flush=True)

        plans, total = {}, 0
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            wanted = {"points": arguments.points, "kills": arguments.kills}
            for turn in range(1000):
                if all(fired[kind] >= wanted[kind] for kind in wanted) or len(failures) > 20:
                    break
                # Other sizes in each turn; in each, every call once with one fault of its, and once as the last.
                seed = arguments.seed + turn
                work = {"points": [], "kills": []}
                for name in names:
                    calls, undisturbed = runner.plan(name, seed)
                    if not turn:
                        plans[name] = len(calls)
                    for call, number in calls:
                        if arguments.memory_stays and call in MEMORY:
                            continue
                        work["points"].append((Point(name, seed, call, number, dice.choice(faults_of(name, call))), undisturbed))
                        if call not in MEMORY:
                            work["kills"].append((Point(name, seed, call, number, "signal=SIGKILL"), undisturbed))
                for kind, points in work.items():
                    dice.shuffle(points)
                    points = points[:max(0, wanted[kind] - fired[kind])]
                    total += len(points)
                    for future in [pool.submit(one, kind, *item) for item in points]:
                        future.result()
                for path in os.listdir(folder):
                    if path.startswith("before-"):
                        shutil.rmtree(os.path.join(folder, path), ignore_errors=True)

    print("calls of each scenario:", ", ".join(f"{name} {count}" for name, count in plans.items()))
    print("faults by call:", ", ".join(f"{call} {count}" for call, count in errors_met.most_common()))
    print("runs that told the same:", runner.outcomes["same"], "- that missed something:", runner.outcomes["less"],
          "- that were ended:", runner.outcomes["killed"], "- where the fault was not met:", runner.outcomes["not fired"])
    print(f"{fired['points']} faults and {fired['kills']} ends at {len(calls_met)} calls, {len(failures)} failures")
    print(f"figure: disk cache: system calls that fail, kills | {arguments.points} errors, {arguments.kills} kills | "
          f"{fired['points']} errors, {fired['kills']} kills, {len(failures)} failures")
    enough = fired["points"] >= arguments.points and fired["kills"] >= arguments.kills
    if not enough:
        print("FAILED: too few faults were met")
    return 0 if enough and not failures else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        sys.exit(f"FAILED: {wrong}")
