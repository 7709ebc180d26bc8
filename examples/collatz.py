#!/usr/bin/env python3
"""Collatz steps on a device, in the shape of alkomp's example: compile, to_device, run, get.

    collatz.py [COUNT]
"""
import sys

import gpucompute
import numpy

CODE = """
kernel void main_kernel(global uint *numbers) {
  size_t i = get_global_id(0);
  ulong n = numbers[i];
  uint steps = 0;
  while (n > 1) {
    n = n & 1 ? 3 * n + 1 : n / 2;
    ++steps;
  }
  numbers[i] = steps;
}
"""


def collatz(n):
    steps = 0
    while n > 1:
        n = 3 * n + 1 if n & 1 else n // 2
        steps += 1
    return steps


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    numbers = numpy.arange(1, count + 1, dtype=numpy.uint32)

    device = gpucompute.Device(0)
    kernel = device.compile("main_kernel", CODE)
    data = device.to_device(numbers)
    device.run(kernel, count, data)
    steps = device.get(data)

    print(f"{device.name}: {numbers[steps.argmax()]} takes {steps.max()} steps, the most of 1 to {count}")
    right = all(steps[i] == collatz(int(numbers[i])) for i in range(count))
    print("every number is the host's: right" if right else "WRONG")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
