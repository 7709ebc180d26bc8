"""Programs that end or fork in every way that Python knows, each in a process of its own: python_shapes.py SHAPE, or --list.

What is wrong is said on standard output, and the exit status is 1 then. Nothing comes on standard error, but where the shape
is made to say something. EXPECTED has the exit statuses other than 0.
"""
import os
import sys
import threading
import time

import gpucompute as g

SLOW = "kernel void slow(global uint *x, uint rounds) { uint v = x[0]; for (uint i = 0; i < rounds; ++i) v = v * 3 + i; x[get_global_id(0)] = v; }"
SIZE = 1 << 20
EXPECTED = {"uncaught_exception": 1, "sys_exit_in_a_loop_callback": 3, "sys_exit_in_log": 0, "keyboard_interrupt": -2, "terminated": -15,
            "system_exit_in_flight": 4}
SAYS_SOMETHING = {"uncaught_exception": "ZeroDivisionError", "sys_exit_in_log": "SystemExit", "keyboard_interrupt": "KeyboardInterrupt"}
# Oclgrind hangs where threads use it at once, and where commands wait for an event of the user's.
NOT_ON_OCLGRIND = {"thread_at_work", "daemon_threads", "finalisers_in_threads", "loop_left", "sys_exit_in_a_loop_callback", "blocked_for_ever",
                   "fork_among_threads", "awaited_at_exit", "thread_ends_last", "timer"}

HELPERS = {"objects", "require", "forked_child", "wait_for", "forked_use", "spawned_use"}  # all other functions are shapes


def objects(rounds=20000):
    """One of each kind, and work in flight."""
    on_oclgrind = g.default_device().platform.name == "Oclgrind"
    context = g.Context()
    queue = g.Queue(context)
    buffer, large = g.Buffer(1 << 14, context), g.Buffer(SIZE, context)
    host = bytearray(SIZE)
    program = g.Program(context, SLOW)
    made = {"context": context, "queue": queue, "buffer": buffer, "large": large, "host": host, "program": program.build(),
            "part": buffer.slice(4096), "memory": g.HostMemory(4096, context)}
    made["kernel"] = made["program"].slow
    made["event"] = made["kernel"](queue, 16 if on_oclgrind else 1 << 12, None, buffer, 10 if on_oclgrind else rounds, event=True)
    made["write"] = large.write_async(host, queue)
    made["read"] = large.read_async(host, queue)
    return made


def require(condition, what):
    if not condition:
        print(what, flush=True)
        os._exit(1)


def exit_in_flight():
    objects()


def exit_in_flight_of_globals():
    globals().update(objects())


def exit_with_cycles():
    made = objects()
    made["self"] = made
    made["closure"] = lambda: made
    made["event"].__class__.keeper = made


def exit_without_collector():
    import gc

    gc.disable()
    for _ in range(5):
        made = objects()
        made["self"] = made


def system_exit_in_flight():
    objects()
    sys.exit(4)


def uncaught_exception():
    made = objects()
    made["x"] = 1 // 0


def keyboard_interrupt():
    import signal

    signal.signal(signal.SIGINT, signal.default_int_handler)
    objects()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


def terminated():
    import signal

    objects()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


def underscore_exit():
    objects()
    os._exit(0)


def atexit_uses_everything():
    import atexit

    made = objects()

    def use():
        made["queue"].finish()
        require(len(made["buffer"].read()) == 1 << 14, "a read at exit gives something else")
        made["large"].close()

    atexit.register(use)


def atexit_starts_work():
    import atexit

    made = objects()
    atexit.register(lambda: made["large"].read_async(made["host"], made["queue"]))


def weakref_finalisers():
    import weakref

    made = objects()
    for thing in (made["queue"], made["buffer"], made["kernel"], made["event"]):
        weakref.finalize(thing, print, end="")
    globals()["made"] = made


def finaliser_uses_the_library():
    class Last:
        def __init__(self):
            self.made = objects()

        def __del__(self):
            try:
                self.made["buffer"].read()
            except Exception:  # an error it may be: the library's, or Python's that nothing is imported any more
                pass

    globals()["last"] = Last()


def thread_at_work():
    made = objects()

    def work():
        for _ in range(20):
            made["large"].read(made["host"])

    threading.Thread(target=work).start()


def thread_ends_last():
    def work():
        time.sleep(0.05)
        objects()

    threading.Thread(target=work).start()


def daemon_threads():
    made = objects()

    def work():
        while True:
            made["buffer"].fill(1, made["queue"])
            made["buffer"].read()
            g.Buffer(64)

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.02)


def finalisers_in_threads():
    def work():
        for _ in range(10):
            g.Buffer(4096).fill(1)
            g.Queue()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def timer():
    made = objects()
    threading.Timer(0.05, lambda: made["buffer"].read()).start()


def loop_left():
    """An event is being awaited when the loop, and then the program, ends."""
    import asyncio

    user = g.UserEvent()

    async def wait():
        await user

    async def main():
        asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)

    asyncio.run(main())
    user.complete()


