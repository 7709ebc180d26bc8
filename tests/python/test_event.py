"""Events."""
import os
import select
import threading
import time

import numpy
import pytest

import gpucompute


@pytest.fixture
def user(context):
    event = gpucompute.UserEvent(context)
    yield event
    if not event.closed and not event.done:
        event.complete()


def test_states_and_waiting(queue):
    event = gpucompute.Buffer(1 << 20).fill(1, queue)
    event.wait()
    assert event.state == "complete" and event.done and "complete" in repr(event)
    event.wait(0)
    event.wait(1.5)


def test_a_timeout(user):
    assert not user.done
    for timeout in (0, 0.01):
        with pytest.raises(gpucompute.Timeout) as info:
            user.wait(timeout)
        assert isinstance(info.value, TimeoutError) and info.value.status == 404
    user.complete()
    user.wait(0)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_is_none(user, timeout):
    with pytest.raises(ValueError, match="timeout"):
        user.wait(timeout)


def test_an_endless_timeout(user):
    user.complete()
    user.wait(float("inf"))
    user.wait(1e300)


def test_waiting_lets_other_threads_run(user):
    threading.Timer(0.05, user.complete).start()  # would never run if wait() kept the interpreter
    user.wait()
    assert user.done


def test_commands_wait_for_events(context, user):
    queue = gpucompute.Queue(context)
    buffer = gpucompute.Buffer(4, context)
    buffer.fill(1, queue).wait()
    event = buffer.fill(2, queue, waits=user)
    queue.flush()
    time.sleep(0.02)
    assert not event.done
    user.complete()
    event.wait()
    assert buffer.read(queue=queue) == bytearray([2] * 4)


def test_completing_twice_and_wrongly(user):
    with pytest.raises(gpucompute.ArgumentError):
        user.complete(1)
    for bad in (2**31, -2**31 - 1):
        with pytest.raises(ValueError, match="cl_code"):
            user.complete(bad)
    user.complete()
    with pytest.raises(gpucompute.StateError):
        user.complete()


def test_only_user_events_can_be_completed(queue):
    assert not hasattr(queue.marker(), "complete")


def test_wait_all(queue, context):
    events = [gpucompute.Buffer(64, context).fill(i, queue) for i in range(10)]
    gpucompute.wait_all(events)
    assert all(event.done for event in events)
    gpucompute.wait_all([])
    gpucompute.wait_all(iter(events))
    with pytest.raises(TypeError, match="waits"):
        gpucompute.wait_all([None])


def test_times(context):
    queue = gpucompute.Queue(context, profiling=True)
    event = gpucompute.Buffer(1 << 20, context).fill(1, queue)
    event.wait()
    times = event.times
    assert times.queued <= times.submitted <= times.started <= times.ended
    assert event.duration_ns == times.duration == times.ended - times.started


def test_times_that_are_not_there(queue, user):
    event = gpucompute.Buffer(4).fill(1, queue)
    event.wait()
    with pytest.raises(gpucompute.StateError):
        event.times
    with pytest.raises(gpucompute.StateError):
        user.duration_ns


def test_descriptors(user):
    descriptors = [user.fileno() for _ in range(3)]
    assert len(set(descriptors)) == 3
    try:
        assert select.select(descriptors, [], [], 0)[0] == []
        user.complete()
        waiting = set(descriptors)
        deadline = time.monotonic() + 300
        while waiting and time.monotonic() < deadline:
            waiting -= set(select.select(list(waiting), [], [], 1)[0])
        assert not waiting
    finally:
        for fd in descriptors:
            os.close(fd)


def test_closed(queue):
    event = queue.marker()
    with event:
        event.wait()
    event.close()
    for use in (lambda: event.state, event.wait, event.fileno, lambda: event.int_ptr, lambda: queue.marker(event)):
        with pytest.raises(gpucompute.StateError, match="this Event is closed"):
            use()
    assert "closed" in repr(event)


def test_from_int_ptr(context, user):
    same = gpucompute.Event.from_int_ptr(user.int_ptr, context=context)
    assert not same.done
    user.complete()
    same.wait()
    assert gpucompute.Event.from_int_ptr(user.int_ptr).done
    with pytest.raises(gpucompute.ContextMismatch):
        gpucompute.Event.from_int_ptr(user.int_ptr, context=gpucompute.Context())


def test_an_event_outlives_its_makers():
    context = gpucompute.Context()
    event = gpucompute.Buffer(1 << 16, context).fill(1, gpucompute.Queue(context))
    context.close()
    event.wait()
    assert event.done


def test_asynchronous_copies_keep_their_memory_alive(context, user):
    queue = gpucompute.Queue(context)
    buffer = gpucompute.Buffer(1 << 20, context)
    values = numpy.arange(1 << 18, dtype=numpy.uint32)
    event = buffer.write_async(values.copy(), queue, waits=user)  # the copy belongs to nobody else
    rubbish = [numpy.full(1 << 18, 0xFFFFFFFF, numpy.uint32) for _ in range(4)]
    user.complete()
    event.wait()
    assert numpy.array_equal(numpy.frombuffer(buffer.read(queue=queue), numpy.uint32), values) and rubbish


def test_closing_the_event_changes_nothing(context, user):
    queue = gpucompute.Queue(context)
    buffer = gpucompute.Buffer(1 << 20, context)
    values = numpy.arange(1 << 18, dtype=numpy.uint32)
    for _ in range(3):
        buffer.write_async(values.copy(), queue, waits=user).close()
    rubbish = [numpy.full(1 << 18, 0xFFFFFFFF, numpy.uint32) for _ in range(4)]
    user.complete()
    queue.finish()
    assert numpy.array_equal(numpy.frombuffer(buffer.read(queue=queue), numpy.uint32), values) and rubbish


@pytest.mark.parametrize("how", ["wait", "wait_all", "finish", "another copy"])
def test_memory_is_let_go_when_the_command_is_known_to_be_complete(context, user, how):
    queue = gpucompute.Queue(context)
    buffer = gpucompute.Buffer(1000, context)
    out = bytearray(1000)
    event = buffer.read_async(out, queue, waits=user)
    with pytest.raises(BufferError):
        out.append(1)
    user.complete()
    {"wait": event.wait, "wait_all": lambda: gpucompute.wait_all([event]), "finish": queue.finish,
     "another copy": lambda: (queue.marker().wait(), buffer.write_async(bytes(4), queue))}[how]()
    out.append(1)


def test_many_held_at_once_behind_one_that_waits(context, user):
    from gpucompute import _keep

    blocked, free = gpucompute.Queue(context), gpucompute.Queue(context)
    first = gpucompute.Buffer(64, context).write_async(bytes(64), blocked, waits=user)
    buffer = gpucompute.Buffer(64, context)
    for _ in range(1000):
        buffer.write_async(bytes(64), free)
        if _ % 100 == 99:
            free.marker().wait()
    assert 1 <= len(_keep.pending) < 400
    user.complete()
    first.wait()
    free.finish()
    assert not _keep.pending
