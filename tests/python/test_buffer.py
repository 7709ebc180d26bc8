"""Buffers and copies, against numpy."""
import array
import mmap

import numpy
import pytest
from conftest import array_of, buffer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpucompute

quiet = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_sizes(context):
    for size in (0, 1, 3, 4096, 1 << 20):
        for pooled in (True, False):
            buffer = gpucompute.Buffer(size, context, pooled=pooled)
            assert buffer.size == buffer.nbytes == len(buffer) == size and buffer.offset == 0 and buffer.context is context
            data = bytes(i % 251 for i in range(size))
            buffer.write(data)
            assert buffer.read() == data
    assert gpucompute.Buffer(numpy.int64(5)).size == 5


@pytest.mark.parametrize("size, error, match", [
    (-1, gpucompute.ArgumentError, "-1"), (2**64, gpucompute.ArgumentError, str(2**64)), (2**63, gpucompute.OutOfMemory, ""),
    (1.0, TypeError, "size must be an integer"), ("4", TypeError, "str"), (None, TypeError, "NoneType"), (True, TypeError, "bool")])
def test_sizes_that_are_none(size, error, match):
    with pytest.raises(error, match=match or None):
        gpucompute.Buffer(size)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda b: array.array("B", b), lambda b: numpy.frombuffer(b, numpy.uint8)])
def test_what_can_be_written(make):
    data = bytes(range(200))
    buffer = gpucompute.Buffer(200)
    buffer.write(make(data))
    assert buffer.read() == data


def test_what_can_be_read_into():
    data = bytes(range(200))
    buffer = buffer_of(numpy.frombuffer(data, numpy.uint8))
    for out in (bytearray(200), array.array("B", bytes(200)), numpy.zeros(50, numpy.float32), mmap.mmap(-1, 200), memoryview(bytearray(200))):
        assert buffer.read(out) is out
        assert bytes(memoryview(out).cast("B")) == data
    assert buffer.read(size=3, offset=2) == data[2:5] and buffer.read(offset=190) == data[190:]
    assert buffer.read(offset=200) == b""


def test_what_cannot():
    buffer = gpucompute.Buffer(16)
    strided = numpy.zeros((8, 4), numpy.uint8)[:, ::2]
    with pytest.raises(gpucompute.ArgumentError, match="data is not contiguous"):
        buffer.write(strided)
    with pytest.raises(gpucompute.ArgumentError, match="out is not contiguous"):
        buffer.read(strided)
    with pytest.raises(gpucompute.ArgumentError, match="out is read-only"):
        buffer.read(bytes(16))
    frozen = numpy.zeros(16, numpy.uint8)
    frozen.flags.writeable = False
    with pytest.raises(gpucompute.ArgumentError, match="out is read-only"):
        buffer.read(frozen)
    for bad in (5, "text", None, [1, 2], object()):
        with pytest.raises(TypeError, match="data must be bytes-like"):
            buffer.write(bad)
    with pytest.raises(TypeError, match="device memory: use copy_to"):
        buffer.write(gpucompute.Buffer(16))
    for objects in (numpy.array([None, 1]), numpy.zeros(2, dtype=[("a", object)])):
        with pytest.raises(TypeError, match="holds Python objects"):
            buffer.write(objects)
    with pytest.raises(gpucompute.ArgumentError, match="not both"):
        buffer.read(bytearray(4), size=4)


def test_past_the_end():
    buffer = gpucompute.Buffer(16)
    for use in (lambda: buffer.write(bytes(17)), lambda: buffer.write(bytes(8), offset=9), lambda: buffer.read(bytearray(17)),
                lambda: buffer.read(offset=17), lambda: buffer.read(size=17), lambda: buffer.slice(17), lambda: buffer.slice(0, 17),
                lambda: buffer.slice(2**63, 2**63), lambda: buffer.fill(0, size=17), lambda: buffer.write_async(bytes(17)),
                lambda: buffer.read_async(bytearray(17)), lambda: buffer.copy_to(gpucompute.Buffer(8))):
        with pytest.raises(gpucompute.OutOfRange) as info:
            use()
        assert isinstance(info.value, IndexError)