def awaited_at_exit():
    import asyncio

    async def main():
        made = objects()
        await made["read"]

    asyncio.run(main())


def sys_exit_in_a_loop_callback():
    import asyncio

    made = objects()

    async def main():
        asyncio.get_running_loop().call_later(0.01, sys.exit, 3)
        await made["read"]
        await asyncio.sleep(10)

    asyncio.run(main())


def sys_exit_in_log():
    """Called by the library, a function cannot end the program: Python says so, and goes on."""
    def sink(level, message):
        sys.exit(5)

    g.set_log(sink, "debug")
    g.Program(g.default_context(), SLOW + " ").build()
    g.set_log(None)


def underscore_exit_in_log():
    g.set_log(lambda level, message: os._exit(0), "debug")
    g.Program(g.default_context(), SLOW + " ").build()
    require(False, "nothing was logged")


def log_to_the_end():
    lines = []
    g.set_log(lambda level, message: lines.append(message), "debug")
    globals()["made"] = objects()


def blocked_for_ever():
    """Two seconds, and the program ends."""
    user = g.UserEvent()
    globals()["kept"] = (user, g.Buffer(SIZE).write_async(bytes(SIZE), waits=user))


def profile_left_open():
    profile = g.Profile()
    profile.__enter__()
    globals()["kept"] = (profile, objects())


def mapping_left_open():
    made = objects()
    made["queue"].finish()
    globals()["kept"] = (made, g.Buffer(4096).map())


def modules_cleared():
    globals()["made"] = objects()
    sys.modules.clear()


# ---- forks ---------------------------------------------------------------------------------------------------------


def forked_child(made, orderly):
    import signal

    signal.alarm(300)
    for use in (made["buffer"].read, made["queue"].finish, lambda: g.Buffer(4), made["event"].wait, g.devices, g.Context,
                lambda: made["large"].read_async(made["host"])):
        try:
            use()
            require(False, "a call in a forked child succeeds")
        except g.Forked:
            pass
    made["part"].close()
    made.clear()
    if orderly:
        sys.exit(0)
    os._exit(0)


def wait_for(child):
    status = os.waitpid(child, 0)[1]
    require(status == 0, f"a forked child ends with {status}")


def fork(orderly=True):
    import warnings

    warnings.simplefilter("ignore")
    made = objects()
    child = os.fork()
    if child == 0:
        forked_child(made, orderly)
    wait_for(child)
    require(len(made["buffer"].read()) == 1 << 14, "the parent cannot go on")


def fork_underscore_exit():
    fork(False)


def fork_among_threads():
    import warnings

    warnings.simplefilter("ignore")
    made, stop, worked = objects(), threading.Event(), threading.Semaphore(0)

    def work():
        while not stop.is_set():
            made["large"].read(made["host"])
            g.Buffer(64).fill(1)
            worked.release()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    # A driver that still loads compiled kernels registers functions for the end of the process, and glibc's lock of these, taken at a fork,
    # keeps the child's exit() waiting for ever.
    for _ in range(12):
        worked.acquire()
    for turn in range(5):
        child = os.fork()
        if child == 0:
            forked_child(made, turn % 2 == 0)
        wait_for(child)
    stop.set()
    for thread in threads:
        thread.join()


def fork_before_use():
    child = os.fork()
    if child == 0:
        objects()
        sys.exit(0)
    wait_for(child)
    objects()


def forked_use(number):
    try:
        g.Buffer(number)
        return "worked"
    except g.Forked:
        return "forked"


def spawned_use(number):
    buffer = g.Buffer(64)
    buffer.fill(number)
    return bytes(buffer.read())[0]


def pool_fork():
    """In a Pool whose workers are forked, each use is refused, and the pool goes on."""
    import multiprocessing
    import warnings

    warnings.simplefilter("ignore")
    made = objects()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        require(pool.map(forked_use, [4, 8, 12, 16], chunksize=1) == ["forked"] * 4, "a worker of a forked pool is not refused")
        require(pool.map(abs, [-1, -2]) == [1, 2], "a forked pool does not work")
    made["queue"].finish()


def pool_fork_before_use():
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(2) as pool:
        require(pool.map(spawned_use, [1, 2, 3, 4]) == [1, 2, 3, 4], "a pool from before the first use does not work")
        objects()


def pool_spawn():
    import multiprocessing

    objects()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        require(pool.map(spawned_use, [1, 2, 3, 4]) == [1, 2, 3, 4], "a spawned pool does not work")


def pool_forkserver():
    import multiprocessing

    objects()
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        require(pool.map(spawned_use, [1, 2, 3, 4]) == [1, 2, 3, 4], "a pool of a fork server does not work")


def subprocess_in_flight():
    import subprocess

    objects()
    require(subprocess.run(["true"], check=False).returncode == 0, "a program cannot be started")


if __name__ == "__main__":
    shapes = {name: value for name, value in globals().items() if getattr(value, "__module__", "") == __name__ and name not in HELPERS}
    if sys.argv[1:] == ["--list"]:
        print("\n".join(shapes))
    else:
        shapes[sys.argv[1]]()
