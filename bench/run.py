#!/usr/bin/env python3
"""Runs the benchmarks, prints their ratios beside the targets, and keeps figures and pictures in bench/results/.

  bench/run.py                     all benchmarks
  bench/run.py launch gemm         those whose name holds one of the words
  bench/run.py --quick             a smoke run: small, no meaningful times, writes nothing
  bench/run.py --raw FOLDER        keeps the programs' own documents there and nothing else; needs no other package
  bench/run.py --render FILES...   tables, figures and pictures of documents made elsewhere

The exit status is 0 if every program ran and its results were right; a missed target does not change it.
"""
import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = ["python_launch", "python_transfer", "python_import"]  # beside this file
ORDER = ["launch", "pool", "transfer", "warm_start", "gemm", "gemm_openblas", *PYTHON]
KEPT_ROUNDS = 60, 30, 15  # the first with which the file is not too large
LIMIT_BYTES = 200_000


# ---- figures ---------------------------------------------------------------------------------------------------------

def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def verdict(ratio, low, high, target):
    if target is None:
        return ""
    value, tolerance = target["value"], target.get("tolerance", 0)
    at_most = target["goal"] == "at most"
    if ratio <= value if at_most else ratio >= value:
        return "met"
    if tolerance and (ratio <= value * (1 + tolerance) if at_most else ratio >= value * (1 - tolerance)):
        return f"met to within {tolerance:.0%}"
    if low <= value if at_most else high >= value:
        return "missed, within the spread"
    return "missed"


def summarise(document):
    """Adds "summary" to each case: medians of the sides, and of the ratios within a round."""
    for case in document["cases"]:
        samples = case["samples"]
        case["summary"] = {"rounds": min(map(len, samples.values())),
                           "seconds": {side: float(f"{statistics.median(v):.4g}") for side, v in samples.items()}, "ratios": []}
        for comparison in case["comparisons"]:
            pairs = zip(samples[comparison["numerator"]], samples[comparison["denominator"]])
            low, middle, high = (float(f"{q:.4g}") for q in quartiles([a / b for a, b in pairs if b > 0]))
            case["summary"]["ratios"].append({"name": comparison["name"], "ratio": middle, "low": low, "high": high,
                                              "verdict": "" if document["quick"] else verdict(middle, low, high, comparison["target"])})


