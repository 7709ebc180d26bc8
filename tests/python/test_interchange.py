"""DLPack, Arrow, PyOpenCL, PyTorch, asyncio: what crosses, what lives how long, what is refused."""
import asyncio
import gc
import sys

import gpucompute
import numpy
import pytest
from gpucompute._library import ffi, lib

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "complex64",
          "complex128"]


def living():
    gc.collect()
    return lib.gpuc_py_dlpack_living()


class Tensor:
    """A tensor of another library: hands out what it was made with."""

    def __init__(self, array, device=None, **changes):
        self.array, self.device, self.changes = array, device, changes

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        capsule = self.array.__dlpack__(**options)
        from gpucompute import _capsule

        versioned = _capsule.is_named(capsule, "dltensor_versioned")
        tensor = _capsule.pointer(capsule, *(("dltensor_versioned", "DLManagedTensorVersioned *") if versioned else
                                             ("dltensor", "DLManagedTensor *"))).dl_tensor
        for name, value in self.changes.items():
            owner = tensor
            *path, last = name.split("__")
            for part in path:
                owner = getattr(owner, part)
            setattr(owner, last, value)
        return capsule


class OldTensor(Tensor):
    """From before versions."""

    def __dlpack__(self):
        return super().__dlpack__()


# ---- DLPack, on the device ----

@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [Tensor, OldTensor])
def test_memory_is_shared(dtype, kind):
    array = gpucompute.asarray(numpy.arange(24).reshape(4, 6).astype(dtype))
    for view in (array, array.T, array[1:, ::-2], array[3, 5], array[:0]):
        other = gpucompute.from_dlpack(kind(view))
        assert (other.shape, other.dtype, other.context) == (view.shape, view.dtype, view.context)
        numpy.testing.assert_array_equal(other.get(), view.get())
        other[...] = 1
        numpy.testing.assert_array_equal(view.get(), numpy.ones_like(view.get()))


def test_device():
    array = gpucompute.zeros(3)
    kind, number = array.__dlpack_device__()
    assert kind == 4 and gpucompute.devices()[number] == array.device


def test_tensors_live_as_long_as_someone_has_them():
    before = living()
    array = gpucompute.arange(1000)
    capsule = array.__dlpack__()
    assert living() == before + 1
    del capsule  # nobody took it
    assert living() == before
    references = sys.getrefcount(array)
    shared = gpucompute.from_dlpack(array)
    view = shared[::2]
    assert living() == before + 1 and sys.getrefcount(array) == references
    del array  # the memory lives
    del shared
    gc.collect()
    assert view.tolist() == list(range(0, 1000, 2)) and living() == before + 1
    copied = gpucompute.from_dlpack(view, copy=True)
    del view
    assert living() == before and copied.tolist() == list(range(0, 1000, 2))
    for _ in range(2000):
        gpucompute.from_dlpack(copied)
        copied.__dlpack__(max_version=(1, 0))
    assert living() == before


def test_a_capsule_is_taken_once():
    array = gpucompute.arange(3)
    capsule = array.__dlpack__()

    class Twice:
        def __dlpack_device__(self):
            return array.__dlpack_device__()

        def __dlpack__(self):
            return capsule

    gpucompute.from_dlpack(Twice())
    with pytest.raises(BufferError, match="taken"):
        gpucompute.from_dlpack(Twice())


def test_copy_flag_and_read_only():
    array = gpucompute.arange(4, dtype="float32")
    fixed = array.broadcast_to((3, 4))
    shared = gpucompute.from_dlpack(Tensor(fixed))
    assert shared.readonly and shared.strides == (0, 4)
    with pytest.raises(gpucompute.ArgumentError, match="read-only"):
        shared[0] = 1
    with pytest.raises(BufferError, match="read-only"):
        fixed.__dlpack__()
    gpucompute.from_dlpack(OldTensor(array))[0] = 5
    assert array[0].item() == 5
    from gpucompute import _capsule

    capsule = fixed.__dlpack__(max_version=(1, 1), copy=True)
    managed = _capsule.pointer(capsule, "dltensor_versioned", "DLManagedTensorVersioned *")
    assert managed.flags == 2 and managed.major == 1


