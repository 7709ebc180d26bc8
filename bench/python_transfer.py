#!/usr/bin/env python3
"""Copies of pageable memory from Python, against the C ABI's own figure and PyOpenCL's.

"write" and "read" are Buffer.write and Buffer.read of numpy arrays. "C ABI" is gpuc_buffer_write and gpuc_buffer_read through ctypes on the same buffer and
array, one call: what is between the two is this package. All block until the data are there.
"""
import ctypes
import sys
import time

from python_harness import Failure, at_least, check, comparison, memory_bytes, run

SIZES = [1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 28, 1 << 30]


def size_text(size):
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def measure(bench):
    import numpy

    import gpucompute
    from gpucompute._library import address

    context = gpucompute.Context(bench.device)
    queue = context.queue
    library = ctypes.CDLL(gpucompute.library_path())
    for name in ("gpuc_buffer_write", "gpuc_buffer_read"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    try:
        import pyopencl as cl
    except ImportError as error:
        cl = None
        bench.skip("PyOpenCL", str(error))
    now = time.perf_counter
    rng = numpy.random.default_rng(2)
    for size in SIZES:
        if bench.options.quick and size > 1 << 20:
            bench.skip(size_text(size), "more than 1 MiB in a quick run")
            continue
        if size > min(bench.device.max_allocation_bytes, bench.device.global_memory_bytes // 4, memory_bytes() // 8):
            bench.skip(size_text(size), "too large for this device or this machine")
            continue
        data = rng.integers(0, 256, size, numpy.uint8)
        out = numpy.zeros_like(data)
        buffer = gpucompute.Buffer(size, context)
        repeats = max(1, min(200, (1 << 22) // size))
        handles = (address(buffer._ptr), address(queue._ptr))

        def timed(work, repeats=repeats):
            begin = now()
            for _ in range(repeats):
                work()
            return (now() - begin) / repeats

        def abi(name, array, handles=handles, size=size):
            function, pointer = getattr(library, name), array.ctypes.data

            def work():
                if function(*handles, 0, size, pointer):
                    raise Failure(name)

            return work

        buffer.write(data)
        buffer.read(out)
        check(numpy.array_equal(out, data), f"{size_text(size)} there and back")
        sides = {
            "write": {"gpucompute": lambda: timed(lambda: buffer.write(data, queue)), "c_abi": lambda: timed(abi("gpuc_buffer_write", data))},
            "read": {"gpucompute": lambda: timed(lambda: buffer.read(out, queue)), "c_abi": lambda: timed(abi("gpuc_buffer_read", out))}}
        if cl is not None:
            theirs = cl.Context([cl.Device.from_int_ptr(bench.device.int_ptr)])
            their_queue = cl.CommandQueue(theirs)
            memory = cl.Buffer(theirs, cl.mem_flags.READ_WRITE, size)
            sides["write"]["pyopencl"] = lambda: timed(lambda: cl.enqueue_copy(their_queue, memory, data))
            sides["read"]["pyopencl"] = lambda: timed(lambda: cl.enqueue_copy(their_queue, out, memory))
            cl.enqueue_copy(their_queue, memory, data)
        for direction in ("write", "read"):
            out[:] = 0
            bench.measure(f"{direction} {size_text(size)}", {"bytes": size, "direction": direction, "blocking": True},
                          "the data come back as they were", sides[direction], [
                              comparison("speed: gpucompute / C ABI", "c_abi", "gpucompute", "ratio of speeds; higher is better",
                                         at_least(0.95) if size == 1 << 30 else None),
                              comparison("speed: gpucompute / PyOpenCL", "pyopencl", "gpucompute", "ratio of speeds; higher is better")])
        buffer.read(out)
        check(numpy.array_equal(out, data), f"{size_text(size)} after the measurements")
        del buffer


if __name__ == "__main__":
    sys.exit(run("python_transfer", "Copies from Python, against the C ABI's own figure", measure))
