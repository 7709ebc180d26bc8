"""Objects created and dropped, over and over: nothing grows."""
import os

import numpy
import pytest

import gpucompute

COUNT = int(os.environ.get("GPUC_TEST_OBJECTS", "10000"))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def makers():
    context = gpucompute.default_context()
    queue = gpucompute.default_queue()
    buffer = gpucompute.Buffer(4096)
    program = gpucompute.Program("kernel void f(global uint *x, uint n) { x[get_global_id(0)] = n; }").build()
    kernel = program.f
    source = "kernel void f(global uint *x, uint n) { x[get_global_id(0)] = n; }"
    host = numpy.zeros(1024, numpy.uint32)
    return {
        "Platform": (1, gpucompute.platforms), "Device": (1, lambda: gpucompute.Device(0)),
        "Context": (20, gpucompute.Context), "Queue": (10, lambda: gpucompute.Queue(context)), "Event": (1, lambda: buffer.fill(1)),
        "UserEvent": (1, lambda: gpucompute.UserEvent(context).complete()), "Buffer": (1, lambda: gpucompute.Buffer(65536)),
        "slice": (1, lambda: buffer.slice(1024)), "Mapping": (1, lambda: buffer.map().close()),
        "HostMemory": (1, lambda: gpucompute.HostMemory(65536)), "Program": (20, lambda: gpucompute.Program(source).build().f),
        "Kernel": (1, lambda: gpucompute.Kernel(program, "f")), "Launcher": (1, lambda: kernel[1](buffer, 1)),
        "launch": (1, lambda: kernel(queue, 1, None, buffer, 1)), "launch with an event": (1, lambda: kernel(queue, 1, None, buffer, 1, event=True)),
        "ProQue": (20, lambda: gpucompute.ProQue(source, 10)), "write_async": (1, lambda: buffer.write_async(host, queue)),
        "error": (1, lambda: pytest.raises(gpucompute.KernelArgumentError, kernel, queue, 1, None, buffer, "x")),
        "sizes": (1, lambda n=iter(range(10**9)): kernel(queue, next(n) % 64 + 1, None, buffer, 1)),
        "int_ptr": (1, lambda: gpucompute.Kernel(program, "f").int_ptr)}


@pytest.fixture(scope="module")
def made():
    return makers()


NAMES = ["Platform", "Device", "Context", "Queue", "Event", "UserEvent", "Buffer", "slice", "Mapping", "HostMemory", "Program", "Kernel",
         "Launcher", "launch", "launch with an event", "ProQue", "write_async", "error", "sizes", "int_ptr"]


@pytest.mark.parametrize("name", NAMES)
def test_no_growth(made, name):
    cost, make = made[name]
    count = max(100, COUNT // cost)
    context = gpucompute.default_context()

    def some(number):
        for turn in range(number):
            make()
            if turn % 100 == 99:
                gpucompute.default_queue().finish()  # what waits on a queue is no leak
        gpucompute.default_queue().finish()

    some(count // 5 + 50)
    live, before = context.memory.live_buffers, resident()
    descriptors = len(os.listdir("/proc/self/fd"))
    some(count)
    assert context.memory.live_buffers == live and len(os.listdir("/proc/self/fd")) <= descriptors + 2
    # One object that stays behind costs 100 bytes at least; allocators and drivers keep a few pages.
    assert resident() - before < max(4 << 20, 64 * count), f"{(resident() - before) / count:.0f} bytes for each"


def test_the_list_is_whole(made):
    assert sorted(made) == sorted(NAMES)
