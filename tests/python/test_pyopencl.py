"""Objects shared with PyOpenCL, in both directions, by int_ptr."""
import ctypes
import gc

import numpy
import pytest
from conftest import SOURCE, array_of, buffer_of

import gpucompute

cl = pytest.importorskip("pyopencl", reason="PyOpenCL is not installed")

DOUBLE = "kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }"


@pytest.fixture(scope="module")
def theirs():
    """PyOpenCL's context and queue on the default device."""
    device = cl.Device.from_int_ptr(gpucompute.default_device().int_ptr)
    context = cl.Context([device])
    return context, cl.CommandQueue(context)


def test_platforms_and_devices():
    ours = gpucompute.default_device()
    theirs = cl.Device.from_int_ptr(ours.int_ptr)
    assert theirs.name.strip() == ours.name.strip() and theirs.platform.int_ptr == ours.platform.int_ptr
    assert gpucompute.Device.from_int_ptr(theirs.int_ptr) == ours
    assert gpucompute.Platform.from_int_ptr(theirs.platform.int_ptr) == ours.platform
    assert {d.int_ptr for p in cl.get_platforms() for d in p.get_devices()} >= {d.int_ptr for d in gpucompute.devices()}


def test_their_objects_here(theirs, rng):
    context, queue = theirs
    values = rng.standard_normal(1000, dtype=numpy.float32)
    memory = cl.Buffer(context, cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR, hostbuf=values)
    ours = gpucompute.Context.from_int_ptr(context.int_ptr)
    our_queue = gpucompute.Queue.from_int_ptr(queue.int_ptr)
    buffer = gpucompute.Buffer.from_int_ptr(memory.int_ptr)
    assert our_queue.context == buffer.context == ours and buffer.size == values.nbytes
    gpucompute.Program(ours, DOUBLE).twice(our_queue, 1000, None, buffer)
    out = numpy.empty_like(values)
    cl.enqueue_copy(queue, out, memory)
    assert numpy.array_equal(out, 2 * values)
    assert numpy.array_equal(array_of(buffer, numpy.float32), 2 * values)


def test_our_objects_there(rng):
    context = gpucompute.Context()
    values = rng.standard_normal(1000, dtype=numpy.float32)
    buffer = buffer_of(values, context)
    their_context = cl.Context.from_int_ptr(context.int_ptr)
    their_queue = cl.CommandQueue.from_int_ptr(context.queue.int_ptr)
    memory = cl.Buffer.from_int_ptr(buffer.int_ptr)
    program = cl.Program(their_context, DOUBLE).build()
    program.twice(their_queue, (1000,), None, memory)
    their_queue.finish()
    assert numpy.array_equal(array_of(buffer, numpy.float32), 2 * values)


def test_programs_and_kernels(theirs, rng):
    context, queue = theirs
    ours = gpucompute.Context.from_int_ptr(context.int_ptr)
    values = numpy.arange(64, dtype=numpy.uint32)
    buffer = buffer_of(values, ours)
    memory = cl.Buffer.from_int_ptr(buffer.int_ptr)
    # theirs here
    program = cl.Program(context, SOURCE).build()
    gpucompute.Program.from_int_ptr(program.int_ptr).accumulate(ours.queue, 64, None, buffer, numpy.uint32(1))
    kernel = cl.Kernel(program, "accumulate")
    gpucompute.Kernel.from_int_ptr(kernel.int_ptr)(ours.queue, 64, None, buffer, numpy.uint32(10))
    ours.queue.finish()
    # ours there
    mine = gpucompute.Program(ours, SOURCE)
    cl.Kernel.from_int_ptr(mine.accumulate.int_ptr)(queue, (64,), None, memory, numpy.uint32(100))
    cl.Kernel(cl.Program.from_int_ptr(mine.int_ptr), "accumulate")(queue, (64,), None, memory, numpy.uint32(1000))
    queue.finish()
    assert numpy.array_equal(array_of(buffer, numpy.uint32), values + 1111)


def test_events(theirs):
    context, queue = theirs
    ours = gpucompute.Context.from_int_ptr(context.int_ptr)
    user = cl.UserEvent(context)
    event = gpucompute.Event.from_int_ptr(user.int_ptr)
    buffer = gpucompute.Buffer(64, ours)
    filled = buffer.fill(1, ours.queue, waits=event)
    assert not event.done and not filled.done
    user.set_status(cl.command_execution_status.COMPLETE)
    filled.wait()
    assert event.done
    cl.wait_for_events([cl.Event.from_int_ptr(filled.int_ptr)])


@pytest.mark.parametrize("kind", ["context", "queue", "buffer", "program", "kernel", "event"])
def test_references_are_counted(theirs, kind):
    """retain=True adds one for as long as ours lives; retain=False takes one over."""
    context = cl.Context(theirs[0].devices)
    queue = cl.CommandQueue(context)
    program = cl.Program(context, SOURCE).build()
    their_program = cl.Program.from_int_ptr(program.int_ptr)
    made = {"context": lambda: context, "queue": lambda: queue, "buffer": lambda: cl.Buffer(context, 0, 64), "program": lambda: their_program,
            "kernel": lambda: cl.Kernel(program, "accumulate"), "event": lambda: cl.UserEvent(context)}[kind]()
    info = {"context": cl.context_info, "queue": cl.command_queue_info, "buffer": cl.mem_info, "program": cl.program_info,
            "kernel": cl.kernel_info, "event": cl.event_info}[kind]
    again = {"context": cl.Context, "queue": cl.CommandQueue, "buffer": cl.Buffer, "program": cl.Program, "kernel": cl.Kernel, "event": cl.Event}[kind]
    ours = {"context": gpucompute.Context, "queue": gpucompute.Queue, "buffer": gpucompute.Buffer, "program": gpucompute.Program,
            "kernel": gpucompute.Kernel, "event": gpucompute.Event}[kind]

    def count():
        gc.collect()
        return made.get_info(info.REFERENCE_COUNT)

    before = count()
    held = ours.from_int_ptr(made.int_ptr)
    assert held.int_ptr == made.int_ptr or kind == "kernel"
    assert count() >= before + (kind != "kernel")  # a kernel is made of its program and its name
    held.close()
    assert count() == before
    again.from_int_ptr(made.int_ptr, retain=True).__class__  # theirs adds and drops one
    assert count() == before
    # A reference to give away.
    keeper = again.from_int_ptr(made.int_ptr, retain=True)
    leaked = keeper.int_ptr
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(keeper))  # theirs never drops it
    del keeper
    assert count() == before + 1
    taken = ours.from_int_ptr(leaked, retain=False)
    taken.close()
    assert count() == before


def test_what_is_shared_outlives_their_objects():
    context = cl.Context([cl.Device.from_int_ptr(gpucompute.default_device().int_ptr)])
    memory = cl.Buffer(context, cl.mem_flags.READ_WRITE, 64)
    buffer = gpucompute.Buffer.from_int_ptr(memory.int_ptr)
    del memory, context
    gc.collect()
    buffer.write(bytes(range(64)))
    assert buffer.read() == bytes(range(64))
