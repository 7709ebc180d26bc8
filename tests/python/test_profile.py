"""Profiles: rows, records, traces, and what they do with the contexts' own queues."""
import json
import os
import subprocess
import sys
import threading

import gpucompute
import numpy
import pytest

SOURCE = "kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }"


@pytest.fixture(scope="module")
def program():
    """On a default context of this file's own: other tests show the default queue to PyOpenCL, and it keeps its handle then."""
    from gpucompute import _defaults

    before = _defaults._default, dict(_defaults._contexts)
    _defaults._default = None
    _defaults._contexts.clear()
    yield gpucompute.Program(SOURCE).build()
    _defaults._default = before[0]
    _defaults._contexts.clear()
    _defaults._contexts.update(before[1])


def work(program, launches=3, queue=None):
    buffer = gpucompute.Buffer(4096)
    buffer.write(numpy.ones(1024, numpy.float32), queue)
    for _ in range(launches):
        program.twice(queue, 1024, None, buffer)
    return numpy.frombuffer(buffer.read(queue=queue), numpy.float32)


def rows_of(profile):
    return {(row.operation, row.name): row for row in profile.rows}


def test_rows_and_records(program):
    with gpucompute.profile() as p:
        result = work(program, launches=4)
    assert (result == 16).all()
    rows = rows_of(p)
    kernel, write, read = rows["kernel", "twice"], rows["write", "write"], rows["read", "read"]
    assert (kernel.count, kernel.timed, kernel.failed, kernel.bytes) == (4, 4, 0, 0)
    assert (write.count, write.bytes, read.bytes) == (1, 4096, 4096)
    for row in (kernel, write, read):
        assert row.clock == "device"
        assert row.device == gpucompute.default_device().name
        assert 0 <= row.min_ns <= row.mean_ns <= row.max_ns <= row.total_ns
        assert row.host_ns > 0
    assert write.gigabytes_per_second == pytest.approx(4096 / write.total_ns)
    assert kernel.gigabytes_per_second == 0
    totals = [row.total_ns for row in p.rows]
    assert totals == sorted(totals, reverse=True)

    launches = [record for record in p.records if record.operation == "kernel"]
    assert len(launches) == 4
    for record in launches:
        assert record.name == "twice"
        assert record.global_size == (1024,)
        assert record.thread == threading.get_native_id()
        assert record.call_begin_ns <= record.call_end_ns
        assert record.call_begin_ns <= record.begin_ns <= record.end_ns
        assert record.end_ns - record.begin_ns == record.duration_ns
        assert record.cl_code == 0
    assert p.dropped == 0
    assert p.unfinished == 0
    assert 0 < p.duration < 60
    assert "twice" in p.table()
    assert str(p) == p.table()
    assert json.loads(json.dumps(p.as_dict()))["rows"][0]["count"] > 0


def test_queues_stand_for_new_ones(program):
    queue, own = gpucompute.default_queue(), gpucompute.Queue()
    handles = [queue._ptr, own._ptr]
    array = gpucompute.asarray(numpy.ones(1000, numpy.float32))
    closed = gpucompute.Queue()
    with gpucompute.profile() as p:
        assert gpucompute.default_queue() is queue
        assert queue.profiling and own.profiling
        work(program)
        work(program, queue=own)
        array.fill(3)
        program.twice(None, 1000, None, array)  # in order after the fill, on the same queue
        closed.close()
    assert (array.get() == 6).all()
    assert [queue._ptr, own._ptr] == handles
    assert not queue.profiling and not own.profiling
    assert rows_of(p)["kernel", "twice"].timed == 7
    own.close()
    assert (work(program) == 8).all()


def test_queues_that_others_know_stay(program):
    queue = gpucompute.Queue()
    before = queue.int_ptr
    inside = gpucompute.Queue()
    with gpucompute.profile() as p:
        assert queue.int_ptr == before
        known = inside.int_ptr
        work(program, queue=queue)
        work(program, queue=inside)
    assert inside.int_ptr == known
    assert rows_of(p)["kernel", "twice"].timed == (6 if os.environ.get("GPUC_TRACE") else 3)
    assert (work(program, queue=inside) == 8).all()
    inside.close()
    queue.close()


