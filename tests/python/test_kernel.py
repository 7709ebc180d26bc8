"""Kernels: signatures, arguments, launches."""
import ctypes
import re

import numpy
import pytest
from conftest import array_of, buffer_of
from hypothesis import given, settings
from hypothesis import strategies as st

import gpucompute
from gpucompute import LocalMemory, _pack, _types

INTEGERS = {"char": numpy.int8, "uchar": numpy.uint8, "short": numpy.int16, "ushort": numpy.uint16, "int": numpy.int32, "uint": numpy.uint32,
            "long": numpy.int64, "ulong": numpy.uint64}
SCALARS = "\n".join(f"kernel void put_{name}({name} value, global {name} *out) {{ out[get_global_id(0)] = value; }}" for name in
                    (*INTEGERS, "float"))
VECTORS = """
typedef struct { int i; float f; } pair;
kernel void vector(float4 v, global float *out) { out[0] = v.x; out[1] = v.y; out[2] = v.z; out[3] = v.w; }
kernel void vector3(float3 v, global float *out) { out[0] = v.x; out[1] = v.y; out[2] = v.z; }
kernel void complex_(float2 v, global float *out) { out[0] = v.x; out[1] = v.y; }
kernel void structure(pair p, global float *out) { out[0] = p.i; out[1] = p.f; }
kernel void constants(constant float *c, global float *out) { out[get_global_id(0)] = 2 * c[get_global_id(0)]; }
kernel void is_null(global float *p, global uint *out) { out[0] = p == 0; }
kernel void pointers(global float4 *v, global ushort *h, global uint *out) { out[0] = 1; }
kernel void bytes(global uchar *b, global char *c) { }
kernel void nothing() { }
"""


@pytest.fixture(scope="module")
def scalars():
    return gpucompute.Program(SCALARS).build()


@pytest.fixture(scope="module")
def vectors():
    return gpucompute.Program(VECTORS).build()


class FakeArray:
    """What a kernel wants of an array."""

    def __init__(self, array, contiguous=True):
        self.dtype = array.dtype
        self.buffer = buffer_of(array)
        self.__gpuc_buffer__ = (self.buffer, array.dtype, contiguous)
        self.__gpuc_arg__ = _pack.buffer(self.buffer._ptr, _types.type_number(array.dtype), contiguous)


def test_signature(program):
    kernel = program.reverse
    assert kernel.name == "reverse" and [p.space for p in kernel.parameters] == ["global", "global", "local"]
    n = program.add.parameters[3]
    assert (n.index, n.text, n.space, n.type_name, n.size) == (3, "uint n", "private", "uint32", 4)
    assert str(n) == "argument 3 'n' of kernel 'add' (uint)" and "uint n" in repr(n)
    assert "reverse(global" in repr(kernel) and kernel.program.kernel_names == program.kernel_names
    info = kernel.info()
    assert info.max_work_group_size > 0 and info.preferred_multiple > 0 and info.required_size is None
    assert kernel.info(kernel.context.device).max_work_group_size == info.max_work_group_size and "preferred" in repr(info)
    fixed = gpucompute.Program("kernel __attribute__((reqd_work_group_size(8, 2, 1))) void f(global int *x) { x[0] = 1; }").f
    assert fixed.info().required_size == (8, 2, 1)


@pytest.mark.parametrize("launch", ["call", "event", "brackets", "brackets with an event", "waits", "default queue", "context"])
def test_ways_to_launch(program, queue, rng, launch):
    x, y = (rng.standard_normal(777, dtype=numpy.float32) for _ in range(2))
    a, b, c = buffer_of(x), buffer_of(y), gpucompute.Buffer(x.nbytes)
    poison = c.fill(0xFF)
    args = (a, b, c, x.size)
    kernel = program.add
    if launch == "call":
        assert kernel(queue, 777, None, *args) is None
    elif launch == "event":
        event = kernel(queue, (777,), None, *args, event=True)
        event.wait()
        assert event.done
    elif launch == "brackets":
        assert kernel[777, None](*args) is None and kernel[777](*args) is None
    elif launch == "brackets with an event":
        kernel[(777,), (7,)](*args, event=True, queue=queue).wait()
    elif launch == "waits":
        kernel(queue, 777, None, *args, waits=[poison])
    elif launch == "default queue":
        kernel(None, 777, None, *args)
    else:
        kernel(kernel.context, 777, None, *args)
    assert numpy.array_equal(array_of(c, numpy.float32), x + y)


