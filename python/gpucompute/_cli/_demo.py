"""`demo`: Collatz steps of many numbers, on a device and on the host."""
from __future__ import annotations

import time
from typing import Any

from . import OK, WRONG, Answer
from ._tables import Printer
from ..buffer import Buffer
from ..device import Device
from ..program import Program
from ..queue import Queue

SOURCE = """
kernel void collatz(global uint *numbers, uint count) {
  size_t i = get_global_id(0);
  if (i >= count) return;
  ulong n = numbers[i];
  uint steps = 0;
  while (n > 1) {
    n = n & 1 ? 3 * n + 1 : n / 2;
    ++steps;
  }
  numbers[i] = steps;
}
"""


def on_host(numbers: Any) -> Any:
    """The same with numpy, all numbers at once."""
    import numpy

    n = numbers.astype(numpy.uint64)
    steps = numpy.zeros(len(n), numpy.uint32)
    left = numpy.flatnonzero(n > 1)
    while left.size:
        now = n[left]
        n[left] = now = numpy.where(now & 1, 3 * now + 1, now // 2)
        steps[left] += 1
        left = left[now > 1]
    return steps


def demo(which: str | None, count: int) -> Answer:
    import numpy

    device = Device(which)
    numbers = numpy.arange(1, count + 1, dtype=numpy.uint32)
    with Queue(device, profiling=True) as queue:
        kernel = Program(queue, SOURCE).kernel("collatz")
        buffer = Buffer(numbers.nbytes, queue)
        begin = time.perf_counter()
        buffer.write(numbers, queue)
        event = kernel(queue, count, None, buffer, count, event=True)
        steps = buffer.read(numpy.empty_like(numbers), queue)
        wall = time.perf_counter() - begin
        assert event is not None
        event.wait()
        kernel_ns = event.duration_ns
    begin = time.perf_counter()
    expected = on_host(numbers)
    host = time.perf_counter() - begin
    right = bool(numpy.array_equal(steps, expected))
    longest = int(steps.argmax())
    data = {"device": device.name, "numbers": count, "kernel_s": kernel_ns / 1e9, "wall_s": wall, "numpy_s": host, "right": right,
            "longest": int(numbers[longest]), "steps": int(steps[longest])}

    def show(printer: Printer) -> None:
        printer.line(f"Collatz steps of 1 to {count} on {device.name}")
        printer.line(f"  kernel {kernel_ns / 1e6:.3f} ms, with both copies {wall * 1e3:.3f} ms; numpy on the host {host * 1e3:.3f} ms")
        printer.line(f"  the longest: {data['longest']} takes {data['steps']} steps")
        printer.line("  every number is numpy's: right" if right else f"  WRONG: {int((steps != expected).sum())} numbers differ from numpy's")

    return Answer(data, show, OK if right else WRONG)