def test_streams():
    array = gpucompute.arange(4)
    other = gpucompute.Queue(array.context)
    for stream in (None, -1, other):
        array.__dlpack__(stream=stream)
    for stream in (1, 2, "x", True):
        with pytest.raises(BufferError, match="stream"):
            array.__dlpack__(stream=stream)


def test_what_is_no_memory_of_ours():
    array = gpucompute.arange(16, dtype="int32")
    garbage = ffi.new("char[64]")
    refused = [
        ({"data": ffi.NULL}, "no memory"), ({"data": ffi.cast("void *", 16)}, "cl_mem"), ({"data": garbage}, "cl_mem"),
        ({"data": ffi.cast("void *", array.context.int_ptr)}, "cl_mem"), ({"data": ffi.cast("void *", 2**46)}, "cl_mem"),
        ({"ndim": 17}, "17 dimensions"), ({"ndim": -1}, "-1 dimensions"), ({"dtype__lanes": 4}, "vectors of 4"),
        ({"dtype__code": 3}, "element type"), ({"dtype__bits": 4}, "element type"), ({"dtype__bits": 255}, "element type"),
        ({"byte_offset": 2**20}, "reaches"), ({"byte_offset": 2**63}, "reaches"), ({"shape": ffi.NULL}, "no shape"),
    ]
    before = living()
    for changes, words in refused:
        with pytest.raises(BufferError, match=words):
            gpucompute.from_dlpack(Tensor(array, **changes))
    assert living() == before
    with pytest.raises(BufferError, match="device type 2"):
        gpucompute.from_dlpack(Tensor(array, device=(2, 0)))
    with pytest.raises(TypeError):
        gpucompute.from_dlpack([1])
    other = gpucompute.Context(gpucompute.default_device())
    with pytest.raises(BufferError, match="another OpenCL context"):
        gpucompute.from_dlpack(array, other.queue)
    half = gpucompute.arange(16, dtype="int32")[:4]
    with pytest.raises(BufferError, match="multiple of 4"):
        gpucompute.from_dlpack(Tensor(half, byte_offset=half.root_offset + 2))
    numbers = ffi.new("int64_t[]", [-3])
    with pytest.raises(BufferError, match="shape"):
        gpucompute.from_dlpack(Tensor(array, shape=numbers))


# ---- DLPack, on the host ----

@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy(dtype):
    host = numpy.arange(12).reshape(3, 4).astype(dtype)

    class Host:
        def __dlpack_device__(self):
            return host.__dlpack_device__()

        def __dlpack__(self, **options):
            return host[:, ::-1].T.__dlpack__(**options)

    array = gpucompute.from_dlpack(Host())
    numpy.testing.assert_array_equal(array.get(), host[:, ::-1].T)

    class ToHost:
        def __dlpack_device__(self):
            return 1, 0

        def __dlpack__(self, **options):
            return array.__dlpack__(dl_device=(1, 0), **options)

    back = numpy.from_dlpack(ToHost())
    numpy.testing.assert_array_equal(back, host[:, ::-1].T)
    with pytest.raises(BufferError):
        array.__dlpack__(dl_device=(1, 0), copy=False)
    with pytest.raises(BufferError):
        array.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError):
        gpucompute.from_dlpack(Host(), copy=False)


def test_torch():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.int64, torch.bfloat16, torch.bool, torch.complex64):
        tensor = torch.arange(12).reshape(3, 4).to(dtype)
        if dtype is torch.bfloat16:
            pytest.importorskip("ml_dtypes")
        array = gpucompute.asarray(tensor.T)
        assert array.shape == (4, 3)

        class ToHost:
            def __dlpack_device__(self):
                return 1, 0

            def __dlpack__(self, **options):
                return array.__dlpack__(dl_device=(1, 0), **{key: value for key, value in options.items() if key == "max_version"})

        assert torch.equal(torch.from_dlpack(ToHost()), tensor.T)


# ---- Arrow ----

