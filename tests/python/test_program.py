"""Programs."""
import gc

import numpy
import pytest
from conftest import SOURCE, array_of, buffer_of

import gpucompute
from gpucompute.program import define_value

ONE = "kernel void set(global int *x) { x[get_global_id(0)] = VALUE; }"


def value_of(program):
    buffer = gpucompute.Buffer(4, program.context)
    program.set(program.context.queue, 1, None, buffer)
    return int(array_of(buffer, numpy.int32)[0])


def test_owners(context, queue):
    for owner in (None, context, queue, context.device):
        program = gpucompute.Program(owner, ONE).build(defines={"VALUE": 5})
        assert value_of(program) == 5
    assert gpucompute.Program(ONE).context is context
    assert gpucompute.Program(source=ONE).context is context


def test_sources_are_joined_and_headers_found():
    program = gpucompute.Program(['#include "value.h"\n', b"#define VALUE (H + 1)\n", ONE], headers={"value.h": "#define H 41\n"})
    assert value_of(program) == 42 and program.kernel_names == ("set",)


@pytest.mark.parametrize("options", ["-DVALUE=7 -cl-fast-relaxed-math", ["-DVALUE=7", "-cl-fast-relaxed-math"], ("-DVALUE=7",)])
def test_options(options):
    assert value_of(gpucompute.Program(ONE).build(options)) == 7


def test_lazily_built():
    program = gpucompute.Program(SOURCE)
    assert not program.built and "not built" in repr(program)
    assert program.add.name == "add" and program.built
    assert program.kernel_names == ("accumulate", "add", "ids", "reverse")
    assert "add" in repr(program) and "add" in dir(program)
    with pytest.raises(gpucompute.StateError, match="built already"):
        program.build()


def test_kernels_are_kept():
    program = gpucompute.Program(SOURCE)
    kernel = program.add
    assert program.add is kernel and program["add"] is kernel and program.kernel("add") is kernel
    kernel.close()
    assert program.add is not kernel and not program.add.closed


def test_kernels_that_are_not_there(program):
    with pytest.raises(AttributeError, match="nothing.*accumulate"):
        program.nothing
    with pytest.raises(gpucompute.NotFound, match="nothing"):
        program["nothing"]
    with pytest.raises(LookupError):
        program["nothing"]
    with pytest.raises(TypeError, match="name"):
        program[5]
    with pytest.raises(gpucompute.ArgumentError, match="NUL"):
        program["a\0b"]
    assert not hasattr(program, "_private") and not hasattr(program, "__gpuc_buffer__")


def test_a_kernel_whose_name_is_taken():
    program = gpucompute.Program("kernel void build(global int *x) { x[0] = 3; }")
    buffer = gpucompute.Buffer(4)
    program["build"](None, 1, None, buffer)
    assert array_of(buffer, numpy.int32)[0] == 3


@pytest.mark.parametrize("args, kwargs, match", [((), {}, "got none"), ((), {"source": ONE, "binary": b"x"}, "got source and binary"),
                                                 ((), {"binary": b"x", "spirv": b"y"}, "binary and spirv")])
def test_one_source(args, kwargs, match):
    with pytest.raises(gpucompute.ArgumentError, match=match):
        gpucompute.Program(*args, **kwargs)


