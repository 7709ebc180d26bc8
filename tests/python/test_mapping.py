"""Mapped buffers and pinned memory: no array outlives what it looks at."""
import gc

import numpy
import pytest

import gpucompute


def test_a_map_reads_and_writes():
    buffer = gpucompute.Buffer(4096)
    buffer.write(bytes(4096))
    with buffer.map(offset=1024, size=2048) as view:
        array = numpy.frombuffer(view, numpy.uint32)
        array[:] = numpy.arange(512)
        del array
    data = numpy.frombuffer(buffer.read(), numpy.uint32)
    assert numpy.array_equal(data[256:768], numpy.arange(512)) and not data[:256].any() and not data[768:].any()


def test_read_only():
    buffer = gpucompute.Buffer(16)
    buffer.write(bytes(range(16)))
    with buffer.map(write=False) as view:
        assert view.readonly and bytes(view) == bytes(range(16))
    with buffer.map(read=False, discard=True) as view:
        view[:] = b"x" * 16
    assert buffer.read() == b"x" * 16


def test_closing_while_an_array_looks():
    buffer = gpucompute.Buffer(64)
    mapping = buffer.map()
    array = numpy.frombuffer(mapping.view, numpy.uint8)
    with pytest.raises(BufferError, match="still uses"):
        mapping.close()
    assert not mapping.closed and array.sum() >= 0
    del array
    mapping.close()
    mapping.close()
    assert mapping.closed and "closed" in repr(mapping)
    with pytest.raises(gpucompute.StateError, match="closed"):
        mapping.view


def test_closing_while_another_view_looks():
    buffer = gpucompute.Buffer(64)
    mapping = buffer.map()
    part = mapping.view[8:16]
    with pytest.raises(BufferError, match="still uses"):
        mapping.close()
    part[:] = b"abcdefgh"  # the memory is there
    assert not mapping.closed
    part.release()
    assert mapping.closed
    mapping.close()
    assert buffer.read(offset=8, size=8) == b"abcdefgh"


def test_the_memory_lives_as_long_as_an_array_does():
    def mapped():
        buffer = gpucompute.Buffer(1 << 16, gpucompute.Context())
        return numpy.frombuffer(buffer.map().view, numpy.uint8)

    array = mapped()
    gc.collect()
    array[:] = 7
    assert array.sum() == 7 << 16


def test_closing_the_buffer_first():
    buffer = gpucompute.Buffer(64)
    mapping = buffer.map()
    buffer.close()
    mapping.view[0] = 1
    mapping.close()
    assert mapping.closed


def test_the_first_error_is_kept():
    buffer = gpucompute.Buffer(64)
    with pytest.raises(ZeroDivisionError):
        with buffer.map() as view:
            array = numpy.frombuffer(view, numpy.uint8)
            1 / 0
    del array


@pytest.mark.parametrize("kwargs, error", [({"read": False, "write": False}, gpucompute.ArgumentError), ({"size": 65}, gpucompute.OutOfRange),
                                           ({"offset": 65}, gpucompute.OutOfRange), ({"offset": 64}, gpucompute.ArgumentError),
                                           ({"write": False, "discard": True}, gpucompute.ArgumentError)])
def test_maps_that_are_none(kwargs, error):
    with pytest.raises(error):
        gpucompute.Buffer(64).map(**kwargs)


def test_host_memory(context):
    memory = gpucompute.HostMemory(8192, context)
    assert memory.size == memory.nbytes == len(memory) == 8192 and bytes(memory.view) == bytes(8192) and "8192" in repr(memory)
    array = numpy.asarray(memory)
    assert array.dtype == numpy.uint8 and array.ctypes.data % 4096 == 0
    array[:] = 3
    assert bytes(memory.view) == b"\3" * 8192
    buffer = gpucompute.Buffer(8192, context)
    buffer.write_async(memory.view).wait()
    assert buffer.read() == b"\3" * 8192
    assert numpy.array(memory, dtype=numpy.float32).sum() == 3 * 8192


def test_host_memory_lives_as_long_as_an_array_does():
    memory = gpucompute.HostMemory(1 << 16, gpucompute.Context())
    array = numpy.frombuffer(memory.view, numpy.uint8)
    memory.close()
    memory.close()
    with pytest.raises(gpucompute.StateError, match="this HostMemory is closed"):
        memory.view
    with pytest.raises(gpucompute.StateError):
        len(memory)
    assert "closed" in repr(memory)
    array[:] = 9
    assert array.sum() == 9 << 16


@pytest.mark.parametrize("size, error", [(0, gpucompute.ArgumentError), (-1, gpucompute.ArgumentError), ("x", TypeError),
                                         (2**62, gpucompute.OutOfMemory)])
def test_host_memory_that_is_none(size, error):
    with pytest.raises(error):
        gpucompute.HostMemory(size)
