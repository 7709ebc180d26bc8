"""`bench`: a short look at how fast a device is, from Python, in this process."""
from __future__ import annotations

import statistics
import time
from typing import Any, Callable

from . import OK, WRONG, Answer
from ._tables import Printer, byte_text
from .. import _library
from ..buffer import Buffer
from ..context import Context
from ..device import Device
from ..errors import Error, check
from ..host_memory import HostMemory
from ..program import Program
from ..queue import Queue

KINDS = ("launch", "transfer", "copy", "matmul")
_LEAST_ROUNDS, _MOST_ROUNDS = 5, 1000

_SOURCE = """
kernel void accumulate(global const uint *a, global const uint *b, global uint *c, uint s) {
  size_t i = get_global_id(0);
  c[i] += a[i] * s + b[i];
}
"""


class Wrong(Exception):
    """A result is not what it must be: there is no figure then."""


def _median(once: Callable[[], float], seconds: float) -> tuple[float, int]:
    """(median of what `once` gives, rounds); the first is not counted."""
    once()
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < _LEAST_ROUNDS or (time.perf_counter() < end and len(samples) < _MOST_ROUNDS):
        samples.append(once())
    return statistics.median(samples), len(samples)


def _timed(*steps: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    for step in steps:
        step()
    return time.perf_counter() - begin


def _launch(context: Context, queue: Queue, launches: int, seconds: float) -> list[dict[str, Any]]:
    import numpy

    items = 64
    kernel = Program(context, _SOURCE).kernel("accumulate")
    a, b, c = (Buffer(4 * items, context) for _ in range(3))
    ones = numpy.ones(items, numpy.uint32)
    a.write(ones, queue)
    b.write(ones, queue)
    c.fill(0, queue)
    for scalar in range(10):
        kernel(queue, items, items, a, b, c, scalar)
    if not (c.read(numpy.empty_like(ones), queue) == 55).all():
        raise Wrong("10 launches do not add up")

    def batch() -> float:
        begin = time.perf_counter()
        for scalar in range(launches):
            kernel(queue, items, items, a, b, c, scalar)
        taken = time.perf_counter() - begin
        queue.finish()
        return taken / launches

    def to_the_end() -> float:
        def one() -> None:
            kernel(queue, items, items, a, b, c, 1)
            queue.finish()

        return _timed(one)

    call, rounds = _median(batch, seconds)
    trip, trips = _median(to_the_end, seconds)
    return [{"name": "launch", "what": "host time of a launch: 3 buffers, 1 scalar", "seconds": call, "rounds": rounds},
            {"name": "launch and wait", "what": "the same until it is complete", "seconds": trip, "rounds": trips}]


def _transfer(context: Context, queue: Queue, size: int, seconds: float) -> list[dict[str, Any]]:
    import numpy

    buffer = Buffer(size, context)
    results = []
    memories: list[tuple[str, Any]] = [("pageable", numpy.empty(size, numpy.uint8))]
    pinned = HostMemory(size, context)
    memories.append(("pinned", numpy.frombuffer(pinned.view, numpy.uint8)))
    for name, memory in memories:
        memory[:] = numpy.resize(numpy.arange(251, dtype=numpy.uint8), size)
        expected = memory.copy()
        buffer.write(memory, queue)
        memory[:] = 0
        buffer.read(memory, queue)
        if not numpy.array_equal(memory, expected):
            raise Wrong(f"what is read back into {name} memory differs from what was written")

        def once(function: Any, memory: Any = memory) -> Callable[[], float]:
            return lambda: _timed(lambda: function(memory, queue))

        for direction, function in (("to the device", buffer.write), ("to the host", buffer.read)):
            taken, rounds = _median(once(function), seconds)
            results.append({"name": f"{direction}, {name}", "what": f"{byte_text(size)} of {name} host memory, blocking", "seconds": taken,
                            "bytes": size, "rounds": rounds})
    return results


def _copy(context: Context, queue: Queue, size: int, seconds: float) -> list[dict[str, Any]]:
    import numpy

    source, target = Buffer(size, context), Buffer(size, context)
    source.fill(0x5A, queue)
    target.fill(0, queue)
    source.copy_to(target, queue)
    if not (numpy.frombuffer(target.read(queue=queue), numpy.uint8) == 0x5A).all():
        raise Wrong("the copy differs from its source")
    taken, rounds = _median(lambda: _timed(lambda: source.copy_to(target, queue).wait()), seconds)
    return [{"name": "copy on the device", "what": f"{byte_text(size)}, read and written once each", "seconds": taken, "bytes": 2 * size,
             "rounds": rounds}]


def _matmul(context: Context, queue: Queue, n: int, seconds: float) -> list[dict[str, Any]]:
    import numpy

    ffi, lib, null = _library.ffi, _library.lib, _library.NULL
    rng = numpy.random.default_rng(1)
    a, b = (rng.standard_normal((n, n), dtype=numpy.float32) for _ in range(2))
    buffers = [Buffer(4 * n * n, context) for _ in range(3)]
    buffers[0].write(a, queue)
    buffers[1].write(b, queue)
    buffers[2].fill(0xFF, queue)  # NaN
    desc = ffi.new("gpuc_gemm_desc *")
    check(lib.gpuc_gemm_desc_init(desc, ffi.sizeof("gpuc_gemm_desc")))
    desc.m = desc.n = desc.k = n
    backend = _library.text(lib.gpuc_gemm_explain, queue._ptr, desc).partition(":")[0]

    def multiply() -> None:
        check(lib.gpuc_gemm(queue._ptr, desc, buffers[0]._ptr, buffers[1]._ptr, buffers[2]._ptr, null, 0, null))
        queue.finish()

    multiply()
    result = buffers[2].read(numpy.empty((n, n), numpy.float32), queue)
    rows = rng.integers(0, n, min(n, 16))
    exact = a[rows].astype(numpy.float64) @ b.astype(numpy.float64)
    bound = (n + 4) * 2.0**-23 * (numpy.abs(a[rows]).astype(numpy.float64) @ numpy.abs(b).astype(numpy.float64))
    if not (numpy.abs(result[rows] - exact) <= bound).all():
        raise Wrong("the product is outside its error bound")
    taken, rounds = _median(lambda: _timed(multiply), seconds)
    return [{"name": "matrix product", "what": f"f32, {n} x {n} x {n}, by {backend}, call and wait", "seconds": taken, "flop": 2 * n**3,
             "rounds": rounds}]


def bench(which: str | None, what: list[str], size: int, n: int, launches: int, seconds: float) -> Answer:
    device = Device(which)
    context = Context(device)
    queue = Queue(context)
    kinds: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "launch": lambda: _launch(context, queue, launches, seconds),
        "transfer": lambda: _transfer(context, queue, size, seconds),
        "copy": lambda: _copy(context, queue, size, seconds),
        "matmul": lambda: _matmul(context, queue, n, seconds),
    }
    results: list[dict[str, Any]] = []
    problems: list[str] = []
    for kind in KINDS:
        if what and kind not in what:
            continue
        try:
            results += [{"kind": kind, **result} for result in kinds[kind]()]
        except Wrong as error:
            problems.append(f"{kind}: WRONG: {error}")
        except Error as error:
            problems.append(f"{kind}: {error}")
    for result in results:
        if "bytes" in result:
            result["gigabytes_per_second"] = result["bytes"] / result["seconds"] / 1e9
        if "flop" in result:
            result["gigaflops"] = result["flop"] / result["seconds"] / 1e9
    data = {"device": device.name, "driver": device.driver_version, "results": results, "problems": problems}

    def show(printer: Printer) -> None:
        rows = []
        for result in results:
            rate = f"{result['gigabytes_per_second']:.2f} GB/s" if "bytes" in result else (
                f"{result['gigaflops']:.1f} GFLOP/s" if "flop" in result else "")
            rows.append((result["name"], result["what"], f"{result['seconds'] * 1e6:.2f} us", rate, result["rounds"]))
        printer.table(("", "what", "median", "rate", "rounds"), rows, title=device.name, right=(2, 3, 4))
        for problem in problems:
            printer.line(problem)

    return Answer(data, show, WRONG if problems else OK)
