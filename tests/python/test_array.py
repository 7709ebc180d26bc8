"""Arrays against numpy: what views are, what assignment does, what conversions give."""
import copy
import pickle

import gpucompute
import hypothesis
import hypothesis.extra.numpy as hn
import hypothesis.strategies as st
import numpy
import pytest

hypothesis.settings.register_profile("gpucompute", deadline=None, max_examples=60, derandomize=True,
                                     suppress_health_check=list(hypothesis.HealthCheck))
hypothesis.settings.load_profile("gpucompute")

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "complex64",
          "complex128"]
shapes = hn.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def numbers(shape, dtype, seed=0):
    """Numbers that are different, and small enough for all types to hold."""
    rng = numpy.random.default_rng(seed)
    return rng.permutation(int(numpy.prod(shape))).reshape(shape).astype(dtype)


def same(array, expected):
    got = array.get()
    assert got.shape == expected.shape and got.dtype == expected.dtype
    if got.dtype.kind == "V" or "float8" in got.dtype.name:  # numpy does not know NaN in types of ml_dtypes
        got, expected = got.astype("float32"), expected.astype("float32")
    numpy.testing.assert_array_equal(got, expected)


# ---- making ----

@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip(dtype):
    host = numbers((3, 4), dtype)
    array = gpucompute.asarray(host)
    assert (array.shape, array.dtype, array.strides, array.nbytes, array.size, array.ndim, array.itemsize) == (
        host.shape, host.dtype, host.strides, host.nbytes, host.size, host.ndim, host.itemsize)
    same(array, host)
    same(gpucompute.asarray(host.T), host.T)  # host arrays with gaps
    same(gpucompute.asarray(host[::-1, ::2]), host[::-1, ::2])
    out = numpy.empty((3, 8), dtype)[:, ::2]
    assert array.get(out) is out
    numpy.testing.assert_array_equal(out, host)


def test_creation():
    same(gpucompute.zeros((2, 3)), numpy.zeros((2, 3)))
    same(gpucompute.ones(4, "int16"), numpy.ones(4, "int16"))
    same(gpucompute.full((2, 2), 7), numpy.full((2, 2), 7))
    same(gpucompute.full((2, 3), [1.5, 2, 3]), numpy.full((2, 3), [1.5, 2, 3]))
    like = gpucompute.empty((2, 5), "float32")
    for function, expected in ((gpucompute.zeros_like, 0), (gpucompute.ones_like, 1)):
        same(function(like), numpy.full((2, 5), expected, "float32"))
        same(function(numpy.empty(3, "int8")), numpy.full(3, expected, "int8"))
    same(gpucompute.full_like(like, 3, dtype="int32"), numpy.full((2, 5), 3, "int32"))
    assert gpucompute.empty_like(like, shape=(7,)).shape == (7,)
    assert gpucompute.empty(()).shape == () and gpucompute.empty((3, 0)).size == 0
    same(gpucompute.asarray(5), numpy.asarray(5))
    same(gpucompute.asarray([[1, 2], [3, 4]], "float32"), numpy.array([[1, 2], [3, 4]], "float32"))
    same(gpucompute.asarray(bytearray(b"abc")), numpy.frombuffer(b"abc", "uint8"))
    queue = gpucompute.default_queue()
    for made in (gpucompute.to_device(queue, numpy.arange(3)), gpucompute.to_device(numpy.arange(3), queue), gpucompute.to_gpu(numpy.arange(3))):
        same(made, numpy.arange(3))
    assert gpucompute.GPUArray is gpucompute.Array