def test_sizes(program, queue):
    kernel = program.ids
    for gsize, lsize in ((12, None), ((12,), (4,)), ([3, 4], None), ((3, 4), (3, 2)), ((3, 4, 5), None), ((4, 4, 2), [2, 2, 2]),
                         (numpy.int64(6), numpy.int32(3))):
        sizes = (gsize,) if not hasattr(gsize, "__len__") else tuple(gsize)
        full = tuple(int(n) for n in sizes) + (1,) * (3 - len(sizes))
        out = gpucompute.Buffer(4 * int(numpy.prod(full)))
        out.fill(0)
        kernel(queue, gsize, lsize, out)
        z, y, x = numpy.indices(full[::-1])
        assert numpy.array_equal(array_of(out, numpy.uint32), (x + 100 * y + 10000 * z + 1).ravel())


def test_nothing_runs_for_size_0(program, queue):
    buffer = buffer_of(numpy.zeros(4, numpy.uint32))
    program.accumulate(queue, 0, None, buffer, 1)
    program.accumulate[(4, 0), None](buffer, 1)
    assert not array_of(buffer, numpy.uint32).any()


def test_offset_and_rounding(program, queue):
    buffer = buffer_of(numpy.zeros(16, numpy.uint32))
    program.accumulate(queue, 4, None, buffer, 1, offset=8)
    assert list(array_of(buffer, numpy.uint32)) == [0] * 8 + [1] * 4 + [0] * 4
    with pytest.raises(gpucompute.ArgumentError, match="multiple"):
        program.accumulate(queue, 10, 8, buffer, 1)
    program.accumulate(queue, 10, 8, buffer, 1, round_up=True)
    assert list(array_of(buffer, numpy.uint32)) == [1] * 8 + [2] * 4 + [1] * 4
    program.accumulate[10, 8](buffer, 1, round_up=True, offset=(0,))


@pytest.mark.parametrize("gsize, lsize, kwargs, error, match", [
    (-1, None, {}, gpucompute.ArgumentError, "gsize is -1"), ((), None, {}, gpucompute.ArgumentError, "gsize has 0"),
    ((1, 2, 3, 4), None, {}, gpucompute.ArgumentError, "gsize has 4"), (1.5, None, {}, TypeError, "gsize must be"),
    ("12", None, {}, TypeError, "gsize must be integers"), (None, None, {}, TypeError, "gsize"), (4, (2, 2), {}, gpucompute.ArgumentError, "lsize has 2"),
    ((4, 4), 2, {}, gpucompute.ArgumentError, "lsize has 1"), (4, 3, {}, gpucompute.ArgumentError, "multiple"),
    (4, 0, {}, gpucompute.ArgumentError, "lsize is 0, must be more"), (4, None, {"offset": -1}, gpucompute.ArgumentError, "offset is -1"), (2**64, None, {}, gpucompute.ArgumentError, "64 bits"),
    ((2**63, 4), None, {}, gpucompute.ArgumentError, None), (2**62, 2**61, {}, gpucompute.ArgumentError, None),
    (4, None, {"offset": (1, 2)}, gpucompute.ArgumentError, "offset has 2"), (4, None, {"waits": 5}, TypeError, None),
    (4, None, {"wait": 5}, TypeError, "wait")])