def test_arrow():
    pa = pytest.importorskip("pyarrow")
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bool"):
        host = (numpy.arange(50) % 3).astype(dtype)
        column = pa.array(host)
        numpy.testing.assert_array_equal(gpucompute.asarray(column).get(), host)
        numpy.testing.assert_array_equal(gpucompute.asarray(column[13:40]).get(), host[13:40])
        back = pa.array(gpucompute.asarray(host)[5:45:2])
        back.validate(full=True)
        assert back.type == column.type and back.null_count == 0
        numpy.testing.assert_array_equal(back.to_numpy(zero_copy_only=False), host[5:45:2])
    half = numpy.arange(7, dtype="float16")
    numpy.testing.assert_array_equal(gpucompute.asarray(pa.array(half)).get(), half)
    assert len(pa.array(gpucompute.zeros(0, "int32"))) == 0


def test_arrow_lists_are_dimensions():
    pa = pytest.importorskip("pyarrow")
    host = numpy.arange(24, dtype="float32").reshape(4, 3, 2)
    array = pa.array(gpucompute.asarray(host))
    array.validate(full=True)
    assert array.type == pa.list_(pa.list_(pa.field("item", pa.float32(), nullable=False), 2), 3) or array.type.list_size == 3
    assert array.to_pylist() == host.tolist()
    numpy.testing.assert_array_equal(gpucompute.asarray(array).get(), host)
    numpy.testing.assert_array_equal(gpucompute.asarray(array[1:3]).get(), host[1:3])
    bools = pa.array([[True, False, True], [False, False, True]], pa.list_(pa.bool_(), 3))
    assert gpucompute.asarray(bools[1:]).tolist() == [[False, False, True]]


def test_arrow_is_read_where_it_is():
    pa = pytest.importorskip("pyarrow")
    from gpucompute.arrow import host_array

    column = pa.array(numpy.arange(100, dtype="float64"))
    view, copied = host_array(column[10:])
    assert not copied and not view.flags.writeable
    assert view.__array_interface__["data"][0] == column.buffers()[1].address + 80
    del column
    gc.collect()
    assert view[0] == 10
    tensor = pa.Tensor.from_numpy(numpy.arange(6, dtype="float32").reshape(2, 3))
    assert gpucompute.asarray(tensor.to_numpy()).shape == (2, 3)
    a, b = pa.array(numpy.arange(3.)), pa.FixedSizeListArray.from_arrays(pa.array(numpy.arange(6.)), 2)
    numpy.testing.assert_array_equal(gpucompute.matmul(a, b), numpy.arange(3.) @ numpy.arange(6.).reshape(3, 2))
    assert isinstance(gpucompute.asarray(numpy.ones((2, 3))) @ a, gpucompute.Array)
    numpy.testing.assert_array_equal(gpucompute.matmul(tensor, numpy.ones((3, 1), "float32")), [[3], [12]])