@pytest.mark.parametrize("arguments", [(5,), (0,), (2, 9), (9, 2), (9, 2, -3), (2, 9, 4), (0.0, 1.0, 0.1), (1, 2, 0.25), (-5, 5, 3), (10.5,)])
@pytest.mark.parametrize("dtype", [None, "float32", "int16", "float16", "uint8", "complex64"])
def test_arange(arguments, dtype):
    if dtype == "uint8" and arguments[0] < 0:
        return
    if dtype in ("int16", "uint8") and any(isinstance(value, float) for value in arguments):
        return  # numpy's own answer is odd: the step becomes 0
    same(gpucompute.arange(*arguments, dtype=dtype), numpy.arange(*arguments, dtype=dtype))


def test_unsupported_dtypes():
    for bad, words in ((numpy.array([object()]), "Python objects"), (numpy.array(["a"]), "text"), (numpy.arange(3).astype(">i4"), "byte-swapped"),
                       (numpy.zeros(2, "datetime64[s]"), "int64"), (numpy.zeros(2, [("a", "i4")]), "fields"),
                       (numpy.zeros(2, "longdouble"), "64 bits a part")):
        with pytest.raises(TypeError, match=words):
            gpucompute.asarray(bad)
    with pytest.raises(TypeError):
        gpucompute.empty(3, object)
    with pytest.raises(TypeError):
        gpucompute.asarray({"a": 1})


def test_bad_shapes():
    with pytest.raises(gpucompute.ArgumentError, match="negative"):
        gpucompute.empty((2, -1))
    with pytest.raises(gpucompute.ArgumentError, match="17 dimensions"):
        gpucompute.empty((1,) * 17)
    with pytest.raises(TypeError):
        gpucompute.empty(2.5)
    with pytest.raises(gpucompute.ArgumentError, match="63 bits"):
        gpucompute.empty((2**40, 2**40))
    with pytest.raises(MemoryError):
        gpucompute.empty(2**50)


def test_over_a_buffer():
    buffer = gpucompute.Buffer(64)
    buffer.write(numpy.arange(16, dtype="int32"))
    array = gpucompute.Array((2, 3), "int32", buffer=buffer, offset=60, strides=(-16, -4))
    same(array, numpy.array([[15, 14, 13], [11, 10, 9]], "int32"))
    with pytest.raises(IndexError, match="byte 68"):
        gpucompute.Array(17, "int32", buffer=buffer)
    with pytest.raises(IndexError, match="byte -4"):
        gpucompute.Array(2, "int32", buffer=buffer, strides=(-4,))
    with pytest.raises(gpucompute.ArgumentError, match="offset"):
        gpucompute.Array(2, "int32", offset=4)


# ---- views ----

@st.composite
def arrays_and_keys(draw):
    shape = draw(shapes)
    return shape, draw(hn.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True, max_dims=8))


@hypothesis.given(arrays_and_keys())
def test_indexing(case):
    shape, key = case
    host = numbers(shape, "int32")
    array = gpucompute.asarray(host)
    same(array[key], numpy.asarray(host[key]))
    assert array[key].strides == host[key].strides or host[key].size < 2 or 1 in host[key].shape


@hypothesis.given(arrays_and_keys(), st.integers(-100, 100), st.sampled_from(["int32", "float32", "uint8"]), st.sampled_from(["same", "number", "broadcast"]))
def test_assignment(case, number, dtype, what):
    shape, key = case
    host = numbers(shape, dtype)
    array = gpucompute.asarray(host)
    target = host[key]
    if what == "number":
        value = abs(number) if dtype == "uint8" else number
        host[key] = value
        array[key] = value
    else:
        value = numbers(target.shape if what == "same" else target.shape[-1:], "int16", 1)
        host[key] = value
        if number % 2:
            array[key] = value
        else:
            array[key] = gpucompute.asarray(value)
    same(array, host)


