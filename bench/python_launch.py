#!/usr/bin/env python3
"""Kernel launch from Python, three buffers and a scalar that changes, against raw C, PyOpenCL and CuPy.

A sample is the time of a batch of launches, without the time until they are complete: what a program pays in the thread that launches. A batch is
short enough that the driver's queue does not fill up. "raw" is the same loop in C (raw_enqueue.c): clSetKernelArg four times and
clEnqueueNDRangeKernel. The kernel does next to nothing.

PoCL's device is the host's cores; it gets one thread here (unless POCL_MAX_PTHREAD_COUNT says otherwise), so that on a small machine the launching
thread has a core to itself.
"""
import ctypes
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("POCL_MAX_PTHREAD_COUNT", "1")

from python_harness import Failure, at_most, check, comparison, run  # noqa: E402

SOURCE = """kernel void accumulate(global const uint *a, global const uint *b, global uint *c, uint s) {
  size_t i = get_global_id(0);
  c[i] += a[i] * s + b[i];
}"""
CUDA = 'extern "C" __global__ void accumulate(const unsigned *a, const unsigned *b, unsigned *c, unsigned s) ' \
       "{ unsigned i = blockIdx.x * blockDim.x + threadIdx.x; c[i] += a[i] * s + b[i]; }"
ITEMS = 64


def raw_library():
    folder = os.environ.get("GPUC_BUILD_DIR", Path(__file__).resolve().parent.parent / "build" / "release")
    library = ctypes.CDLL(str(Path(folder) / "bench" / "libraw_enqueue.so"))
    function = library.bench_raw_enqueue
    function.restype = ctypes.c_double
    function.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    return function


def measure(bench):
    import numpy

    import gpucompute

    context = gpucompute.Context(bench.device)
    queue = context.queue
    rng = numpy.random.default_rng(1)
    start = [rng.integers(0, 2**32, ITEMS, numpy.uint32) for _ in range(3)]
    batch = 20 if bench.options.quick else 500

    def expected(scalars):
        c = start[2].copy()
        for s in scalars:
            c += start[0] * numpy.uint32(s) + start[1]
        return c

    # this package
    def buffers():
        made = [gpucompute.Buffer(4 * ITEMS, context) for _ in range(3)]
        for buffer, values in zip(made, start):
            buffer.write(values)
        return made

    a, b, c = buffers()
    kernel = gpucompute.Program(context, SOURCE).accumulate
    launcher = kernel[ITEMS, ITEMS]
    now = time.perf_counter

    def call():
        begin = now()
        for n in range(batch):
            kernel(queue, ITEMS, ITEMS, a, b, c, n)
        taken = now() - begin
        queue.finish()
        return taken / batch

    def brackets():
        begin = now()
        for n in range(batch):
            launcher(a, b, c, n)
        taken = now() - begin
        queue.finish()
        return taken / batch

    def with_event():
        begin = now()
        for n in range(batch):
            kernel(queue, ITEMS, ITEMS, a, b, c, n, event=True)
        taken = now() - begin
        queue.finish()
        return taken / batch

    for side in (call, brackets, with_event):
        c.write(start[2])
        side()
        check(numpy.array_equal(numpy.frombuffer(c.read(), numpy.uint32), expected(range(batch))), f"launches by {side.__name__}")

    # raw C, on a kernel and buffers of its own
    ra, rb, rc = buffers()
    raw_enqueue, raw_kernel = raw_library(), gpucompute.Program(context, SOURCE).accumulate

    def raw():
        seconds = raw_enqueue(raw_kernel.int_ptr, queue.int_ptr, ra.int_ptr, rb.int_ptr, rc.int_ptr, ITEMS, ITEMS, batch)
        queue.finish()
        if seconds < 0:
            raise Failure(f"clEnqueueNDRangeKernel: {seconds}")
        return seconds

    raw()
    check(numpy.array_equal(numpy.frombuffer(rc.read(), numpy.uint32), expected(range(batch))), "raw launches")

    sides = {"raw": raw, "gpucompute": call, "brackets": brackets, "event": with_event}
    peers(bench, sides, batch, start, expected)
    meaning = "host time of one launch, side over side; lower is better"
    bench.measure("a launch from Python", {"batch": batch, "work_items": ITEMS, "buffers": 3, "scalars": 1},
                  f"{batch} launches give the exact sums on every side", sides, [
                      comparison("gpucompute / raw", "gpucompute", "raw", meaning, at_most(1.25)),
                      comparison("gpucompute / PyOpenCL", "gpucompute", "pyopencl", meaning, at_most(1)),
                      comparison("gpucompute / CuPy", "gpucompute", "cupy", meaning, at_most(1)),
                      comparison("kernel[...] / raw", "brackets", "raw", meaning),
                      comparison("with an event / raw", "event", "raw", meaning),
                      comparison("PyOpenCL / raw", "pyopencl", "raw", meaning)])


def peers(bench, sides, batch, start, expected):
    import numpy

    now = time.perf_counter
    try:
        import pyopencl as cl
    except ImportError as error:
        bench.skip("PyOpenCL", str(error))
    else:
        context = cl.Context([cl.Device.from_int_ptr(bench.device.int_ptr)])
        queue = cl.CommandQueue(context)
        a, b, c = (cl.Buffer(context, cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR, hostbuf=values) for values in start)
        kernel = cl.Kernel(cl.Program(context, SOURCE).build(), "accumulate")
        kernel.set_scalar_arg_dtypes([None, None, None, numpy.uint32])
        size = (ITEMS,)

        def pyopencl():
            begin = now()
            for n in range(batch):
                kernel(queue, size, size, a, b, c, n)
            taken = now() - begin
            queue.finish()
            return taken / batch

        pyopencl()
        out = numpy.empty(ITEMS, numpy.uint32)
        cl.enqueue_copy(queue, out, c)
        check(numpy.array_equal(out, expected(range(batch))), "launches through PyOpenCL")
        sides["pyopencl"] = pyopencl
    try:
        import cupy

        cupy.cuda.Device(0).use()
    except Exception as error:
        bench.skip("CuPy", f"{type(error).__name__}: {error}".splitlines()[0])
    else:
        raw_kernel = cupy.RawKernel(CUDA, "accumulate")
        x, y, z = (cupy.asarray(values) for values in start)

        def cupy_():
            begin = now()
            for n in range(batch):
                raw_kernel((1,), (ITEMS,), (x, y, z, numpy.uint32(n)))
            taken = now() - begin
            cupy.cuda.Device(0).synchronize()
            return taken / batch

        cupy_()
        check(numpy.array_equal(z.get(), expected(range(batch))), "launches through CuPy")
        sides["cupy"] = cupy_


if __name__ == "__main__":
    sys.exit(run("python_launch", "Kernel launch from Python, against raw C, PyOpenCL and CuPy", measure))