@quiet
@given(st.data())
def test_copies_are_numpys(data):
    size = data.draw(st.integers(1, 300))
    first, second = (numpy.random.default_rng(n).integers(0, 256, size, numpy.uint8) for n in (size, size + 1))
    a, b = buffer_of(first), buffer_of(second)
    source = data.draw(st.integers(0, size))
    count = data.draw(st.integers(0, size - source))
    destination = data.draw(st.integers(0, size - count))
    a.copy_to(b, source_offset=source, destination_offset=destination, size=count)
    second[destination:destination + count] = first[source:source + count]
    assert numpy.array_equal(array_of(b, numpy.uint8), second) and numpy.array_equal(array_of(a, numpy.uint8), first)


def test_overlap():
    buffer = gpucompute.Buffer(16)
    with pytest.raises(gpucompute.ArgumentError, match="(?i)overlap|share"):
        buffer.copy_to(buffer, destination_offset=4, size=8)
    buffer.fill(1)
    buffer.slice(0, 8).copy_to(buffer.slice(8)).wait()


@pytest.mark.parametrize("pattern", [7, b"\x01", b"\x01\x02", numpy.float32(1.5), numpy.arange(4, dtype=numpy.float64),
                                     numpy.arange(128, dtype=numpy.uint8)])
def test_fill(pattern):
    raw = bytes([pattern]) if isinstance(pattern, int) else bytes(memoryview(pattern).cast("B")) if not isinstance(
        pattern, bytes) else pattern
    size = 4 * len(raw)
    buffer = gpucompute.Buffer(size)
    buffer.fill(0xEE)
    buffer.fill(pattern, offset=len(raw), size=2 * len(raw)).wait()
    assert buffer.read() == b"\xEE" * len(raw) + 2 * raw + b"\xEE" * len(raw)


@pytest.mark.parametrize("pattern, kwargs, error, match", [
    (256, {}, gpucompute.ArgumentError, "pattern is 256"), (-1, {}, gpucompute.ArgumentError, "-1"), (b"abc", {}, gpucompute.ArgumentError, "3"),
    (b"", {}, gpucompute.ArgumentError, "0"), ("x", {}, TypeError, "pattern must be bytes-like"),
    (b"abcd", {"offset": 2, "size": 4}, gpucompute.ArgumentError, "byte 2"), (b"abcd", {"size": 6}, gpucompute.ArgumentError, "size")])
def test_fill_refuses(pattern, kwargs, error, match):
    with pytest.raises(error, match=match):
        gpucompute.Buffer(16).fill(pattern, **kwargs)


def test_slices():
    data = numpy.arange(256, dtype=numpy.uint8)
    buffer = buffer_of(data)
    part = buffer[64:192]
    assert part.size == 128 and part.offset == 64 and part.read() == bytes(data[64:192])
    inner = part.slice(10, 5)
    assert inner.offset == 74 and inner.read() == bytes(data[74:79]) and "byte 74" in repr(inner)
    assert buffer[-6:].size == 6 and buffer[200:100].size == 0 and buffer[:].size == 256
    buffer.close()
    assert part.read() == bytes(data[64:192])  # keeps the memory alive
    for bad in (3, slice(0, 4, 2), "x", (1, 2)):
        with pytest.raises(TypeError, match="slices of bytes"):
            part[bad]


def test_boxes():
    rows, row = 6, 10
    grid = numpy.arange(rows * row, dtype=numpy.uint8).reshape(rows, row)
    buffer = buffer_of(grid)
    out = numpy.zeros((3, 4), numpy.uint8)
    buffer.read_rect(out, (4, 3), source_origin=(2, 1), source_row_pitch=row)
    assert numpy.array_equal(out, grid[1:4, 2:6])
    target = gpucompute.Buffer(grid.nbytes)
    target.fill(0xFF)
    target.write_rect(out, (4, 3), destination_origin=(5, 2), destination_row_pitch=row)
    expected = numpy.full_like(grid, 0xFF)
    expected[2:5, 5:9] = out
    assert numpy.array_equal(array_of(target, numpy.uint8).reshape(grid.shape), expected)
    buffer.copy_rect_to(target, (2, 2, 1), source_row_pitch=row, destination_row_pitch=row, destination_origin=(0, 4)).wait()
    expected[4:6, 0:2] = grid[0:2, 0:2]
    assert numpy.array_equal(array_of(target, numpy.uint8).reshape(grid.shape), expected)
    event = target.read_rect_async(out, (4, 3), source_origin=(5, 2), source_row_pitch=row)
    event.wait()
    assert numpy.array_equal(out, expected[2:5, 5:9])
    target.write_rect_async(numpy.zeros((3, 4), numpy.uint8), (4, 3), destination_row_pitch=row).wait()
    expected[0:3, 0:4] = 0
    assert numpy.array_equal(array_of(target, numpy.uint8).reshape(grid.shape), expected)