@hypothesis.given(st.data())
def test_views_of_views(data):
    host = numbers(data.draw(shapes), "float32")
    array = gpucompute.asarray(host)
    for _ in range(4):
        step = data.draw(st.sampled_from(["index", "transpose", "reshape", "newaxis", "swap", "copy"]))
        if step == "index":
            key = data.draw(hn.basic_indices(host.shape))
            host, array = host[key] if not numpy.isscalar(host[key]) else numpy.asarray(host[key]), array[key]
        elif step == "transpose":
            axes = data.draw(st.permutations(range(host.ndim)))
            host, array = host.transpose(axes), array.transpose(axes)
        elif step == "reshape":
            shape = data.draw(st.permutations(host.shape)) + [1]
            host, array = host.reshape(shape), array.reshape(shape)
        elif step == "newaxis" and host.ndim < 8:
            host, array = host[..., None], array[..., None]
        elif step == "swap" and host.ndim > 1:
            host, array = host.swapaxes(0, -1), array.swapaxes(0, -1)
        elif step == "copy":
            host, array = host.copy(), array.copy()
            assert array.is_contiguous
        same(array, numpy.asarray(host))
        same(array.astype("int64"), numpy.asarray(host).astype("int64"))


def test_views_share_memory():
    array = gpucompute.zeros((4, 6), "int32")
    array[1:3, ::2] = 1
    array.T[5] = 2
    array.reshape(2, 12)[1, 0] = 3
    array[::-1][0, 0] = 4
    expected = numpy.zeros((4, 6), "int32")
    expected[1:3, ::2] = 1
    expected.T[5] = 2
    expected.reshape(2, 12)[1, 0] = 3
    expected[::-1][0, 0] = 4
    same(array, expected)
    same(array.view("uint8"), expected.view("uint8"))
    same(array.view("int64"), expected.view("int64"))
    complex_array = gpucompute.asarray(numpy.arange(6).reshape(2, 3) * (1 + 2j))
    complex_array.imag[...] = 5
    same(complex_array, numpy.arange(6).reshape(2, 3) + 5j)
    same(complex_array.real, complex_array.get().real)
    same(array.squeeze(), expected)
    same(gpucompute.ones((1, 3, 1))[0].squeeze(-1), numpy.ones(3))
    wide = array[0].broadcast_to((3, 6))
    same(wide, numpy.broadcast_to(expected[0], (3, 6)))
    with pytest.raises(gpucompute.ArgumentError, match="read-only"):
        wide[...] = 1
    assert array.mT.shape == (6, 4)


def test_arrays_that_share_bytes():
    host = numpy.arange(20)
    array = gpucompute.asarray(host)
    array[1:] = array[:-1]
    host[1:] = host[:-1].copy()
    same(array, host)
    array[:] = array[::-1]
    same(array, host[::-1].copy())
    square = gpucompute.arange(16).reshape(4, 4)
    square[...] = square.T
    same(square, numpy.arange(16).reshape(4, 4).T.copy())


def test_what_is_no_view():
    array = gpucompute.zeros((3, 4))
    for key in ([0, 1], numpy.array([True, False, True]), 1.5, "a", True, (0, [1])):
        with pytest.raises(TypeError, match="index"):
            array[key]
    for key in (3, -4, (0, 4), (0, 0, 0)):
        with pytest.raises(IndexError):
            array[key]
    with pytest.raises(gpucompute.ArgumentError, match="12 elements"):
        array.reshape(5, -1)
    with pytest.raises(gpucompute.ArgumentError, match="copy"):
        array.T.reshape(12, copy=False)
    with pytest.raises(ValueError):
        array[...] = numpy.ones(3)
    with pytest.raises(ValueError):
        array.broadcast_to((2, 3, 5))
    with pytest.raises(TypeError):
        len(gpucompute.asarray(1))
    with pytest.raises(TypeError):
        numpy.sin(array)
    with pytest.raises(TypeError):
        1.0 in array
    with pytest.raises(gpucompute.ArgumentError, match="ambiguous"):
        bool(array)
    with pytest.raises(gpucompute.ArgumentError, match="255"):
        gpucompute.zeros(2, "uint8")[...] = 256
    with pytest.raises(TypeError):
        array[0] = "text"


# ---- conversions ----

