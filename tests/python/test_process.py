"""Import, exit in any order, fork."""
import sys

import pytest

import gpucompute

EVERYTHING = """
import gpucompute as g
context = g.Context()
queue = g.Queue(context)
buffer = g.Buffer(1 << 16, context)
part = buffer.slice(4096)
program = g.Program(context, "kernel void f(global int *x) { x[get_global_id(0)] += 1; }").build()
kernel = program.f
raw = kernel.int_ptr
event = kernel(queue, 1 << 14, None, buffer, event=True)
user = g.UserEvent(context)
host = g.HostMemory(4096, context)
mapping = g.Buffer(4096, context).map()
proque = g.ProQue("kernel void f(global int *x) { x[0] = 1; }", 10)
launcher = kernel[16]
default = g.default_queue()
names = [name for name in dir() if not name.startswith("_") and name != "g"]
"""


def test_import_touches_nothing(run_python):
    out = run_python("""
        import sys
        before = set(sys.modules)
        import gpucompute
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        print("numpy" in sys.modules, "asyncio" in sys.modules, "gpucompute.device" in sys.modules)
        gpucompute.Device, gpucompute.Buffer, gpucompute.Kernel
        print("numpy" in sys.modules, "asyncio" in sys.modules, any("libpocl" in line or "libnvidia" in line for line in open("/proc/self/maps")))
        """)
    assert out.split() == ["False"] * 6


def test_no_output_at_exit(run_python):
    assert run_python(EVERYTHING) == ""


@pytest.mark.parametrize("order", ["given", "reverse", "shuffled"])
def test_dropping_in_any_order(run_python, order):
    run_python(EVERYTHING + f"""
import random, gc
order = {order!r}
names = names[::-1] if order == "reverse" else random.Random(3).sample(names, len(names)) if order == "shuffled" else names
for name in names:
    del globals()[name]
    gc.collect()
""")


@pytest.mark.parametrize("order", ["given", "reverse", "shuffled"])
def test_closing_in_any_order(run_python, order):
    run_python(EVERYTHING + f"""
import random
order = {order!r}
names = names[::-1] if order == "reverse" else random.Random(4).sample(names, len(names)) if order == "shuffled" else names
for name in names:
    item = globals()[name]
    if hasattr(item, "close"):
        item.close()
        item.close()
        assert item.closed, item
""")


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "os._exit(0)", "gc.collect()", "del g", "sys.modules.pop('gpucompute')",
                                    "sys.modules.clear()", "everything = [everything]; everything.append(everything)",
                                    "atexit.register(lambda: buffer.read())", "threading.Thread(target=lambda: (time.sleep(0.05), buffer.read())).start()"])
def test_endings(run_python, ending):
    run_python("import sys, os, gc, atexit, threading, time\n" + EVERYTHING + "everything = dict(globals())\n" + ending + "\n")


def test_exit_with_work_in_flight(run_python):
    run_python("""
        import gpucompute as g
        program = g.Program("kernel void slow(global uint *x) { uint v = x[0]; for (int i = 0; i < 100000; ++i) v = v * 3 + i; x[get_global_id(0)] = v; }")
        buffer = g.Buffer(1 << 14)
        out = bytearray(1 << 14)
        for _ in range(10):
            program.slow(None, 1 << 12, None, buffer)
        buffer.read_async(out)
        """)


def test_exit_while_a_copy_waits_for_ever(run_python):
    run_python("""
        import gpucompute as g
        user = g.UserEvent()
        buffer = g.Buffer(1 << 20)
        buffer.write_async(bytes(1 << 20), waits=user)
        user.complete()
        """)


def test_finalisers_in_threads(run_python):
    run_python("""
        import threading, gpucompute as g
        def work():
            for _ in range(50):
                buffer = g.Buffer(4096)
                event = buffer.fill(1)
                del buffer
                g.Queue()
        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads: t.start()
        for t in threads: t.join()
        g.default_queue().finish()
        """)


def test_two_threads_close_one_object():
    import threading

    for _ in range(200):
        buffer = gpucompute.Buffer(64)
        other = buffer.slice(0)
        barrier = threading.Barrier(4)

        def close(buffer=buffer, barrier=barrier):
            barrier.wait()
            buffer.close()

        threads = [threading.Thread(target=close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.write(bytes(64))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
def test_a_forked_child_gets_a_clear_error(run_python):
    out = run_python(EVERYTHING + """
import os, sys, warnings
warnings.simplefilter("ignore")
user.complete()
mapping.close()
queue.finish()
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    seen = set()
    for use in (buffer.read, queue.finish, lambda: g.Buffer(4), lambda: kernel(queue, 1, None, buffer), event.wait, lambda: g.devices(),
                lambda: g.Context(), lambda: g.Program("kernel void f() {}").build()):
        try:
            use()
            seen.add("no error")
        except g.Forked as error:
            seen.add(f"{type(error).__name__} {error.status}")
    buffer.close()
    del queue, kernel, program
    print(seen, flush=True)
    sys.exit(0)  # finalisers and exit hooks of the child
assert os.waitpid(pid, 0)[1] == 0
print(len(buffer.read()))
""")
    assert out == "{'Forked 104'}\n65536\n"


def test_a_fork_while_another_thread_builds(run_python):
    """The child must not wait for a lock that nobody there will open."""
    out = run_python("""
        import os, sys, threading, warnings, signal
        warnings.simplefilter("ignore")
        import gpucompute as g
        from gpucompute import _defaults, _handle, _keep, context, event, program
        buffer, user = g.Buffer(64), g.UserEvent()
        user.complete()
        locks = [_defaults._lock, _handle._close_lock, _keep._lock, context._lock, event._fd_lock, program._build_lock]
        held, done = threading.Event(), threading.Event()
        def hold():
            for lock in locks: lock.__enter__()
            held.set()
            done.wait()
            for lock in locks: lock.__exit__()
        threading.Thread(target=hold).start()
        held.wait()
        pid = os.fork()
        if pid == 0:
            signal.alarm(300)
            failures = 0
            for use in (g.default_queue, g.Program("kernel void f() {}").build, lambda: buffer.write_async(bytes(64)), g.Context):
                try:
                    use()
                except g.Forked:
                    failures += 1
            buffer.close()
            print(failures, flush=True)
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        done.set()
        print(status)
        """)
    assert out == "4\n0\n"


def test_fork_before_first_use(run_python):
    out = run_python("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        import gpucompute as g
        pid = os.fork()
        if pid == 0:
            buffer = g.Buffer(4)
            buffer.write(b"abcd")
            print(bytes(buffer.read()).decode(), flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """)
    assert out == "abcd\n"


def test_multiprocessing_spawn(run_python):
    assert sys.executable
    run_python("""
        import concurrent.futures, multiprocessing, gpucompute as g
        g.default_queue().finish()
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            assert list(pool.map(abs, [-1, -2])) == [1, 2]
        """)
