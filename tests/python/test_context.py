"""Contexts, their memory, and the defaults."""
import gc
import threading

import pytest

import gpucompute


def test_making_contexts():
    device = gpucompute.Device(0)
    for devices in (None, device, [device], (device,)):
        with gpucompute.Context(devices) as context:
            assert context.devices[0] == context.device and context.context is context
            assert context.device.name in repr(context)
    assert context.closed and "closed" in repr(context)


@pytest.mark.parametrize("bad, error, match", [([], ValueError, "empty"), (["cpu"], TypeError, "str"), (5, TypeError, "int"), ([None], TypeError, "NoneType")])
def test_what_is_no_device(bad, error, match):
    with pytest.raises(error, match=match):
        gpucompute.Context(bad)


def test_a_device_given_twice():
    device = gpucompute.Device(0)
    with pytest.raises(gpucompute.ArgumentError):
        gpucompute.Context([device, device])


def test_memory_figures_follow_what_is_done():
    context = gpucompute.Context()
    assert context.memory.in_use == 0 and context.memory.live_buffers == 0
    buffer = gpucompute.Buffer(1 << 20, context)
    memory = context.memory
    assert memory.live_buffers == 1 and memory.in_use >= 1 << 20 and memory.peak >= memory.in_use
    assert "1" in context.memory_report
    buffer.close()
    assert context.memory.in_use == 0 and context.memory.cached >= 1 << 20
    assert context.trim() >= 1 << 20
    assert context.memory.cached == 0
    assert "in_use=0" in repr(context.memory)


def test_the_limit_is_kept():
    context = gpucompute.Context()
    default = context.memory.limit
    context.set_memory_limit(1 << 20)
    assert context.memory.limit == 1 << 20
    with pytest.raises(gpucompute.OutOfMemory) as info:
        gpucompute.Buffer(2 << 20, context)
    assert info.value.status in (401, 405) and isinstance(info.value, MemoryError)
    gpucompute.Buffer(1 << 16, context).close()
    context.set_memory_limit(0)
    assert context.memory.limit == default
    for bad in (-1, 2**64):
        with pytest.raises(ValueError, match="limit_bytes"):
            context.set_memory_limit(bad)


def test_objects_know_their_context():
    context = gpucompute.Context()
    queue = gpucompute.Queue(context)
    buffer = gpucompute.Buffer(64, queue)
    assert queue.context is context and buffer.context is context


def test_several_python_objects_for_one_context():
    context = gpucompute.Context()
    again = gpucompute.Context.from_int_ptr(context.int_ptr)
    assert again is not context and again == context and hash(again) == hash(context) and again.queue is context.queue
    buffer = gpucompute.Buffer(4, again)
    context.close()
    buffer.write(b"abcd")
    assert buffer.read() == b"abcd" and not again.closed


def test_its_own_queue_is_one_and_comes_back_after_closing():
    context = gpucompute.Context()
    queue = context.queue
    assert context.queue is queue and queue.context == context
    queue.close()
    assert context.queue is not queue and not context.queue.closed


def test_defaults_are_one_for_all_threads():
    found = []
    barrier = threading.Barrier(8)

    def look():
        barrier.wait()
        found.append((gpucompute.default_context(), gpucompute.default_queue()))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({id(c) for c, _ in found}) == len({id(q) for _, q in found}) == 1


def test_a_default_that_was_closed_is_made_again(run_python):
    out = run_python("""
        import gpucompute
        first = gpucompute.default_context()
        first.close()
        second = gpucompute.default_context()
        print(first is second, second.closed, gpucompute.Buffer(4).size)
        """)
    assert out.split() == ["False", "False", "4"]


def test_contexts_go_without_a_collector():
    gc.disable()
    try:
        context = gpucompute.Context()
        context.queue.finish()
        from gpucompute.context import _living

        before = len(_living)
        del context
        assert len(_living) == before - 1
    finally:
        gc.enable()


@pytest.mark.parametrize("owner", ["a text", 5, object()])
def test_what_has_no_context(owner):
    with pytest.raises(TypeError, match="context must be"):
        gpucompute.Buffer(4, owner)
    with pytest.raises(TypeError, match="queue must be"):
        gpucompute.Buffer(4).write(b"abcd", owner)
