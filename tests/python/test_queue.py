"""Queues."""
import pytest

import gpucompute


def test_flags_and_parts(context):
    queue = gpucompute.Queue(context, profiling=True)
    assert queue.profiling and not queue.out_of_order and queue.device == context.device and queue.context is context
    assert "profiling" in repr(queue)
    queue.flush()
    queue.finish()
    assert gpucompute.Queue(gpucompute.Device(0)).context is gpucompute.Device(0).context


def test_out_of_order(context):
    if not context.device.out_of_order:
        with pytest.raises(gpucompute.Unsupported):
            gpucompute.Queue(context, out_of_order=True)
        return
    queue = gpucompute.Queue(context, out_of_order=True)
    assert queue.out_of_order
    buffer = gpucompute.Buffer(4, context)
    first = buffer.fill(1, queue)
    second = buffer.fill(2, queue, waits=first)
    queue.barrier([second])
    buffer.fill(3, queue).wait()
    queue.finish()
    assert buffer.read(queue=queue) == bytearray([3] * 4)


def test_markers_and_barriers(queue):
    assert isinstance(queue.marker(), gpucompute.Event)
    event = queue.barrier()
    event.wait()
    assert event.done
    queue.marker([event, event]).wait()
    with pytest.raises(TypeError, match="waits"):
        queue.marker([5])


def test_with_finishes_and_closes(context):
    buffer = gpucompute.Buffer(4, context)
    with gpucompute.Queue(context) as queue:
        event = buffer.fill(7, queue)
    assert queue.closed and event.done
    with pytest.raises(gpucompute.StateError, match="this Queue is closed"):
        queue.finish()
    with pytest.raises(gpucompute.StateError):
        queue.context
    assert "closed" in repr(queue)


def test_with_keeps_the_first_error(context):
    with pytest.raises(ZeroDivisionError):
        with gpucompute.Queue(context) as queue:
            1 / 0
    assert queue.closed
    with pytest.raises(gpucompute.StateError):
        with gpucompute.Queue(context) as queue:
            queue.close()


def test_bad_devices(context):
    with pytest.raises(TypeError, match="device"):
        gpucompute.Queue(context, device="cpu")
    with pytest.raises(TypeError, match="context must be"):
        gpucompute.Queue("cpu")


def test_a_queue_of_another_context(queue):
    with pytest.raises(gpucompute.ContextMismatch):
        gpucompute.Buffer(4, gpucompute.Context()).write(b"abcd", queue)


def test_from_int_ptr(context):
    queue = gpucompute.Queue(context)
    same = gpucompute.Queue.from_int_ptr(queue.int_ptr, context=context)
    queue.close()
    gpucompute.Buffer(4, context).write(b"abcd", same)
    same.finish()
    with pytest.raises(TypeError, match="context"):
        gpucompute.Queue.from_int_ptr(same.int_ptr, context="x")
    with pytest.raises(gpucompute.ContextMismatch):
        gpucompute.Queue.from_int_ptr(same.int_ptr, context=gpucompute.Context())
