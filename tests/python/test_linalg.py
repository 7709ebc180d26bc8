"""Products against numpy's."""
import gpucompute
import hypothesis
import hypothesis.strategies as st
import numpy
import pytest

hypothesis.settings.register_profile("gpucompute", deadline=None, max_examples=60, derandomize=True,
                                     suppress_health_check=list(hypothesis.HealthCheck))
hypothesis.settings.load_profile("gpucompute")

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52, "complex64": 2.0**-23, "complex128": 2.0**-52}
DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]


def matrix(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def close(got, a, b, dtype, alpha=1, beta=0, c=None):
    """Within (K + 4) roundings of the sum of magnitudes, and the rounding of the result."""
    wide = "complex128" if dtype.startswith("complex") else "float64"
    a, b = a.astype(wide), b.astype(wide)
    expected, size = alpha * (a @ b), abs(alpha) * (abs(a) @ abs(b))
    if c is not None:
        expected, size = expected + beta * c.astype(wide), size + abs(beta) * abs(c.astype(wide))
    assert got.shape == numpy.shape(expected) and got.dtype.name == dtype
    terms = (a.shape[-1] + 4) * (2 if wide == "complex128" else 1)
    error = numpy.abs(numpy.asarray(got).astype(wide) - expected)
    assert (error <= terms * EPSILON[dtype] * size + 1e-6 * (dtype == "float16")).all()


@st.composite
def problems(draw):
    """Two operands as (host array, way to make a view of a device array out of it), with batch dimensions that broadcast."""
    dtype = draw(st.sampled_from(DTYPES))
    m, n, k = (draw(st.integers(1, 20)) for _ in range(3))
    batch = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    rng = numpy.random.default_rng(draw(st.integers(0, 1000)))
    operands = []
    for rows, columns in ((m, k), (k, n)):
        dims = [size if draw(st.booleans()) else 1 for size in batch]
        dims = dims[draw(st.integers(0, len(dims))):]
        layout = draw(st.sampled_from(["rows", "columns", "padded", "backwards", "gaps", "repeated"]))
        whole = matrix(rng, (*dims, rows, columns), dtype)
        operands.append((whole, layout))
    return dtype, operands


def placed(host, layout):
    """A device array with these values that lies in memory in some way."""
    rows, columns = host.shape[-2:]
    if layout == "columns":
        return gpucompute.asarray(host.swapaxes(-1, -2).copy()).mT
    shape = {"padded": (rows, columns + 3), "gaps": (rows, 2 * columns)}.get(layout, (rows, columns))
    whole = gpucompute.full((*host.shape[:-2], *shape), 77, host.dtype)
    view = whole[..., :columns] if layout == "padded" else whole[..., ::2] if layout == "gaps" else whole
    if layout == "backwards":
        view = view[..., ::-1, ::-1]
    view[...] = host
    if layout == "repeated":
        view = view[None].broadcast_to((2, *view.shape))[1]
    return view


@hypothesis.given(problems())
def test_views(problem):
    dtype, ((a, a_layout), (b, b_layout)) = problem
    x, y = placed(a, a_layout), placed(b, b_layout)
    result = x @ y
    assert isinstance(result, gpucompute.Array)
    close(result.get(), a, b, dtype)


@pytest.mark.parametrize("shapes", [((5,), (5,)), ((5,), (5, 3)), ((3, 5), (5,)), ((2, 3, 5), (5,)), ((5,), (4, 5, 3)), ((2, 1, 3, 5), (4, 5, 2)),
                                    ((3, 0), (0, 2)), ((0, 3), (3, 2)), ((2, 0, 3, 4), (4, 5)), ((0, 2, 3), (0, 3, 2)), ((1, 7), (7, 1))])
def test_shapes_as_numpy(shapes):
    rng = numpy.random.default_rng(5)
    a, b = (matrix(rng, shape, "float64") for shape in shapes)
    close(gpucompute.matmul(gpucompute.asarray(a), gpucompute.asarray(b)).get(), a, b, "float64")
    result = gpucompute.matmul(a, b)
    assert isinstance(result, (numpy.ndarray, numpy.float64))
    close(result, a, b, "float64")
    close((gpucompute.asarray(a) @ b).get(), a, b, "float64")
    close((a @ gpucompute.asarray(b)).get(), a, b, "float64")


def test_shapes_that_do_not_fit():
    a = gpucompute.ones((2, 3))
    for other in (gpucompute.ones((2, 3)), gpucompute.ones(2), numpy.ones((4, 2))):
        with pytest.raises(gpucompute.ArgumentError, match="rows"):
            a @ other
    with pytest.raises(gpucompute.ArgumentError, match="broadcast"):
        gpucompute.ones((2, 3, 4)) @ gpucompute.ones((3, 4, 2))
    with pytest.raises(gpucompute.ArgumentError, match="no dimensions"):
        gpucompute.matmul(a, 3)
    with pytest.raises(TypeError):
        a @ 3
    with pytest.raises(gpucompute.ArgumentError, match="i64"):
        gpucompute.arange(4).reshape(2, 2) @ gpucompute.arange(4).reshape(2, 2)
    with pytest.raises(TypeError):
        gpucompute.matmul(a, "text")


def test_common_dtype():
    a, b = numpy.ones((2, 3), "float32"), numpy.full((3, 2), 0.1)
    close((gpucompute.asarray(a) @ gpucompute.asarray(b)).get(), a, b, "float64")
    close(gpucompute.matmul(a, b.astype("complex64")), a, b.astype("complex64"), "complex64")
    close(gpucompute.matmul(a, numpy.arange(6, dtype="int16").reshape(3, 2)), a, numpy.arange(6.).reshape(3, 2), "float32")
    eight = numpy.arange(-6, 6, dtype="int8").reshape(3, 4)
    numpy.testing.assert_array_equal(gpucompute.matmul(eight, eight.T), eight.astype("int32") @ eight.T.astype("int32"))


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = numpy.random.default_rng(7)
    a, b = (matrix(rng, shape, "float32").astype(ml_dtypes.bfloat16) for shape in ((9, 20), (20, 7)))
    close(gpucompute.matmul(a, b), a, b, "bfloat16")


def test_out():
    rng = numpy.random.default_rng(8)
    a, b = matrix(rng, (6, 5), "float32"), matrix(rng, (5, 4), "float32")
    x, y = gpucompute.asarray(a), gpucompute.asarray(b)
    for out in (gpucompute.full((6, 4), numpy.nan, "float32"), gpucompute.full((4, 6), numpy.nan, "float32").T,
                gpucompute.full((6, 8), numpy.nan, "float32")[:, ::2], gpucompute.full((6, 4), numpy.nan, "float32")[::-1, ::-1]):
        assert gpucompute.matmul(x, y, out) is out
        close(out.get(), a, b, "float32")
    wide = gpucompute.empty((6, 4), "float64")
    gpucompute.matmul(x, y, out=wide)
    close(wide.get().astype("float32"), a, b, "float32")
    host = numpy.full((6, 8), numpy.nan, "float32")[:, ::2]
    assert gpucompute.matmul(a, b, out=host) is host
    close(host, a, b, "float32")
    vector = gpucompute.empty(6, "float32")
    gpucompute.matmul(x, y[:, 0], out=vector)
    close(vector.get(), a, b[:, 0], "float32")
    square = gpucompute.asarray(a[:5])
    gpucompute.matmul(square, square, out=square)  # shares memory with both
    close(square.get(), a[:5], a[:5], "float32")
    columns = gpucompute.asarray(matrix(rng, (5, 6), "float32"))
    left, right, apart = columns[:, :1], columns[:1, 1:2], columns[:, 2:3]  # columns of one matrix: their ranges overlap
    before = columns.get()
    gpucompute.matmul(left, right, out=apart)
    close(apart.get(), before[:, :1], before[:1, 1:2], "float32")
    numpy.testing.assert_array_equal(numpy.delete(columns.get(), 2, 1), numpy.delete(before, 2, 1))
    with pytest.raises(gpucompute.ArgumentError, match=r"must have \(6, 4\)"):
        gpucompute.matmul(x, y, out=gpucompute.empty((4, 6), "float32"))
    with pytest.raises(gpucompute.ArgumentError, match="read-only"):
        gpucompute.matmul(x, y, out=gpucompute.empty(1, "float32").broadcast_to((6, 4)))
    with pytest.raises(TypeError, match="out"):
        gpucompute.matmul(x, y, out=[])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ways", ["NN", "TN", "NT", "TT", "CN", "NC", "CC", "CT"])
@pytest.mark.parametrize("kind", ["array", "numpy", "turned"])
def test_gemm(dtype, ways, kind):
    rng = numpy.random.default_rng(9)
    op = {"N": lambda x: x, "T": lambda x: x.T, "C": lambda x: x.conj().T}
    a = matrix(rng, (7, 5) if ways[0] == "N" else (5, 7), dtype)
    b = matrix(rng, (5, 6) if ways[1] == "N" else (6, 5), dtype)
    c = matrix(rng, (7, 6), dtype)
    alpha, beta = (1.5 - 0.5j, -0.5 + 1j) if dtype.startswith("complex") else (1.5, -0.5)
    if kind == "numpy":
        x, y, z = a, b, c.copy()
    else:
        x, y = gpucompute.asarray(a), gpucompute.asarray(b)
        z = gpucompute.asarray(c.T).T if kind == "turned" else gpucompute.asarray(c)
    assert gpucompute.gemm(alpha, x, y, beta, z, transpose_a=ways[0], transpose_b=ways[1]) is z
    close(z if kind == "numpy" else z.get(), op[ways[0]](a), op[ways[1]](b), dtype, alpha, beta, c)


def test_gemm_has_the_manners_of_the_blas():
    nan = gpucompute.full((3, 3), numpy.nan, "float32")
    one = gpucompute.ones((3, 3), "float32")
    assert gpucompute.gemm(1, one, one, 0, nan.copy()).tolist() == [[3.0] * 3] * 3  # c is not read
    assert gpucompute.gemm(0, nan, nan, 2, one.copy()).tolist() == [[2.0] * 3] * 3  # a and b are not
    with pytest.raises(gpucompute.ArgumentError, match="alpha_imag"):
        gpucompute.gemm(1j, one, one, 0, one.copy())
    with pytest.raises(gpucompute.ArgumentError, match="transpose_a"):
        gpucompute.gemm(1, one, one, 0, one.copy(), transpose_a="X")
    with pytest.raises(gpucompute.ArgumentError, match="no such"):
        gpucompute.gemm(1, one, one, 0, one.copy(), backend="no such")
    with pytest.raises(gpucompute.ArgumentError, match="compute"):
        gpucompute.matmul(one, one, compute="fast")
    with pytest.raises(gpucompute.ArgumentError, match="dimensions"):
        gpucompute.gemm(1, one, one[0], 0, one.copy())
    batch = gpucompute.zeros((4, 3, 3), "float32")
    gpucompute.gemm(2, one, one, 1, batch)
    assert batch.tolist() == [[[6.0] * 3] * 3] * 4
    assert gpucompute.matmul(one, one, backend="reference").tolist() == [[3.0] * 3] * 3


def test_two_queues():
    one, two = gpucompute.Queue(), gpucompute.Queue()
    for _ in range(5):
        a = gpucompute.full((100, 100), 2, "float32", queue=one)
        b = gpucompute.ones((100, 100), "float32", queue=two)
        assert (a @ b).get()[3, 4] == 200
    other = gpucompute.Context(gpucompute.default_device())
    with pytest.raises(gpucompute.ContextMismatch):
        a @ gpucompute.ones((100, 100), "float32", queue=other)