def test_sizes_that_are_none(program, queue, gsize, lsize, kwargs, error, match):
    with pytest.raises(error, match=match):
        program.accumulate(queue, gsize, lsize, gpucompute.Buffer(64), 1, **kwargs)


@pytest.mark.parametrize("bad, error", [("queue", TypeError), (5, TypeError)])
def test_queues_that_are_none(program, bad, error):
    with pytest.raises(error, match="queue must be"):
        program.accumulate(bad, 4, None, gpucompute.Buffer(64), 1)


def test_a_queue_of_another_context(program):
    other = gpucompute.Context()
    with pytest.raises(gpucompute.ContextMismatch):
        program.accumulate(other.queue, 4, None, gpucompute.Buffer(64), 1)
    with pytest.raises(gpucompute.ContextMismatch):
        program.accumulate(None, 4, None, gpucompute.Buffer(64, other), 1)


# ---- numbers ----

def put(scalars, name, value):
    dtype = INTEGERS.get(name, numpy.float32)
    out = gpucompute.Buffer(numpy.dtype(dtype).itemsize)
    results = []
    for queue in (gpucompute.default_queue(), None):  # the fast way, and the other
        out.fill(0xAA)
        scalars[f"put_{name}"](queue, 1, None, value, out)
        results.append(array_of(out, dtype)[0])
    assert results[0].tobytes() == results[1].tobytes()
    return results[0]


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(INTEGERS)), value=st.one_of(st.integers(-2**65, 2**65), st.integers(-200, 300)),
       kind=st.sampled_from(["python", "numpy"]))
def test_integers_arrive_or_are_refused(scalars, name, value, kind):
    if kind == "numpy" and -2**63 <= value < 2**64:
        value = (numpy.int64 if value < 2**63 else numpy.uint64)(value)
    info = numpy.iinfo(INTEGERS[name])
    if info.min <= int(value) <= info.max:
        assert int(put(scalars, name, value)) == int(value)
    else:
        with pytest.raises(gpucompute.KernelArgumentError, match=rf"argument 0 'value' of kernel 'put_{name}' \({name}\) is {int(value)}, must be"):
            put(scalars, name, value)


@settings(max_examples=100, deadline=None)
@given(value=st.floats(allow_nan=True, allow_infinity=True), kind=st.sampled_from([float, numpy.float64, numpy.float32, numpy.float16]))
def test_floats_arrive_or_are_refused(scalars, value, kind):
    with numpy.errstate(over="ignore"):
        given_, narrow = kind(value), numpy.float32(kind(value))
    if numpy.isinf(narrow) and not numpy.isinf(float(given_)):
        with pytest.raises(gpucompute.KernelArgumentError, match="too large for a float"):
            put(scalars, "float", given_)
    else:
        result = put(scalars, "float", given_)
        assert result == narrow or (numpy.isnan(result) and numpy.isnan(narrow))


def test_other_numbers(scalars):
    assert put(scalars, "float", 3) == 3 and put(scalars, "float", True) == 1 and put(scalars, "float", numpy.int64(2**24 + 1)) == 2**24
    assert put(scalars, "int", True) == 1 and put(scalars, "uchar", numpy.bool_(True)) == 1 and put(scalars, "int", numpy.array(5)) == 5
    with pytest.raises(gpucompute.KernelArgumentError, match="too large"):
        put(scalars, "float", 10**400)


@pytest.mark.parametrize("value, match", [
    (1.0, "takes an integer, got 1.0"), (numpy.float32(1), "takes an integer"), ("1", "takes an integer, got '?a? ?str"), (None, "got None"),
    (1j, "takes an integer"), (numpy.array([1]), "takes an integer.*item"), (numpy.array([1, 2]), "takes an integer"), ([1], "a list"),
    (LocalMemory(4), "LocalMemory")])
def test_what_is_no_integer(scalars, value, match):
    with pytest.raises(gpucompute.KernelArgumentError, match=match) as info:
        put(scalars, "int", value)
    assert isinstance(info.value, TypeError) and info.value.status == 210


