"""What harness.hpp is for C++: sides that take turns, results that are checked first, one JSON document on stdout."""
import argparse
import datetime
import json
import os
import sys
import time


class Failure(Exception):
    pass


def check(right, what):
    if not right:
        raise Failure(f"wrong result: {what}")


def at_most(value, tolerance=0):
    return {"goal": "at most", "value": value, **({"tolerance": tolerance} if tolerance else {})}


def at_least(value, tolerance=0):
    return {"goal": "at least", "value": value, **({"tolerance": tolerance} if tolerance else {})}


def comparison(name, numerator, denominator, meaning, target=None):
    return {"name": name, "numerator": numerator, "denominator": denominator, "meaning": meaning, "target": target}


class Bench:
    def __init__(self, options, document, device):
        self.options, self.document, self.device = options, document, device

    def skip(self, case, reason):
        self.document["skipped"].append({"case": case, "reason": reason})

    def measure(self, name, parameters, checked, sides, comparisons):
        """sides: {name: a function that gives seconds}. They take turns; the one that goes first changes from round to round."""
        names = list(sides)
        samples = {side: [] for side in names}
        for side in names:  # the first one is never like the others
            sides[side]()
        minimum = 2 if self.options.quick else 15
        end = time.perf_counter() + (0 if self.options.quick else self.options.seconds)
        rounds, began = 0, time.perf_counter()
        while rounds < minimum or time.perf_counter() < end:
            for k in range(len(names)):
                side = names[(k + rounds) % len(names)]
                samples[side].append(sides[side]())
            rounds += 1
            if rounds >= 5 and time.perf_counter() - began > 30:
                break
        self.document["cases"].append({"name": name, "parameters": parameters, "checked": checked, "samples": samples,
                                       "comparisons": [c for c in comparisons if c["numerator"] in samples and c["denominator"] in samples]})


def host_cpu():
    with open("/proc/cpuinfo") as file:
        return next((line.split(": ", 1)[1].strip() for line in file if line.startswith("model name") and ": " in line), "unknown")


def memory_bytes():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            return min(total, int(file.read()))
    except (OSError, ValueError):
        return total


def run(name, title, measure):
    """Parses the arguments, makes a device, measures, prints the document; the exit status."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--device")
    options = parser.parse_args()
    document = {"name": name, "title": title, "correct": False}
    try:
        import gpucompute

        device = gpucompute.Device(options.device)
        document.update(
            quick=options.quick, device=device.name, driver=device.driver_version,
            platform=f"{device.platform.name}, {device.platform.version}",
            date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            host={"cpu": host_cpu(), "threads": os.cpu_count(), "memory_bytes": memory_bytes()}, library=gpucompute.__version__,
            python=sys.version.split()[0], skipped=[], cases=[])
        measure(Bench(options, document, device))
        document["correct"] = True
    except Exception as error:
        document["error"] = f"{type(error).__name__}: {error}"
        print(f"{name}: {document['error']}", file=sys.stderr)
    print(json.dumps(document))
    return 0 if document["correct"] else 1