@pytest.mark.parametrize("make, error, match", [
    (lambda: gpucompute.Program(source=5), TypeError, "source must be a text"),
    (lambda: gpucompute.Program([ONE, 5]), TypeError, "source must be a text"),
    (lambda: gpucompute.Program(ONE, headers={"a": 5}), TypeError, "header 'a'"),
    (lambda: gpucompute.Program(ONE, headers={5: "a"}), TypeError, "name of a header"),
    (lambda: gpucompute.Program(binary="text"), TypeError, "binary must be bytes"),
    (lambda: gpucompute.Program(ONE).build(options=5), TypeError, "options"),
    (lambda: gpucompute.Program(ONE).build(options=["-DA", 5]), TypeError, "options"),
    (lambda: gpucompute.Program(ONE).build(options="-DA\0"), gpucompute.ArgumentError, "NUL"),
    (lambda: gpucompute.Program(ONE).build(defines=["A"]), TypeError, "defines must be a dict"),
    (lambda: gpucompute.Program(ONE).build(defines={"A": object()}), TypeError, "define 'A'"),
    (lambda: gpucompute.Program(ONE).build(defines={5: 1}), TypeError, "name of a define"),
    (lambda: gpucompute.Program(ONE).build(defines={"not a name": 1}), gpucompute.ArgumentError, "not a name"),
])
def test_bad_arguments(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize("value, text", [
    (3, "3"), (-3, "(-3)"), (2**40, str(2**40) + "L"), (True, "1"), (False, "0"), (None, None), ("x + 1", "x + 1"), (0.5, "0.5"),
    (-0.5, "(-0.5)"), (float("inf"), "INFINITY"), (float("-inf"), "(-INFINITY)"), (float("nan"), "NAN"),
    (numpy.float32(0.5), "0.5f"), (numpy.float64(0.5), "0.5"), (numpy.float16(2), "2.0f"), (numpy.uint32(7), "7u"), (numpy.int64(7), "7L"),
    (numpy.uint64(7), "7uL"), (numpy.int32(-7), "(-7)"), (numpy.bool_(True), "1")])
def test_defines(value, text):
    assert define_value("A", value) == text


def test_defines_reach_the_compiler():
    source = """kernel void set(global double *x) { x[0] = A; x[1] = B; x[2] = C; x[3] = -D; x[4] = sizeof(E); x[5] = F;
    #ifdef G
    x[6] = 1;
    #endif
    }"""
    if not gpucompute.default_device().capabilities.fp64:
        pytest.skip("the device has no double")
    program = gpucompute.Program(source).build(defines={"A": 0.1, "B": -2, "C": 2**40, "D": -1e300, "E": numpy.uint64(1), "F": True, "G": None})
    buffer = gpucompute.Buffer(56)
    program.set(None, 1, None, buffer)
    assert list(array_of(buffer, numpy.float64)) == [0.1, -2, 2**40, 1e300, 8, 1, 1]


def test_binaries(context):
    if len(context.devices) > 1:
        pytest.skip("binaries are for contexts of one device")
    program = gpucompute.Program(context, ONE).build(defines={"VALUE": 11})
    binary = program.binary()
    assert binary and binary == program.binary(context.device)
    again = gpucompute.Program(context, binary=binary)
    assert value_of(again) == 11
    with pytest.raises(gpucompute.Error):
        gpucompute.Program(context, binary=b"not a binary").build()


def test_spirv_where_there_is_none(context):
    if context.device.capabilities.spirv:
        pytest.skip("the device takes SPIR-V")
    with pytest.raises(gpucompute.Unsupported):
        gpucompute.Program(context, spirv=b"\x03\x02\x23\x07" + bytes(16)).build()


def test_log_and_cache(context):
    source = f"kernel void unique_{abs(hash(object()))}(global int *x) {{ x[0] = 1; }}"
    first = gpucompute.Program(source).build()
    assert not first.from_cache and isinstance(first.build_log(), str)
    statistics = gpucompute.cache.statistics()
    second = gpucompute.Program(source).build()
    if gpucompute.cache.directory():
        assert second.from_cache and gpucompute.cache.statistics().hits == statistics.hits + 1
    third = gpucompute.Program(source, cache=False).build()
    assert not third.from_cache
    with pytest.raises(gpucompute.StateError, match="closed"):
        device = gpucompute.Device(0)
        device.close()
        third.build_log(device)


def test_closed(context):
    program = gpucompute.Program(SOURCE)
    kernel = program.add
    program.close()
    program.close()
    assert program.closed and not program.built and "closed" in repr(program)
    for use in (lambda: program.kernel_names, lambda: program["add"], program.build, program.binary, lambda: program.int_ptr):
        with pytest.raises(gpucompute.StateError, match="this Program is closed"):
            use()
    assert kernel.program.kernel_names == ("accumulate", "add", "ids", "reverse")  # the kernel keeps it alive
    unbuilt = gpucompute.Program(SOURCE)
    unbuilt.close()
    assert unbuilt.closed
    with pytest.raises(gpucompute.StateError, match="closed"):
        unbuilt.build()


def test_a_failed_build_can_be_tried_again():
    program = gpucompute.Program("kernel void f(global int *x) { x[0] = VALUE; }")
    with pytest.raises(gpucompute.BuildError):
        program.build()
    program.build(defines={"VALUE": 1})
    assert program.kernel_names == ("f",)


def test_programs_and_kernels_go_without_a_collector():
    gc.disable()
    try:
        import weakref

        program = gpucompute.Program(SOURCE)
        kernel = weakref.ref(program.add)
        ref = weakref.ref(program)
        del program
        assert ref() is None and kernel() is None
    finally:
        gc.enable()


def test_from_int_ptr(context, program):
    same = gpucompute.Program.from_int_ptr(program.int_ptr)
    assert same.kernel_names == program.kernel_names
    x = buffer_of(numpy.arange(4, dtype=numpy.uint32), context)
    same.accumulate(context.queue, 4, None, x, 5)
    assert list(array_of(x, numpy.uint32)) == [5, 6, 7, 8]