@pytest.mark.parametrize("value", ["1", None, 1j, numpy.complex64(1), numpy.array([1.0, 2.0]), [1.0], b"abcd"])
def test_what_is_no_number(scalars, value):
    with pytest.raises(gpucompute.KernelArgumentError, match="takes a number, got"):
        put(scalars, "float", value)


def test_a_buffer_for_a_number(scalars):
    with pytest.raises(gpucompute.KernelArgumentError, match="device memory: the kernel declares no pointer here"):
        put(scalars, "int", gpucompute.Buffer(4))


def test_doubles():
    if not gpucompute.default_device().capabilities.fp64:
        pytest.skip("the device has no double")
    kernel = gpucompute.Program("kernel void f(double v, global double *out) { out[0] = v; }").f
    out = gpucompute.Buffer(8)
    for value in (0.1, 1e308, -0.0, float("inf"), numpy.float32(0.1), 2**53 + 1):
        kernel(None, 1, None, value, out)
        assert array_of(out, numpy.float64)[0] == numpy.float64(value)
    with pytest.raises(gpucompute.KernelArgumentError, match="too large for a double"):
        kernel(None, 1, None, 10**400, out)


# ---- memory ----

def test_memory_that_is_none(program, queue, rng):
    x = rng.standard_normal(4, dtype=numpy.float32)
    a = buffer_of(x)
    kernel = program.add
    cases = [
        ((x, a, a, 4), r"argument 0 'x' of kernel 'add' \(global float\*\) takes a buffer, got a numpy.ndarray of float32, which is host memory"),
        ((a, [1.0], a, 4), "argument 1 'y'.*host memory"),
        ((a, a, 5, 4), "argument 2 'z'.*takes a buffer, got 5"),
        ((a, a, LocalMemory(4), 4), "argument 2 'z'.*LocalMemory, which is for local pointers"),
        ((a, a, a), r"kernel 'add' takes 4 arguments \(global float\* x, .*uint n\), got 3"),
        ((a, a, a, 4, 5), "takes 4 arguments.*got 5"),
        ((), "takes 4 arguments.*got 0"),
    ]
    for args, match in cases:
        for launch in (lambda *args: kernel(queue, 4, None, *args), kernel[4], lambda *args: kernel(queue, 4, None, *args, event=True)):
            with pytest.raises(gpucompute.KernelArgumentError, match=match):
                launch(*args)


def test_a_closed_buffer(program, queue):
    a = gpucompute.Buffer(64)
    a.close()
    with pytest.raises(gpucompute.ArgumentError, match="closed"):
        program.accumulate(queue, 4, None, a, 1)


def test_arrays(program, queue, rng):
    x, y = (rng.standard_normal(64, dtype=numpy.float32) for _ in range(2))
    a, b, c = FakeArray(x), FakeArray(y), FakeArray(numpy.zeros_like(x))
    program.add(queue, 64, None, a, b, c, 64)
    assert numpy.array_equal(array_of(c.buffer, numpy.float32), x + y)
    wrong = FakeArray(x.astype(numpy.float64))
    for args in ((wrong, b, c, 64), (a, b, wrong, 64)):
        with pytest.raises(gpucompute.KernelArgumentError, match=r"points to float, got an array of float64: pass \.astype\('float32'\).*view"):
            program.add(queue, 64, None, *args)
    strided = FakeArray(x, contiguous=False)
    with pytest.raises(gpucompute.KernelArgumentError, match=r"argument 0 'x'.*strided view: pass \.copy\(\)"):
        program.add(queue, 64, None, strided, b, c, 64)


