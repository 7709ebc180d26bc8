"""`await event`."""
import asyncio
import os
import threading
import time

import pytest

import gpucompute


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_a_complete_event_does_not_suspend(queue):
    event = queue.marker()
    event.wait()
    with pytest.raises(StopIteration):
        event.__await__().send(None)


def test_many_in_flight_one_loop(context):
    count = 200
    users = [gpucompute.UserEvent(context) for _ in range(count)]

    async def main():
        before = descriptors()
        waiting = [asyncio.ensure_future(_await(user)) for user in users]
        await asyncio.sleep(0)
        assert descriptors() >= before + count and not any(task.done() for task in waiting)
        for user in reversed(users):
            user.complete()
        await asyncio.wait_for(asyncio.gather(*waiting), 600)
        assert descriptors() <= before + 2

    asyncio.run(main())


async def _await(event):
    await event


def test_the_loop_runs_meanwhile(context):
    user = gpucompute.UserEvent(context)
    ticks = []

    async def tick():
        while not user.done:
            ticks.append(1)
            await asyncio.sleep(0.001)

    async def main():
        threading.Timer(0.1, user.complete).start()
        await asyncio.gather(_await(user), tick())

    asyncio.run(main())
    assert len(ticks) > 3


def test_cancelling_leaves_nothing_behind(context):
    user = gpucompute.UserEvent(context)

    async def main():
        before = descriptors()
        for _ in range(20):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(_await(user), 0.001)
        task = asyncio.ensure_future(_await(user))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert descriptors() <= before + 2  # the event's own, and its duplicate that the library watches
        asyncio.get_running_loop().call_later(0.01, user.complete)
        await user  # the event itself is none the worse
        assert descriptors() <= before + 1

    asyncio.run(main())


def test_completion_and_cancellation_at_once(context):
    async def main():
        for turn in range(50):
            user = gpucompute.UserEvent(context)
            task = asyncio.ensure_future(_await(user))
            await asyncio.sleep(0)
            if turn % 2:
                user.complete()
                task.cancel()
            else:
                task.cancel()
                user.complete()
            await asyncio.gather(task, return_exceptions=True)
            assert task.done()

    asyncio.run(main())


def test_several_loops_in_several_threads(context):
    users = [gpucompute.UserEvent(context) for _ in range(8)]
    done = []

    def loop(mine):
        async def main():
            for user in mine:
                await user
                done.append(user)

        asyncio.run(main())

    threads = [threading.Thread(target=loop, args=(users,)) for _ in range(4)]  # all await all
    for thread in threads:
        thread.start()
    for user in users:
        time.sleep(0.002)
        user.complete()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(done) == 4 * len(users)


def test_kernels_in_a_pipeline(context, program):
    numpy = pytest.importorskip("numpy")
    queue = gpucompute.Queue(context)

    async def job(number):
        buffer = gpucompute.Buffer(4096, context)
        await buffer.write_async(numpy.full(1024, number, numpy.uint32), queue)
        await program.accumulate(queue, 1024, None, buffer, 1000, event=True)
        out = numpy.zeros(1024, numpy.uint32)
        await buffer.read_async(out, queue)
        return out

    async def main():
        return await asyncio.gather(*(job(number) for number in range(50)))

    for number, out in enumerate(asyncio.run(main())):
        assert (out == number + 1000).all()


def test_without_descriptors_a_thread_waits(context, monkeypatch):
    user = gpucompute.UserEvent(context)

    def none_left(self):
        raise gpucompute.FileError("no file descriptor left")

    monkeypatch.setattr(gpucompute.Event, "fileno", none_left)

    async def main():
        asyncio.get_running_loop().call_later(0.02, user.complete)
        await user

    asyncio.run(main())
    assert user.done


def test_a_closed_event(queue):
    event = queue.marker()
    event.close()

    async def main():
        await event

    with pytest.raises(gpucompute.StateError):
        asyncio.run(main())