def test_a_profile_that_nobody_stops(program):
    queue = gpucompute.default_queue()
    handle = queue._ptr
    for end in ("del", "close"):
        p = gpucompute.profile()
        assert queue._ptr != handle
        work(program)
        if end == "close":
            p.close()
        del p
        assert queue._ptr == handle
        assert (work(program) == 8).all()


def test_without_fresh_queues(program):
    with gpucompute.Queue() as queue, gpucompute.profile(fresh_queues=False) as p:
        result = work(program, queue=queue)
    assert (result == 8).all()
    row = rows_of(p)["kernel", "twice"]
    assert row.count == 3
    assert row.timed == (3 if os.environ.get("GPUC_TRACE") else 0)


def test_profiles_nest(program):
    with gpucompute.profile() as outer:
        work(program, 1)
        with gpucompute.profile() as inner:
            work(program, 2)
        work(program, 4)
    assert rows_of(inner)["kernel", "twice"].count == 2
    assert rows_of(outer)["kernel", "twice"].count == 7
    assert rows_of(outer)["kernel", "twice"].timed == 7


def test_stop_and_errors(program, tmp_path):
    p = gpucompute.profile(max_records=1)
    assert "running" in repr(p)
    assert "running" in str(p)
    with pytest.raises(gpucompute.errors.StateError, match="still running"):
        p.rows
    work(program)
    p.stop()
    p.stop()
    assert len(p.records) == 1
    assert p.dropped == 4
    with pytest.raises(gpucompute.errors.FileError, match="cannot be opened"):
        p.trace(tmp_path / "none" / "trace.json")
    with pytest.raises(ValueError, match="NUL"):
        p.trace("a\0b")
    p.close()
    assert "closed" in repr(p)
    for wrong in (-1, 2**64):
        with pytest.raises(ValueError, match="max_records"):
            gpucompute.profile(wrong)
    with pytest.raises(TypeError, match="max_records"):
        gpucompute.profile("many")


def test_the_first_error_is_the_one_that_is_seen(program):
    with pytest.raises(ZeroDivisionError):
        with gpucompute.profile() as p:
            work(program)
            1 / 0
    assert rows_of(p)["kernel", "twice"].count == 3


def test_commands_that_never_end():
    if "oclgrind" in gpucompute.default_device().platform.name.lower():
        pytest.skip("Oclgrind never completes commands that wait for a user event")
    with gpucompute.Queue(profiling=True) as queue:
        buffer = gpucompute.Buffer(16, queue)
        p = gpucompute.profile()
        gate = gpucompute.UserEvent(queue)
        buffer.fill(1, queue, waits=gate)
        p.stop(timeout=0.01)
        assert p.unfinished == 1
        assert p.rows == []
        gate.complete()


def test_trace(program, tmp_path):
    with gpucompute.profile() as p:
        work(program)
    p.trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())
    assert sum(event.get("cat") == "kernel" for event in events) == 3
    assert sum(event.get("name") == "launch twice" for event in events) == 3


def test_trace_from_the_environment(tmp_path):
    child = f"""
import gpucompute, numpy
program = gpucompute.Program({SOURCE!r})
buffer = gpucompute.Buffer(4096)
buffer.fill(0)
for _ in range(5):
    program.twice(None, 1024, None, buffer)
buffer.read()
"""
    environment = {**os.environ, "GPUC_TRACE": str(tmp_path / "trace-%p.json"),
                   "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", child], check=True, env=environment, timeout=600)
    (file,) = tmp_path.iterdir()
    events = json.loads(file.read_text())
    assert sum(event.get("cat") == "kernel" for event in events) == 5


def test_threads(program):
    def launch():
        with gpucompute.Queue() as queue:
            assert (work(program, 4, queue) == 16).all()

    with gpucompute.profile() as p:
        threads = [threading.Thread(target=launch) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    row = rows_of(p)["kernel", "twice"]
    assert (row.count, row.timed) == (32, 32)
    assert len({record.queue for record in p.records if record.operation == "kernel"}) == 8