def test_which_element_types_fit(vectors):
    out = FakeArray(numpy.zeros(1, numpy.uint32))
    plain = gpucompute.Buffer(64)
    vectors.pointers(None, 1, None, plain, plain, out)
    vectors.pointers(None, 1, None, FakeArray(numpy.zeros(4, numpy.float32)), FakeArray(numpy.zeros(4, numpy.float16)), out)  # half as ushort
    assert array_of(out.buffer, numpy.uint32)[0] == 1
    def named(name, size):
        array = FakeArray(numpy.zeros(8, f"uint{8 * size}"))
        array.__gpuc_buffer__ = (array.buffer, name, True)
        array.__gpuc_arg__ = _pack.buffer(array.buffer._ptr, _types.type_number(name), True)
        return array

    vectors.pointers(None, 1, None, plain, named("bfloat16", 2), out)
    for name in ("float8_e4m3fn", "float8_e5m2"):
        vectors.bytes(None, 1, None, named(name, 1), plain)
        for args in ((plain, named(name, 1)), (named("bfloat16", 2), plain)):
            for queue in (None, gpucompute.default_queue()):
                with pytest.raises(gpucompute.KernelArgumentError, match="points to u?char"):
                    vectors.bytes(queue, 1, None, *args)
    with pytest.raises(gpucompute.KernelArgumentError, match="points to ushort, got an array of int16"):
        vectors.pointers(None, 1, None, plain, FakeArray(numpy.zeros(4, numpy.int16)), out)


def test_null_and_constant(vectors):
    out = buffer_of(numpy.zeros(4, numpy.uint32))
    if gpucompute.default_device().platform.name != "NVIDIA CUDA":
        vectors.is_null(None, 1, None, None, out)
        assert array_of(out, numpy.uint32)[0] == 1
    vectors.is_null(None, 1, None, out, out)
    assert array_of(out, numpy.uint32)[0] == 0
    values = numpy.arange(8, dtype=numpy.float32)
    result = gpucompute.Buffer(32)
    vectors.constants(None, 8, None, buffer_of(values), result)
    assert numpy.array_equal(array_of(result, numpy.float32), 2 * values)


def test_local_memory(program, queue):
    values = numpy.arange(64, dtype=numpy.int32)
    out = gpucompute.Buffer(values.nbytes)
    program.reverse(queue, 64, 16, buffer_of(values), out, LocalMemory(64))
    assert numpy.array_equal(array_of(out, numpy.int32), values.reshape(4, 16)[:, ::-1].ravel())
    assert repr(LocalMemory(64)) == "LocalMemory(64)"
    for bad, match in ((64, r"pass gpucompute.LocalMemory\(64\)"), (buffer_of(values), "got a gpucompute.*Buffer"), (None, "None"),
                       (LocalMemory(0), "is 0"), (LocalMemory(2**40), "local memory")):
        with pytest.raises(gpucompute.KernelArgumentError, match=match):
            program.reverse(queue, 64, 16, out, out, bad)
    with pytest.raises(gpucompute.ArgumentError):
        LocalMemory(-1)


def test_vectors_and_structures(vectors):
    out = gpucompute.Buffer(16)
    four = numpy.array([1, 2, 3, 4], numpy.float32)
    for value in (four, four.tobytes(), memoryview(four), bytearray(four.tobytes()), (ctypes.c_float * 4)(1, 2, 3, 4)):
        out.fill(0)
        vectors.vector(None, 1, None, value, out)
        assert list(array_of(out, numpy.float32)) == [1, 2, 3, 4]
    vectors.vector3(None, 1, None, four, out)
    vectors.complex_(None, 1, None, numpy.complex64(5 + 6j), out)
    assert list(array_of(out, numpy.float32)[:2]) == [5, 6]
    vectors.complex_(None, 1, None, 7 - 8j, out)
    assert list(array_of(out, numpy.float32)[:2]) == [7, -8]
    record = numpy.array((3, 0.5), dtype=[("i", numpy.int32), ("f", numpy.float32)])
    for value in (record, record[()], record.tobytes()):
        out.fill(0)
        vectors.structure(None, 1, None, value, out)
        assert list(array_of(out, numpy.float32)[:2]) == [3, 0.5]
    for bad, match in ((four[:3], "has 16 bytes, got 12"), (b"", "got 0"), (5, "takes 16 bytes"), (four[::2], "got 8|takes 16")):
        with pytest.raises(gpucompute.KernelArgumentError, match=match):
            vectors.vector(None, 1, None, bad, out)
    with pytest.raises(gpucompute.KernelArgumentError, match="vector of 3 takes the space of one of 4"):
        vectors.vector3(None, 1, None, four[:3].copy(), out)