def reduced(document, rounds):
    """The document with few samples, evenly taken: enough to see the spread, small enough to keep."""
    result = json.loads(json.dumps(document))
    for case in result["cases"]:
        for side, values in case["samples"].items():
            step = max(1, -(-len(values) // rounds))
            case["samples"][side] = [float(f"{v:.4g}") for v in values[::step]]
    return result


def slug(device):
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((R|TM|C)\)", "", device, flags=re.I).lower()).strip("-")


# ---- tables ----------------------------------------------------------------------------------------------------------

def seconds_text(value):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def target_text(target):
    if target is None:
        return ""
    text = f"{'<=' if target['goal'] == 'at most' else '>='} {target['value']:g}"
    return text + (f" (-{target['tolerance']:.0%})" if target.get("tolerance") else "")


def print_table(document):
    print(f"\n{document['title']}\n{document['device']} | driver {document['driver']} | {document['host']['cpu']} x "
          f"{document['host']['threads']} | library {document['library']} | {document['date']}"
          + (" | QUICK: times mean nothing" if document["quick"] else ""))
    rows = [("case", "ratio of", "median", "half of all between", "target", "", "seconds (medians)", "rounds")]
    for case in document["cases"]:
        summary = case["summary"]
        times = ", ".join(f"{side} {seconds_text(t)}" for side, t in summary["seconds"].items())
        for i, (comparison, r) in enumerate(zip(case["comparisons"], summary["ratios"])):
            rows.append((case["name"] if i == 0 else "", r["name"], f"{r['ratio']:.4g}", f"{r['low']:.4g} .. {r['high']:.4g}",
                         target_text(comparison["target"]), r["verdict"], times if i == 0 else "", str(summary["rounds"]) if i == 0 else ""))
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    for skipped in document["skipped"]:
        print(f"not measured: {skipped['case']}: {skipped['reason']}")


# ---- pictures --------------------------------------------------------------------------------------------------------

BLUE, GREY, GREEN, RED = "#2b6cb0", "#8a8f98", "#2f855a", "#c53030"


def subtitle(document):
    return f"{document['device']}, driver {document['driver']}, library {document['library']}, {document['date'][:10]}"


def draw_ratios(plt, document):
    """A row for each comparison: the median ratio, the middle half of all rounds, and the target."""
    rows = [(case, comparison, ratio) for case in document["cases"]
            for comparison, ratio in zip(case["comparisons"], case["summary"]["ratios"])]
    figure, axes = plt.subplots(figsize=(11, 1.9 + 0.62 * len(rows)), layout="constrained")
    values = [v for _, c, r in rows for v in (r["low"], r["high"], *([c["target"]["value"]] if c["target"] else []))]
    if max(values) / min(values) > 8:
        axes.set_xscale("log")
    labels, seen = [], set()
    for y, (case, comparison, r) in enumerate(rows):
        target = comparison["target"]
        colour = GREY if target is None else GREEN if r["verdict"].startswith("met") else RED
        axes.plot([r["low"], r["high"]], [y, y], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt")
        axes.plot(r["ratio"], y, "o", color=colour, markersize=8)
        if target:
            text = f"target: {target['goal']} {target['value']:g}"
            axes.plot([target["value"]] * 2, [y - 0.42, y + 0.42], color="black", linewidth=2, linestyle=(0, (2, 1)),
                      label=None if text in seen else text)
            seen.add(text)
        numerator, denominator = (case["summary"]["seconds"][comparison[k]] for k in ("numerator", "denominator"))
        axes.annotate(f"{r['ratio']:.3g}   ({seconds_text(numerator)} / {seconds_text(denominator)})", (1.01, y),
                      xycoords=("axes fraction", "data"), va="center", fontsize=9)
        labels.append(f"{case['name']}\n{comparison['numerator']} / {comparison['denominator']}")
    axes.set_yticks(range(len(rows)), labels, fontsize=9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    meaning = document["cases"][0]["comparisons"][0]["meaning"]
    axes.set_xlabel(f"ratio of times, no unit: {meaning}\nmedian (dot) and middle half of the rounds (bar)", fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    if seen:
        axes.legend(loc="best", fontsize=9)
    return figure


def draw_transfer(plt, document):
    figure, axes = plt.subplots(2, 2, figsize=(11, 7.4), sharex=True, layout="constrained", height_ratios=[3, 2])
    sizes = sorted({case["parameters"]["bytes"] for case in document["cases"] if case["parameters"]["blocking"]})
    for column, direction in enumerate(("write", "read")):
        cases = sorted((c for c in document["cases"] if c["parameters"]["direction"] == direction and c["parameters"]["blocking"]),
                       key=lambda c: c["parameters"]["bytes"])
        x = [c["parameters"]["bytes"] for c in cases]
        top, bottom = axes[0][column], axes[1][column]
        for side, label, colour, style in (("library", "library, pageable memory", BLUE, "o-"),
                                           ("driver", "driver, pageable memory", GREY, "s-"),
                                           ("pinned", "library, pinned memory", GREEN, "^--")):
            top.plot(x, [c["parameters"]["bytes"] / c["summary"]["seconds"][side] / 1e9 for c in cases], style, color=colour, label=label)
        for number, (label, colour) in enumerate((("library / driver", GREY), ("library / pinned", GREEN))):
            ratios = [c["summary"]["ratios"][number] for c in cases]
            bottom.errorbar(x, [r["ratio"] for r in ratios],
                            yerr=[[r["ratio"] - r["low"] for r in ratios], [r["high"] - r["ratio"] for r in ratios]],
                            fmt="o-", color=colour, label=label, capsize=3)
        bottom.axhline(1, color="black", linestyle=(0, (2, 1)), label="target against the driver: at least 1")
        bottom.plot([1 << 30], [0.85], "_", color=RED, markersize=26, markeredgewidth=3, label="target against pinned, 1 GiB: at least 0.85")
        top.set_xscale("log", base=2)
        top.set_yscale("log")
        ratio_axis(bottom)
        top.set_title(f"{direction} ({'host to device' if direction == 'write' else 'device to host'}), blocking", fontsize=10)
        top.set_ylabel("GB/s")
        bottom.set_ylabel("ratio of speeds, library over peer")
        bottom.set_xlabel("size of the copy")
        bottom.set_xticks(sizes, [size_text(s) for s in sizes], rotation=45, fontsize=8)
        top.legend(fontsize=8)
        if column == 0:
            handles, names = bottom.get_legend_handles_labels()
            figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8)
        for a in (top, bottom):
            a.grid(alpha=0.3)
    return figure


def draw_fractions(plt, document):
    """A column for each type: the fraction of the peer's speed over the size of squares, and for all other shapes."""
    types = sorted({case["parameters"]["type"] for case in document["cases"]})
    figure, axes = plt.subplots(2, len(types), figsize=(6.5 * len(types), 10), layout="constrained", squeeze=False, height_ratios=[3, 4])

    def ratio(case, name):
        return next((r for r in case["summary"]["ratios"] if r["name"] == name), None)

    for column, kind in enumerate(types):
        cases = [case for case in document["cases"] if case["parameters"]["type"] == kind]
        squares = [c for c in cases if c["parameters"]["m"] == c["parameters"]["n"] == c["parameters"]["k"] and c["parameters"]["batch"] == 1]
        top, bottom = axes[0][column], axes[1][column]
        for combination, colour in zip(("NN", "NT", "TN", "TT"), (BLUE, GREEN, RED, "#805ad5")):
            chosen = sorted((c for c in squares if c["parameters"]["transposes"] == combination), key=lambda c: c["parameters"]["n"])
            for name, style, label in (("openblas / library", "o-", combination), ("openblas / in a row", "o:", f"{combination}, calls in a row")):
                points = [(c["parameters"]["n"], r) for c in chosen if (r := ratio(c, name))]
                if points:
                    top.errorbar([n for n, _ in points], [r["ratio"] for _, r in points], fmt=style, color=colour, label=label, capsize=3,
                                 yerr=[[r["ratio"] - r["low"] for _, r in points], [r["high"] - r["ratio"] for _, r in points]])
        goals = sorted({(c["parameters"]["n"], c["comparisons"][0]["target"]["value"]) for c in squares if c["comparisons"][0]["target"]})
        if goals:
            top.plot([n for n, _ in goals], [g for _, g in goals], "_", color="black", markersize=22, markeredgewidth=3, label="target: at least")
        top.axhline(1, color="black", linestyle=(0, (2, 1)), linewidth=1)
        top.set_xscale("log", base=2)
        ratio_axis(top)
        sizes = sorted({c["parameters"]["n"] for c in squares})
        top.set_xticks(sizes, [str(n) for n in sizes], rotation=45, fontsize=8)
        top.set_title(f"{kind}: squares, call and wait", fontsize=10)
        top.set_xlabel("m = n = k")
        top.set_ylabel("speed over OpenBLAS's")
        top.legend(fontsize=7, ncols=2)
        others = [c for c in cases if c not in squares]
        for y, case in enumerate(others):
            r = case["summary"]["ratios"][0]
            bottom.plot([r["low"], r["high"]], [y, y], color=BLUE, linewidth=7, alpha=0.35, solid_capstyle="butt")
            bottom.plot(r["ratio"], y, "o", color=BLUE, markersize=7)
        bottom.axvline(1, color="black", linestyle=(0, (2, 1)), linewidth=1)
        bottom.set_yticks(range(len(others)), [case["name"].split(" ", 2)[2] for case in others], fontsize=8)
        bottom.set_ylim(len(others) - 0.4, -0.6)
        bottom.set_xlabel("speed over OpenBLAS's, m x n x k (x products)")
        for a in (top, bottom):
            a.grid(alpha=0.3)
    return figure


def ratio_axis(axes):
    """Ratios are read off in plain numbers, with the same distance for twice as fast as for twice as slow."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = [0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 7, 10, 15, 20]
    shown = [s for s in steps if low <= s <= high and (high / low < 4 or s not in (0.8, 0.9, 1.1, 1.25))]
    axes.yaxis.set_major_locator(FixedLocator(shown))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def size_text(size):
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size // scale} {unit}"
    return f"{size} B"


def draw(document, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    special = {"transfer": draw_transfer, "gemm_openblas": draw_fractions, "gemm_openblas_one_thread": draw_fractions}
    figure = special.get(document["name"], draw_ratios)(plt, document)
    figure.suptitle(f"{document['title']}\n", fontsize=13, fontweight="bold")
    figure.text(0.5, 1 - 0.42 / figure.get_figheight(), subtitle(document), ha="center", va="center", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def keep(document, results):
    folder = results / slug(document["device"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{document['name']}.json"
    for rounds in KEPT_ROUNDS:
        text = json.dumps(reduced(document, rounds), indent=1)
        text = re.sub(r"\[\s+([-0-9.e,\s]+?)\s+\]", lambda m: "[" + " ".join(m.group(1).split()) + "]", text)  # numbers on one line
        if len(text) <= LIMIT_BYTES:
            break
    path.write_text(text + "\n")
    draw(document, path.with_suffix(".png"))
    print(f"kept: {os.path.relpath(path)} and .png")


# ---- running ---------------------------------------------------------------------------------------------------------

def there(folder, name):
    """Whether a program is built; for those in Python, the package."""
    if name not in PYTHON:
        return (folder / name).is_file()
    if not (folder.parent / "python" / "gpucompute" / "_gpucompute.abi3.so").exists() or not (folder / "libraw_enqueue.so").exists():
        return False
    return all(importlib.util.find_spec(package) for package in ("numpy", "_cffi_backend"))


def run_program(path, arguments):
    """The program's document; None, with the reason printed, if there is none or its results were wrong."""
    command, environment = [str(path)], dict(os.environ)
    if path.name in PYTHON:
        build = path.parent.parent
        environment["GPUC_BUILD_DIR"] = str(build)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(build / "python"), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, str(HERE / f"{path.name}.py")]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        print(f"{path.name}: no document (exit status {done.returncode})\n{done.stderr}", file=sys.stderr)
        return None
    if document["correct"] and "unavailable" in document:
        print(f"{path.name}: left out: {document['unavailable']}")
        return document
    if done.returncode or not document["correct"] or not document["cases"]:
        print(f"{path.name}: FAILED: {document.get('error', 'no case was measured')}", file=sys.stderr)
        return None
    return document


def documents_in(path):
    """A file holds one document or several, one after the other."""
    text, decoder, at = path.read_text(), json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        while at < len(text) and text[at].isspace():
            at += 1
        yield document


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filters", nargs="*", help="benchmarks to run, by a part of their names; none: all")
    parser.add_argument("--quick", action="store_true", help="a smoke run that writes nothing")
    parser.add_argument("--raw", type=Path, metavar="FOLDER", help="keep the raw documents there, and no figures or pictures")
    parser.add_argument("--render", nargs="+", type=Path, metavar="FILE", help="documents to make tables, figures and pictures of")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where figures and pictures go (default: %(default)s)")
    parser.add_argument("--programs", type=Path, help="the folder of the programs (default: $GPUC_BUILD_DIR/bench, or build/release/bench)")
    parser.add_argument("--device", help="a device filter, as gpuc_device_select takes it")
    parser.add_argument("--cpu-time", action="store_true", help="gemm_openblas: one thread each, and their CPU time; for busy machines")
    parser.add_argument("--seconds", type=float, help="how long a case goes on at least (default: 2)")
    options = parser.parse_args()

    if options.render:
        for path in options.render:
            for document in documents_in(path):
                if not document["correct"]:
                    raise SystemExit(f"{path}: its results were wrong: {document.get('error')}")
                if not all("summary" in case for case in document["cases"]):
                    summarise(document)
                print_table(document)
                keep(document, options.results)
        return 0

    folder = options.programs or Path(os.environ.get("GPUC_BUILD_DIR", HERE.parent / "build" / "release")) / "bench"
    names = [n for n in ORDER if there(folder, n) and (not options.filters or any(f in n for f in options.filters))]
    if not names:
        raise SystemExit(f"no such benchmark in {folder}; there are: {', '.join(n for n in ORDER if there(folder, n)) or 'none; build first'}")
    arguments = ["--quick"] * options.quick
    for name in ("device", "seconds"):
        if getattr(options, name) is not None:
            arguments += [f"--{name}", str(getattr(options, name))]
    failed = []
    for name in names:
        document = run_program(folder / name, arguments + ["--cpu-time"] * (options.cpu_time and name == "gemm_openblas"))
        if document is None:
            failed.append(name)
            continue
        if "unavailable" in document:
            continue
        if options.raw:
            options.raw.mkdir(parents=True, exist_ok=True)
            (options.raw / f"{name}.json").write_text(json.dumps(document) + "\n")
        summarise(document)
        print_table(document)
        if not options.raw and not options.quick:
            keep(document, options.results)
        sys.stdout.flush()
    if failed:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
