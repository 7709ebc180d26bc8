"""The command line: `python -m gpucompute`, `gpucompute`. Tables for people, `--json` for machines.

Exit status: 0 all is well; 1 something is wrong (a wrong result, a damaged cache, errors that the doctor found); 2 the command line cannot be
read; 3 there is no device for it; 4 any other failure.
"""
from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Callable, NamedTuple, Sequence

from ._tables import Printer

OK, WRONG, USAGE, NO_DEVICE, FAILED = range(5)


class Answer(NamedTuple):
    """What a command found: `data` for machines, `show` prints it for people."""

    data: Any
    show: Callable[[Printer], None]
    status: int = OK


def _size(value: str) -> int:
    """"64", "16k", "1M", "2G": binary multiples."""
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    text = value.strip().lower()
    text = text[:-2] if text.endswith("ib") else text  # 16MiB
    factor = units.get(text[-1:], 1)
    digits = text[:-1] if factor > 1 else text
    if not digits.isdecimal() or int(digits) == 0:
        raise argparse.ArgumentTypeError(f"{value!r} is no size: give a number above 0, such as 4096, 64k, 16M or 1G")
    return int(digits) * factor


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise argparse.ArgumentTypeError(f"{value!r} must be a whole number above 0")
    return int(value)


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError(f"{value!r} must be a number of seconds, above 0 and at most 3600")
    return number


def _parser() -> argparse.ArgumentParser:
    from .._version import __version__

    parser = argparse.ArgumentParser(prog="gpucompute", description="OpenCL devices, what they can do and how fast they are.",
                                     epilog="Exit status: 0 well, 1 something is wrong, 2 bad arguments, 3 no device, 4 another failure.")
    parser.add_argument("--version", action="version", version=f"gpucompute {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    device = argparse.ArgumentParser(add_help=False)
    device.add_argument("--device", metavar="FILTER", help="such as nvidia:gpu:0, pocl, cpu:1; without it GPUC_DEVICE's, or the best")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    info = commands.add_parser("info", parents=[common, device], help="list platforms and devices, and what they really can do",
                               description="Lists all devices, the best first; with --device one of them in full.")
    info.add_argument("--all", action="store_true", help="every property and capability of every device")
    commands.add_parser("doctor", parents=[common], help="say what is wrong with this machine's OpenCL, and the fix",
                        description="Examines loader, drivers, environment, permissions and devices. Exit status 1 if there are errors.")
    demo = commands.add_parser("demo", parents=[common, device], help="compute something on a device and check it")
    demo.add_argument("--size", type=_positive, default=1_000_000, help="numbers to compute with (1000000)")
    bench = commands.add_parser("bench", parents=[common, device], help="measure launch, transfer, copy and matrix product, in seconds",
                                description="Medians of short measurements; results are checked first. The benchmarks of the repository "
                                            "compare with other libraries.")
    bench.add_argument("what", nargs="*", metavar="WHAT", help="launch, transfer, copy, matmul; without: all")
    bench.add_argument("--bytes", type=_size, default=64 << 20, metavar="SIZE", help="of transfers and copies: 16M, 1G (64M)")
    bench.add_argument("--n", type=_positive, default=512, help="matrices of n x n (512)")
    bench.add_argument("--launches", type=_positive, default=1000, help="launches in a batch (1000)")
    bench.add_argument("--seconds", type=_seconds, default=1.0, help="for each measurement, at most (1)")
    cache = commands.add_parser("cache", parents=[common], help="the on-disk cache of built programs")
    cache.add_argument("action", nargs="?", choices=("show", "verify", "clear", "dir"), default="show",
                       help="show: what is in it; verify: check every entry; clear: remove all; dir: print where it is (show)")
    tune = commands.add_parser("tune", parents=[common, device], help="measure what multiplies matrices fastest on a device, and keep it",
                               description="Measures parameters of the library's and CLBlast's kernels, and which backend is the fastest for which "
                                           "products. Every program of this user uses what is found. Nothing else should run meanwhile.")
    tune.add_argument("action", nargs="?", choices=("run", "show", "reset"), default="run",
                      help="run: measure; show: what the table has; reset: forget it (run)")
    tune.add_argument("--dtype", choices=("float16", "bfloat16", "float32", "float64", "complex64", "complex128"), help="only this one")
    tune.add_argument("--backend", metavar="NAME", help="only the parameters of this one")
    tune.add_argument("--max-size", type=_positive, default=2048, metavar="N", help="matrices up to N x N (2048)")
    tune.add_argument("--seconds", type=_seconds, default=60.0, help="no new measurement starts after these (60)")
    return parser


def _run(arguments: argparse.Namespace) -> Answer:
    if arguments.command == "info":
        from . import _info

        return _info.info(arguments.device, arguments.all)
    if arguments.command == "doctor":
        from . import _info

        return _info.doctor()
    if arguments.command == "demo":
        from . import _demo

        return _demo.demo(arguments.device, arguments.size)
    if arguments.command == "bench":
        from . import _bench

        return _bench.bench(arguments.device, arguments.what, arguments.bytes, arguments.n, arguments.launches, arguments.seconds)
    if arguments.command == "tune":
        from . import _tune

        return _tune.tune(arguments.device, arguments.action, arguments.dtype, arguments.backend, arguments.max_size, arguments.seconds)
    from . import _cache

    return _cache.cache(arguments.action)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; the exit status."""
    from ..errors import DeviceNotFound, Error

    try:
        parser = _parser()
        arguments = parser.parse_args(argv)
        if arguments.command == "bench":
            from ._bench import KINDS

            unknown = [word for word in arguments.what if word not in KINDS]
            if unknown:
                parser.error(f"bench: {unknown[0]!r} is none of {', '.join(KINDS)}")
    except SystemExit as ended:  # argparse has said why
        return ended.code if isinstance(ended.code, int) else USAGE
    try:
        answer = _run(arguments)
        if arguments.json:
            print(json.dumps(answer.data, indent=2))
        else:
            answer.show(Printer())
        sys.stdout.flush()
        return answer.status
    except Error as error:
        if arguments.json:
            print(json.dumps({"error": str(error), "status": error.status_name, "detail": error.build_log}, indent=2))
        print(f"gpucompute: {error}", file=sys.stderr)
        if error.build_log and not arguments.json:
            print(error.build_log, file=sys.stderr)
        if isinstance(error, DeviceNotFound):
            print("gpucompute: `gpucompute doctor` says why there is no device, and the fix", file=sys.stderr)
            return NO_DEVICE
        return FAILED
    except BrokenPipeError:  # `gpucompute info | head -1`
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # numpy is missing, a file cannot be written, memory is out: one line says enough
        print(f"gpucompute: {type(error).__name__}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("gpucompute: interrupted", file=sys.stderr)
        return 130