@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", ["bool", "uint8", "int32", "int64", "float16", "float32", "complex64", "complex128"])
def test_astype(source, target):
    host = numbers((5, 7), source)
    array = gpucompute.asarray(host)
    with numpy.errstate(all="ignore"):
        import warnings

        warnings.simplefilter("ignore")
        same(array.astype(target), host.astype(target))
        same(array[::-2, 1:].T.astype(target), host[::-2, 1:].T.astype(target))


@hypothesis.given(hn.arrays("float64", 40, elements=st.floats(width=64)), st.sampled_from(["float32", "float16"]))
def test_rounding(host, dtype):
    with numpy.errstate(all="ignore"):
        same(gpucompute.asarray(host).astype(dtype), host.astype(dtype))


def test_float_to_integer_is_held_to_the_range():
    host = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 300, -300, 1.9, -1.9, 1e30])
    assert gpucompute.asarray(host).astype("int8").tolist() == [0, 127, -128, 127, -128, 1, -1, 127]
    assert gpucompute.asarray(host).astype("uint8").tolist() == [0, 255, 0, 255, 0, 1, 0, 255]
    assert gpucompute.asarray(host).astype("int64").tolist()[1:3] == [2**63 - 1, -2**63]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_ml_dtypes(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = numpy.dtype(getattr(ml_dtypes, name))
    rng = numpy.random.default_rng(3)
    host = (rng.standard_normal(2000) * 10.0**rng.integers(-6, 6, 2000)).astype("float32")
    array = gpucompute.asarray(host)
    with numpy.errstate(all="ignore"):
        same(array.astype(name), host.astype(dtype))
        same(array.astype(dtype).astype("float32"), host.astype(dtype).astype("float32"))
    same(gpucompute.asarray(host.astype(dtype)).reshape(40, 50)[::2].T, host.astype(dtype).reshape(40, 50)[::2].T)
    same(gpucompute.ones(3, name), numpy.ones(3, dtype))
    assert pickle.loads(pickle.dumps(array.astype(name))).dtype == dtype


# ---- to the host ----

def test_numbers_and_lists():
    array = gpucompute.arange(6).reshape(2, 3)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert array.item(4) == 4 and array.item(1, 0) == 3 and array.item((0, 2)) == 2 and array[1, 1].item() == 4
    assert len(array) == 2 and [row.tolist() for row in array] == array.tolist()
    one = gpucompute.asarray([3.5])
    assert float(one) == 3.5 and int(one) == 3 and complex(one) == 3.5 and bool(one)
    assert [10, 20, 30][gpucompute.asarray(1)] == 20
    with pytest.raises(TypeError):
        [10][gpucompute.asarray(0.0)]
    with pytest.raises(gpucompute.ArgumentError):
        array.item()
    with pytest.raises(TypeError):
        float(array)
    numpy.testing.assert_array_equal(numpy.asarray(array), array.get())
    assert numpy.asarray(array, "float32").dtype == "float32"
    with pytest.raises(ValueError):
        array.__array__(copy=False)


def test_out_of_get():
    array = gpucompute.arange(6)
    for bad in (numpy.empty(5, "int64"), numpy.empty(6, "int32")):
        with pytest.raises(gpucompute.ArgumentError, match="out is"):
            array.get(bad)
    fixed = numpy.empty(6, "int64")
    fixed.flags.writeable = False
    with pytest.raises(gpucompute.ArgumentError, match="read-only"):
        array.get(fixed)
    with pytest.raises(TypeError):
        array.get([])


def test_set():
    array = gpucompute.zeros((2, 3), "float32")
    array.set(numpy.arange(6).reshape(2, 3))
    array[:, ::2].set([[1, 2], [3, 4]])
    same(array, numpy.array([[1, 1, 2], [3, 4, 4]], "float32"))
    with pytest.raises(gpucompute.ArgumentError, match="shape"):
        array.set([1, 2, 3])
    array.set_async(numpy.full((2, 3), 9, "float32")).wait()
    array.fill(numpy.float64(2.5))
    same(array, numpy.full((2, 3), 2.5, "float32"))
    with pytest.raises(gpucompute.ArgumentError):
        array.fill([1, 2, 3])


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (0, 3), (1001,), (40, 40), (2, 600), (600, 2), (7, 13, 17), (4, 300, 5)])
def test_shown_as_numpy_shows_it(shape):
    host = numpy.arange(numpy.prod(shape, dtype=int), dtype="float32").reshape(shape) / 4
    array = gpucompute.asarray(host)
    assert str(array) == str(host)
    body = numpy.array2string(host, separator=", ", prefix="gpucompute.Array(", suffix=",", threshold=1000) if host.size else "[]"
    assert repr(array).startswith("gpucompute.Array(" + body) and repr(array).endswith("dtype=float32)")


