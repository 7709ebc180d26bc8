"""Many threads at once."""
import threading

import numpy
from conftest import array_of, buffer_of

import gpucompute

SOURCE = "kernel void mingle(global const uint *a, global const uint *b, global uint *c, uint s) { size_t i = get_global_id(0); c[i] += a[i] * s + b[i]; }"


def run(count, work):
    barrier, failures = threading.Barrier(count), []

    def body(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: B902
            failures.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_64_threads_launch_one_kernel_at_once():
    kernel = gpucompute.Program(SOURCE).mingle
    queue = gpucompute.default_queue()
    rng = numpy.random.default_rng(5)
    launches, items = 100, 64
    inputs = [tuple(rng.integers(0, 2**32, items, numpy.uint32) for _ in range(3)) for _ in range(64)]
    buffers = [tuple(buffer_of(values) for values in row) for row in inputs]

    def work(number):
        a, b, c = buffers[number]
        for turn in range(launches):
            kernel(queue, items, None, a, b, c, number * 1000 + turn)

    run(64, work)
    queue.finish()
    for number, ((a, b, c), (_, _, buffer)) in enumerate(zip(inputs, buffers)):
        expected = c.copy()
        for turn in range(launches):
            expected += a * numpy.uint32(number * 1000 + turn) + b
        assert numpy.array_equal(array_of(buffer, numpy.uint32), expected)


def test_a_kernel_is_made_once_whoever_asks():
    program = gpucompute.Program(SOURCE)
    found = []
    run(16, lambda number: found.append(program.mingle))
    assert len(found) == 16 and program.built and len(set(map(id, found))) == 1
    values = numpy.ones(8, numpy.uint32)
    for kernel in found:
        c = buffer_of(values)
        kernel(None, 8, None, buffer_of(values), buffer_of(values), c, 1)
        assert (array_of(c, numpy.uint32) == 3).all()


def test_buffers_events_and_transfers_in_threads():
    def work(number):
        queue = gpucompute.Queue()
        for turn in range(20):
            size = 1 + (number * 7919 + turn * 104729) % 70000
            data = bytes((number + turn) % 256 for _ in range(16)) * (size // 16 + 1)
            buffer = gpucompute.Buffer(size)
            event = buffer.write_async(data[:size], queue)
            out = bytearray(size)
            buffer.read_async(out, queue, waits=event).wait()
            assert out == data[:size]

    run(16, work)


def test_waiting_in_one_thread_does_not_stop_another():
    user = gpucompute.UserEvent()
    done = []
    waiter = threading.Thread(target=lambda: (user.wait(), done.append(1)))
    waiter.start()
    assert gpucompute.Buffer(16).fill(3).wait() is None
    user.complete()
    waiter.join(60)
    assert done