def test_no_arguments(vectors):
    vectors.nothing(None, 4, None)
    assert vectors.nothing[4]() is None
    with pytest.raises(gpucompute.KernelArgumentError, match="takes 0 arguments"):
        vectors.nothing(None, 4, None, 5)


def test_a_misaligned_slice(program, queue):
    buffer = buffer_of(numpy.zeros(64, numpy.uint32))
    if gpucompute.default_device().slice_alignment_bytes > 4:
        with pytest.raises(gpucompute.ArgumentError, match="(?i)align|multiple"):
            program.accumulate(queue, 4, None, buffer.slice(4), 1)
    step = gpucompute.default_device().slice_alignment_bytes
    big = gpucompute.Buffer(4 * step)
    big.fill(0)
    program.accumulate(queue, 1, None, big.slice(step, 4), 9)
    assert array_of(big, numpy.uint32)[step // 4] == 9 and array_of(big, numpy.uint32).sum() == 9


def test_closed(program, queue):
    kernel = gpucompute.Kernel(program, "accumulate")
    kernel.close()
    assert kernel.closed and "closed" in repr(kernel)
    for use in (lambda: kernel(queue, 1, None, gpucompute.Buffer(4), 1), lambda: kernel[1], lambda: kernel.program, kernel.info,
                lambda: kernel.int_ptr, lambda: kernel(queue, 1, None, gpucompute.Buffer(4), 1, event=True)):
        with pytest.raises(gpucompute.StateError, match="this Kernel is closed"):
            use()


def test_what_takes_the_fast_way(context, queue, monkeypatch):
    """Sizes and numbers that are usual never see Python; all else does, once, and comes to the same."""
    source = """kernel void f(global long *out, local int *scratch, char i8, uint u32, ulong u64, float f32, int2 pair) {
      out[0] = i8; out[1] = u32; out[2] = (long)u64; out[3] = (long)(4 * f32); out[4] = pair.x + pair.y; out[5] = get_global_size(0);
      out[6] = get_local_size(0); out[7] = get_work_dim(); }"""
    kernel = gpucompute.Program(context, source).f
    assert isinstance(kernel, gpucompute.Kernel) and type(kernel).__name__ == "Kernel"
    checked, taken = type(kernel)._checked_call, []
    monkeypatch.setattr(type(kernel), "_checked_call", lambda *args, **options: (taken.append(args), checked(*args, **options))[1])
    out, scratch, pair = buffer_of(numpy.zeros(8, numpy.int64)), gpucompute.LocalMemory(16), numpy.array([3, 4], numpy.int32)

    def launch(gsize, lsize, *numbers):
        kernel(queue, gsize, lsize, out, scratch, *numbers, pair)
        return [int(v) for v in array_of(out, numpy.int64)]

    for gsize, lsize, work in ((4, 2, [4, 2, 1]), ((4,), (4,), [4, 4, 1]), ((4, 2), (2, 1), [4, 2, 2]), (numpy.int64(4), numpy.uint8(2), [4, 2, 1]),
                               ((numpy.int32(4), 1, 1), (1, 1, 1), [4, 1, 3])):
        assert launch(gsize, lsize, -128, 2**32 - 1, 2**63 - 1, 1.5) == [-128, 2**32 - 1, 2**63 - 1, 6, 7, *work]
    assert launch(4, None, True, numpy.uint8(3), 0, 2)[:4] == [1, 3, 0, 8]
    assert not taken
    assert launch([4], [2], 1, 2, 3, 0.5) == [1, 2, 3, 2, 7, 4, 2, 1] and len(taken) == 1
    assert launch(4, 2, 1, 2, 3, numpy.float32(0.5))[3] == 2
    del taken[:]
    assert launch(4, 2, 1, 2, 3, numpy.float32(2.5))[3] == 10 and not taken  # known by now
    for numbers, refused in (((128, 0, 0, 0.0), "128, must be -128 to 127"), ((-129, 0, 0, 0.0), "-129, must be"), ((0, -1, 0, 0.0), "-1, must be"),
                             ((0, 2**32, 0, 0.0), "4294967296, must be"), ((0, 0, -1, 0.0), "-1, must be"), ((0, 0, 2**64, 0.0), "must be 0 to"),
                             ((0, 0, 0, 1e39), "too large for a float"), ((0, 0, 0, 10**400), "too large"), ((0.0, 0, 0, 0.0), "takes an integer"),
                             ((0, 0, 0, 1j), "takes a number"), ((0, 0, 0, numpy.ones(1, "f4")), "takes a number")):
        with pytest.raises(gpucompute.KernelArgumentError, match=re.escape(refused)):
            launch(4, 2, *numbers)
    assert len(taken) == 11


@pytest.mark.parametrize("leave", (KeyboardInterrupt, SystemExit))
def test_what_is_no_error_passes_a_launch(program, queue, leave):
    class Leaves:
        def __index__(self):
            raise leave

    with pytest.raises(leave):
        program.accumulate(queue, 1, None, gpucompute.Buffer(4), Leaves())


def test_a_program_that_says_nothing_about_its_arguments(context, program, monkeypatch):
    """As some drivers' binaries do: then the arguments' own types count."""
    from gpucompute import _launch

    kernel = gpucompute.Kernel(program, "accumulate")
    for parameter in kernel._plan.parameters:
        parameter.kind, parameter.space, parameter.type, parameter.size = "unknown", "unknown", 0, 0
    kernel._plan.c_plan = None
    kernel.__class__ = gpucompute.Kernel
    buffer = buffer_of(numpy.zeros(4, numpy.uint32))
    kernel(None, 4, None, buffer, numpy.uint32(7))
    assert list(array_of(buffer, numpy.uint32)) == [7] * 4
    kernel[4](buffer, numpy.uint32(1).tobytes())
    assert list(array_of(buffer, numpy.uint32)) == [8] * 4
    with pytest.raises(gpucompute.KernelArgumentError, match="numpy.int32"):
        kernel(None, 4, None, buffer, 7)
    assert _launch.REFUSED == -1


def test_int_ptr(program, queue):
    kernel = program.accumulate
    assert kernel.int_ptr == kernel.int_ptr != 0
    same = gpucompute.Kernel.from_int_ptr(kernel.int_ptr)
    buffer = buffer_of(numpy.zeros(4, numpy.uint32))
    same(queue, 4, None, buffer, 3)
    assert same.name == "accumulate" and list(array_of(buffer, numpy.uint32)) == [3] * 4


def test_many_parameters():
    def source(count):
        declared = ", ".join(f"uchar p{i}" for i in range(count))
        total = " + ".join(f"(uint)p{i} * {i + 1}" for i in range(count))
        return f"kernel void f(global uint *out, {declared}) {{ out[0] = {total}; }}"

    out = gpucompute.Buffer(4)
    values = [(7 * i) % 256 for i in range(100)]
    gpucompute.Program(source(100)).f(None, 1, None, out, *values)
    assert array_of(out, numpy.uint32)[0] == sum((i + 1) * v for i, v in enumerate(values))
    with pytest.raises(gpucompute.Unsupported, match="takes 257 arguments, this package passes 256 at most"):
        gpucompute.Program(source(256)).kernel("f")