def test_what_arrow_has_that_is_no_array():
    pa = pytest.importorskip("pyarrow")
    for bad, words in ((pa.array([1, None, 3]), "1 nulls of 3"), (pa.array(["a"]), "format"), (pa.array([[1], [2, 3]]), "format"),
                       (pa.array(["a", "b"]).dictionary_encode(), "dictionary"), (pa.array([[1, None], [2, 3]], pa.list_(pa.int32(), 2)), "1 nulls")):
        with pytest.raises(gpucompute.ArgumentError, match=words):
            gpucompute.asarray(bad)
    assert gpucompute.asarray(pa.array([None, 1, 2])[1:]).tolist() == [1, 2]  # the null is outside
    assert gpucompute.asarray(pa.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
    with pytest.raises(gpucompute.ArgumentError, match="1 nulls"):
        gpucompute.asarray(pa.chunked_array([[1, None], [3]]))
    for bad in (gpucompute.ones(3, "complex64"), gpucompute.asarray(1)):
        with pytest.raises(gpucompute.ArgumentError):
            pa.array(bad)


# ---- PyOpenCL ----

def test_pyopencl_shares_memory():
    cl = pytest.importorskip("pyopencl")
    import pyopencl.array

    array = gpucompute.asarray(numpy.arange(12, dtype="float32").reshape(3, 4))
    context = cl.Context.from_int_ptr(array.context.int_ptr)
    queue = cl.CommandQueue(context)
    array.queue.finish()
    theirs = cl.array.Array(queue, array.shape, array.dtype, data=cl.MemoryObject.from_int_ptr(array.int_ptr), strides=array.strides)
    theirs += 1
    queue.finish()
    numpy.testing.assert_array_equal(array.get(), numpy.arange(1, 13, dtype="float32").reshape(3, 4))
    made = cl.array.to_device(queue, numpy.arange(10, dtype="int32"))
    ours = gpucompute.Array(made.shape, made.dtype, array.queue, strides=made.strides,
                            buffer=gpucompute.Buffer.from_int_ptr(made.base_data.int_ptr, context=array.context))
    ours[::2] = 0
    array.queue.finish()
    numpy.testing.assert_array_equal(made.get(), [0, 1, 0, 3, 0, 5, 0, 7, 0, 9])
    del made
    gc.collect()
    assert ours.tolist() == [0, 1, 0, 3, 0, 5, 0, 7, 0, 9]


# ---- asyncio ----

def test_get_async():
    arrays = [gpucompute.full((300, 20), value, "int32") for value in range(50)]

    async def main():
        several = await asyncio.gather(*(wait(array) for array in arrays))
        for value, host in enumerate(several):
            assert (host == value).all()
        return await arrays[7][::2, ::-1].get_async()

    async def wait(array):
        return await array.get_async()

    assert (asyncio.run(main()) == 7).all()
    pending = arrays[3].get_async()
    assert (pending.result() == 3).all() and pending.done
    out = numpy.empty((300, 20), "int32")
    assert arrays[4].get_async(out).result(timeout=600) is out
    with pytest.raises(gpucompute.ArgumentError, match="C-contiguous"):
        arrays[4].get_async(numpy.empty((300, 40), "int32")[:, ::2])


def test_cancelled():
    array = gpucompute.ones(1000)

    async def main():
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await array.get_async()

    async def wait():
        await array.get_async()
        await asyncio.sleep(60)

    assert (asyncio.run(main()) == 1).all()


# ---- both sides ----

def test_device_array():
    x = gpucompute.DeviceArray_float32(numpy.arange(10))
    assert x.host.dtype == "float32" and not x.allocated and x.last_status() == 0
    with pytest.raises(gpucompute.StateError, match="allocate"):
        x.to_host()
    assert x.last_status() == 211
    assert x.allocate() == 0 and x.to_device() == 0 and x.last_status() == 0
    program = gpucompute.Program("kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }")
    program.twice(gpucompute.default_queue(), 10, None, x)
    assert x.host[3] == 3 and x.to_host() == 0
    numpy.testing.assert_array_equal(x.host, numpy.arange(10) * 2)
    numpy.testing.assert_array_equal(x.device.get(), x.host)
    x.host = numpy.zeros(3, "float32")
    with pytest.raises(gpucompute.ArgumentError, match="shape"):
        x.to_device()
    assert x.last_status() == 201
    assert x.free() == 0 and not x.allocated
    with gpucompute.DeviceArray_int16((2, 3)) as y:
        assert y.shape == (2, 3) and y.nbytes == 12 and len(y) == 2 and (numpy.asarray(y) == 0).all()
        y.to_device()
    assert not y.allocated and "on the host" in repr(y)
    with pytest.raises(TypeError):
        gpucompute.DeviceArray(3)
    shared = numpy.zeros(4, "int32")
    gpucompute.DeviceArray_int32(shared).host[2] = 7
    assert shared[2] == 7


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_device_array_of_every_dtype(dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = getattr(gpucompute, f"DeviceArray_{dtype}")(numpy.arange(6).reshape(2, 3))
    x.to_device()
    wanted = x.host.copy()
    x.host[...] = 0
    x.to_host()
    numpy.testing.assert_array_equal(x.host, wanted)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the buffer protocol of Python classes came with 3.12")
def test_buffer_protocol():
    array = gpucompute.arange(6, dtype="int16").reshape(2, 3)
    view = memoryview(array)
    assert view.readonly and view.shape == (2, 3) and view.tolist() == [[0, 1, 2], [3, 4, 5]]
