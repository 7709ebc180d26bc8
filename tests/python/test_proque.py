"""ProQue."""
import numpy
import pytest
from conftest import array_of

import gpucompute

SOURCE = """
kernel void add(global float *x, float y) { x[get_global_id(0)] += y; }
kernel void grid(global uint *x) { x[get_global_id(1) * get_global_size(0) + get_global_id(0)] = get_global_id(0) + 10 * get_global_id(1); }
kernel void local_sum(global float *x, local float *t) { t[get_local_id(0)] = 1; barrier(CLK_LOCAL_MEM_FENCE); x[get_global_id(0)] = t[0]; }
"""


def test_the_shape_of_ocl():
    pq = gpucompute.ProQue.builder().src(SOURCE).dims(1000).build()
    buffer = pq.create_buffer("float32")
    assert buffer.size == 4000 and not array_of(buffer, numpy.float32).any()
    kernel = pq.kernel_builder("add").arg(buffer).arg(10).build()
    for _ in range(3):
        kernel.enq()
    assert (numpy.frombuffer(pq.read(buffer), numpy.float32) == 30).all()
    pq.launch("add", buffer, 1.5)
    out = numpy.empty(1000, numpy.float32)
    assert pq.read(buffer, out) is out and (out == 31.5).all()
    pq.write(buffer, numpy.arange(1000, dtype=numpy.float32))
    pq.kernel("add").arg(buffer).arg(1).enq(event=True).wait()
    pq.finish()
    assert numpy.array_equal(numpy.frombuffer(pq.read(buffer), numpy.float32), numpy.arange(1, 1001))


def test_every_part(tmp_path):
    path = tmp_path / "source.cl"
    path.write_text(SOURCE)
    device = gpucompute.Device(0)
    pq = gpucompute.ProQue.builder().src_file(path).dims(4, 3).device(device).options("-cl-fast-relaxed-math").define("N", 3).profiling().build()
    assert pq.dims == (4, 3) and pq.queue.profiling and pq.queue.device == device and pq.program.kernel_names == ("add", "grid", "local_sum")
    assert pq.context.devices == [device] and "grid" in repr(pq)
    buffer = pq.create_buffer(numpy.uint32)
    pq.kernel("grid").arg(buffer).enq()
    y, x = numpy.indices((3, 4))
    assert numpy.array_equal(numpy.frombuffer(pq.read(buffer), numpy.uint32).reshape(3, 4), x + 10 * y)
    event = pq.kernel("grid").arg(buffer).global_work_size(4, 3).local_work_size(2, 1).queue(pq.queue).enq(event=True)
    event.wait()
    assert event.duration_ns >= 0
    pq.kernel("local_sum").arg(pq.create_buffer()).arg_local(64).global_work_size(8).local_work_size(8).enq()
    pq.finish()
    by_filter = gpucompute.ProQue(SOURCE, 5, device=device.filter)
    assert by_filter.create_buffer("float64").size == 40
    shared = gpucompute.ProQue(SOURCE, 5, context=gpucompute.default_context())
    assert shared.context == gpucompute.default_context()


def test_dims_may_change():
    pq = gpucompute.ProQue(SOURCE)
    assert pq.dims is None
    for use in (lambda: pq.create_buffer(), lambda: pq.launch("add", 1, 2), lambda: pq.kernel("add").enq()):
        with pytest.raises(gpucompute.StateError, match="dim"):
            use()
    pq.dims = 7
    assert pq.dims == (7,) and pq.create_buffer("uint8").size == 7
    pq.dims = (2, 3)
    assert pq.create_buffer("int16").size == 12
    pq.dims = None
    assert pq.dims is None
    for bad in (0, -1, (1, 2, 3, 4), "x"):
        with pytest.raises((gpucompute.ArgumentError, TypeError)):
            pq.dims = bad


@pytest.mark.parametrize("kwargs, error", [
    ({}, gpucompute.ArgumentError), ({"source": 5}, TypeError), ({"source": SOURCE, "file": "x.cl"}, gpucompute.ArgumentError),
    ({"file": "/no/such/file.cl"}, gpucompute.FileError), ({"source": "kernel void f( {"}, gpucompute.BuildError),
    ({"source": SOURCE, "device": 5}, TypeError), ({"source": SOURCE, "context": 5}, TypeError), ({"source": SOURCE, "dims": 0}, gpucompute.ArgumentError),
    ({"source": SOURCE, "device": "no such device"}, gpucompute.DeviceNotFound)])
def test_bad_parts(kwargs, error):
    with pytest.raises(error):
        gpucompute.ProQue(**kwargs)


def test_bad_arguments():
    pq = gpucompute.ProQue(SOURCE, 10)
    buffer = pq.create_buffer()
    with pytest.raises(gpucompute.NotFound):
        pq.kernel("nothing")
    with pytest.raises(gpucompute.ArgumentError, match="dtype"):
        pq.create_buffer("object")
    with pytest.raises(gpucompute.ArgumentError, match="data has 4 bytes, the buffer has 40"):
        pq.write(buffer, b"abcd")
    with pytest.raises(gpucompute.ArgumentError, match="out has 4 bytes, the buffer has 40"):
        pq.read(buffer, bytearray(4))
    with pytest.raises(gpucompute.KernelArgumentError, match="host memory"):
        pq.launch("add", numpy.zeros(10, numpy.float32), 1)


def test_closed():
    pq = gpucompute.ProQue(SOURCE, 10)
    buffer, queue = pq.create_buffer(), pq.queue
    with pq:
        pq.launch("add", buffer, 1)
    assert pq.closed and "closed" in repr(pq)
    for use in (lambda: pq.queue, lambda: pq.launch("add", buffer, 1), pq.finish, lambda: pq.kernel("add")):
        with pytest.raises(gpucompute.StateError, match="this ProQue is closed"):
            use()
    assert (numpy.frombuffer(buffer.read(queue=queue), numpy.float32) == 1).all()