def test_boxes_past_the_end():
    buffer = gpucompute.Buffer(64)
    with pytest.raises(gpucompute.OutOfRange, match="the box ends at byte 40 of out, which has 39 bytes"):
        buffer.read_rect(bytearray(39), (8, 5))
    with pytest.raises(gpucompute.OutOfRange, match="data"):
        buffer.write_rect(bytes(63), (8, 4), source_row_pitch=20)
    with pytest.raises(gpucompute.OutOfRange):
        buffer.read_rect(bytearray(1000), (8, 9))
    for bad in ((), (1, 2, 3, 4)):
        with pytest.raises(gpucompute.ArgumentError, match="region has"):
            buffer.read_rect(bytearray(4), bad)
    with pytest.raises(gpucompute.ArgumentError, match="region is -1"):
        buffer.read_rect(bytearray(4), (-1,))
    with pytest.raises(gpucompute.ArgumentError):
        buffer.read_rect(bytearray(100), (8, 2), source_row_pitch=4)
    buffer.read_rect(bytearray(0), (0, 5, 1))  # nothing


def test_over_host(context):
    memory = mmap.mmap(-1, 8192)
    if not context.device.unified_memory:
        with pytest.raises(gpucompute.Unsupported):
            gpucompute.Buffer.over_host(memory)
        return
    buffer = gpucompute.Buffer.over_host(memory)
    assert buffer.size == 8192
    buffer.fill(5, offset=4096, size=4096).wait()
    part = buffer.slice(4096)
    with buffer.map(write=False) as view:
        assert bytes(view[4095:4097]) == b"\0\5"
    with pytest.raises(BufferError):
        memory.close()  # the buffer holds it
    buffer.close()
    with pytest.raises(BufferError):
        memory.close()  # and so does the slice
    del buffer, part, view
    memory.close()
    with pytest.raises(gpucompute.ArgumentError, match="read-only"):
        gpucompute.Buffer.over_host(b"abcd")


def test_closed(queue):
    buffer = gpucompute.Buffer(16)
    part = buffer.slice(4)
    buffer.close()
    buffer.close()
    assert buffer.closed and "closed" in repr(buffer)
    for use in (lambda: buffer.size, lambda: buffer.read(), lambda: buffer.write(b""), lambda: buffer.slice(0), lambda: buffer.fill(0),
                lambda: buffer.map(), lambda: buffer.int_ptr, lambda: part.copy_to(buffer), lambda: buffer.context):
        with pytest.raises(gpucompute.StateError, match="this Buffer is closed"):
            use()


def test_numpy_is_told_what_to_do():
    for make in (numpy.asarray, numpy.array, numpy.sum):
        with pytest.raises(TypeError, match="frombuffer"):
            make(gpucompute.Buffer(4))


def test_copy_to_what_is_no_buffer():
    with pytest.raises(TypeError, match="destination must be a Buffer"):
        gpucompute.Buffer(4).copy_to(bytearray(4))


def test_the_protocol_of_arrays():
    class Fake:
        def __init__(self, buffer, contiguous=True):
            self.__gpuc_buffer__ = (buffer, numpy.dtype("float32"), contiguous)

    data = numpy.arange(16, dtype=numpy.uint8)
    target = gpucompute.Buffer(16)
    buffer_of(data).copy_to(Fake(target)).wait()
    assert target.read() == bytes(data)
    with pytest.raises(gpucompute.ArgumentError, match="strided"):
        buffer_of(data).copy_to(Fake(target, contiguous=False))


def test_comparing():
    a, b = gpucompute.Buffer(4), gpucompute.Buffer(4)
    assert a == a and a != b and hash(a) == hash(a) and a != 5 and len({a, b}) == 2
    with pytest.raises(TypeError, match="pickle"):
        import pickle

        pickle.dumps(a)


def test_from_int_ptr(context):
    data = bytes(range(100))
    buffer = gpucompute.Buffer(100, context, pooled=False)
    buffer.write(data)
    same = gpucompute.Buffer.from_int_ptr(buffer.int_ptr)
    assert same.size == 100
    buffer.close()
    assert same.read(queue=context.queue) == data
    with pytest.raises(gpucompute.ContextMismatch):
        gpucompute.Buffer.from_int_ptr(same.int_ptr, context=gpucompute.Context())