def test_copies_of_pythons_own():
    array = gpucompute.arange(6).reshape(2, 3).T
    for other in (pickle.loads(pickle.dumps(array)), copy.copy(array), copy.deepcopy(array), copy.deepcopy([array, array])[1]):
        same(other, array.get())
        other[...] = 0
    assert array.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_closing():
    with gpucompute.arange(6) as array:
        view = array[2:]
    assert array.closed and "closed" in repr(array) and not view.closed
    with pytest.raises(gpucompute.StateError, match="closed"):
        array.get()
    array.close()
    same(view, numpy.arange(2, 6))


# ---- kernels and queues ----

def test_as_kernel_arguments():
    program = gpucompute.Program("kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }")
    queue = gpucompute.default_queue()
    alignment = queue.device.slice_alignment_bytes
    array = gpucompute.arange(1000, dtype="float32")
    program.twice(queue, 1000, None, array)
    part = array[alignment // 4:]
    program.twice(queue, part.size, None, part)
    expected = numpy.arange(1000, dtype="float32") * 2
    expected[alignment // 4:] *= 2
    same(array, expected)
    with pytest.raises(gpucompute.KernelArgumentError, match="strided"):
        program.twice(queue, 10, None, array[::2])
    with pytest.raises(gpucompute.KernelArgumentError, match="astype"):
        program.twice(queue, 10, None, gpucompute.zeros(10, "int32"))


def test_two_queues():
    context = gpucompute.default_context()
    one, two = gpucompute.Queue(context), gpucompute.Queue(context)
    for _ in range(20):
        a = gpucompute.asarray(numpy.arange(50000), queue=one)
        b = gpucompute.zeros(50000, "int64", queue=two)
        a[...] = a[::-1]
        b[...] = a
        a[...] = 0  # after b has it
        same(b, numpy.arange(50000)[::-1].copy())
        assert a.copy(two).queue == two


def test_asarray_takes_what_there_is():
    array = gpucompute.arange(5)
    assert gpucompute.asarray(array) is array
    assert gpucompute.asarray(array, copy=True) is not array
    assert gpucompute.asarray(array, "float32").dtype == "float32"
    with pytest.raises(gpucompute.ArgumentError):
        gpucompute.asarray(array, "float32", copy=False)
    with pytest.raises(gpucompute.ArgumentError):
        gpucompute.asarray([1], copy=False)
    strided = array[::2]
    packed = gpucompute.ascontiguousarray(strided)
    assert packed.is_contiguous and not strided.is_contiguous
    same(packed, strided.get())
    assert gpucompute.ascontiguousarray(array) is array
    other = gpucompute.Context(gpucompute.default_device())
    same(gpucompute.asarray(array, queue=other), numpy.arange(5))


def test_many_come_and_go():
    memory = gpucompute.default_context().memory.live_buffers
    for _ in range(3000):
        array = gpucompute.zeros(16, "float32")
        array[::2].T.reshape(2, 4)
    del array
    assert gpucompute.default_context().memory.live_buffers <= memory
