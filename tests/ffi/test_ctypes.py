"""The C ABI from Python's ctypes: layouts, a vector add, matrix products, messages, threads, fork() and exit()."""
import ctypes
import os
import re
import subprocess
import sys
import textwrap
import threading

import binding
import numpy as np
import pytest

VECTOR_ADD = """
kernel void add(global const float *a, global const float *b, global float *c, float scale) {
  size_t i = get_global_id(0);
  c[i] = a[i] + scale * b[i];
}"""


def pointer(array):
    return array.ctypes.data


def upload(lib, context, queue, array):
    buffer = lib.give("buffer_create", context, array.nbytes, 0)
    lib.buffer_write(buffer, queue, 0, array.nbytes, pointer(array))
    return buffer


@pytest.fixture
def proque(lib):
    made = lib.proque(VECTOR_ADD, size=1000)
    yield made
    lib.gpuc_proque_release(made)


@pytest.fixture
def context(lib):
    made = lib.give("context_create", None, 0)
    yield made
    lib.gpuc_context_release(made)


@pytest.fixture
def queue(lib, context):
    made = lib.give("queue_create", context, None, 0)
    yield made
    lib.gpuc_queue_release(made)


# ---- declarations --------------------------------------------------------------------------------------------------


def test_every_declared_function_is_there(lib):
    functions, constants = binding.declarations()
    assert len(functions) > 100 and len(constants) > 100
    exports = (binding.ROOT / "capi" / "abi" / "exports.txt").read_text()
    assert set(functions) == set(re.findall(r"^(gpuc_\w+)", exports, re.M))


def test_structures_are_laid_out_as_in_c():
    frozen = (binding.ROOT / "capi" / "abi" / "layout.c").read_text()
    checked = set()
    for name, size in re.findall(r"^SIZE\((\w+), (\d+)\);", frozen, re.M):
        assert ctypes.sizeof(binding.STRUCTURES[name]) == int(size), name
        checked.add(name)
    for name, member, offset in re.findall(r"^AT\((\w+), (\w+), (\d+)\);", frozen, re.M):
        assert getattr(binding.STRUCTURES[name], member).offset == int(offset), f"{name}.{member}"
    assert checked == set(binding.STRUCTURES)


@pytest.mark.parametrize("name", ["launch", "rect", "program_desc", "proque_options", "gemm_desc", "profile_options",
                                  "array_view", "matmul_options", "tune_options"])
def test_init_sets_the_size_and_refuses_a_wrong_one(lib, name):
    made = lib.structure(name)
    assert made.struct_size == ctypes.sizeof(made)
    with pytest.raises(binding.GpucError) as refused:
        getattr(lib, name + "_init")(ctypes.byref(made), 4)
    assert refused.value.status == lib.GPUC_ERROR_INVALID_ARGUMENT
    assert "struct_size" in refused.value.message


def test_version(lib):
    major, minor, patch = map(int, lib.gpuc_version_string().decode().split("."))
    assert lib.gpuc_version() == major * 1000000 + minor * 1000 + patch


# ---- real work -----------------------------------------------------------------------------------------------------


def test_vector_add_by_proque(lib, proque):
    a, b = np.arange(1000, dtype=np.float32), np.random.default_rng(1).random(1000, np.float32)
    c = np.empty_like(a)
    buffers = [lib.give("proque_create_buffer", proque, lib.GPUC_TYPE_F32) for _ in range(3)]
    lib.proque_write(proque, buffers[0], pointer(a))
    lib.proque_write(proque, buffers[1], pointer(b))
    args = lib.arguments(*(("buffer", buffer) for buffer in buffers), ("f32", 0.5))
    lib.proque_launch(proque, b"add", args, 4, None, 0, None)
    lib.proque_read(proque, buffers[2], pointer(c))
    np.testing.assert_array_equal(c, a + np.float32(0.5) * b)
    for buffer in buffers:
        lib.gpuc_buffer_release(buffer)


def test_vector_add_step_by_step(lib, context, queue):
    """Every kind of argument, events, a slice, and a global size that is rounded up."""
    source = b"""
    kernel void add(global const float *a, global const float *b, global float *c, float4 scale, local float *scratch,
                    global float *nothing, uint count) {
      size_t i = get_global_id(0);
      scratch[get_local_id(0)] = nothing ? -1 : scale.y;
      if (i < count) c[i] = a[i] + scratch[get_local_id(0)] * b[i];
    }"""
    count = 1001
    program = lib.give("program_create_from_source", context, source, len(source), None)
    assert lib.text("program_get_kernel_names", program) == "add"
    kernel = lib.give("kernel_create", program, b"add")
    assert lib.number("kernel_get_arg_count", kernel, kind=ctypes.c_size_t) == 7
    a, b = np.arange(count, dtype=np.float32), np.ones(count, np.float32)
    whole = lib.give("buffer_create", context, 3 * 8192, 0)
    slices = [lib.give("buffer_slice", whole, 8192 * i, a.nbytes) for i in range(3)]
    assert lib.number("buffer_get_offset", slices[2], kind=ctypes.c_size_t) == 16384
    written = (ctypes.c_void_p * 2)(*(
        lib.give("buffer_write_async", part, queue, 0, array.nbytes, pointer(array), None, 0)
        for part, array in zip(slices, (a, b))))
    launch = lib.structure("launch", flags=lib.GPUC_LAUNCH_ROUND_UP)
    getattr(launch, "global")[0] = count
    launch.local[0] = 16
    args = lib.arguments(*(("buffer", part) for part in slices), ("bytes", np.arange(4, 8, dtype=np.float32).tobytes()),
                         ("local", 64), ("null", None), ("u32", count))
    added = lib.give("kernel_launch", kernel, queue, ctypes.byref(launch), args, 7, written, 2)
    lib.event_wait_for(added, 600 * 10**9)
    assert lib.number("event_get_state", added, kind=ctypes.c_int32) == lib.GPUC_EVENT_COMPLETE
    c = np.zeros(count, np.float32)
    lib.buffer_read(slices[2], queue, 0, c.nbytes, pointer(c))
    np.testing.assert_array_equal(c, a + 5)
    for release, handles in ((lib.gpuc_buffer_release, [whole, *slices]), (lib.gpuc_event_release, [added, *written]),
                             (lib.gpuc_kernel_release, [kernel]), (lib.gpuc_program_release, [program])):
        for handle in handles:
            release(handle)


def test_program_desc_joins_sources_headers_and_defines(lib, context):
    header = b"#define SCALE (HALF_SCALE * 2)\n"
    first = b'#include "scale.h"\nfloat scaled(float x) { return SCALE * x; }\n'
    second = b"kernel void scale(global float *x) { x[get_global_id(0)] = scaled(x[get_global_id(0)]); }"
    sources = (binding.Text * 2)((b"first", first, len(first)), (b"second", second, binding.NUL_TERMINATED))
    headers = (binding.Text * 1)((b"scale.h", header, len(header)))
    defines = (binding.Define * 1)((b"HALF_SCALE", b"21"))
    desc = lib.structure("program_desc", sources=sources, source_count=2, headers=headers, header_count=1,
                         defines=defines, define_count=1)
    program = lib.give("program_create", context, ctypes.byref(desc))
    assert lib.text("program_get_kernel_names", program) == "scale"
    lib.gpuc_program_release(program)


def test_rectangles(lib, context, queue):
    """A 2 x 3 box of floats, from the middle of one matrix to the middle of another."""
    matrix = np.arange(48, dtype=np.float32).reshape(6, 8)
    buffer = upload(lib, context, queue, matrix)
    rect = lib.structure("rect", source_row_pitch_bytes=32, destination_row_pitch_bytes=20)
    rect.region[:] = 12, 2, 1
    rect.source_origin[:] = 8, 3, 0
    rect.destination_origin[:] = 4, 1, 0
    result = np.zeros((4, 5), np.float32)
    lib.buffer_read_rect(buffer, queue, ctypes.byref(rect), pointer(result))
    expected = np.zeros((4, 5), np.float32)
    expected[1:3, 1:4] = matrix[3:5, 2:5]
    np.testing.assert_array_equal(result, expected)
    lib.gpuc_buffer_release(buffer)


def test_map_is_memory_that_numpy_can_use(lib, context, queue):
    buffer = upload(lib, context, queue, np.zeros(64, np.float32))
    address = ctypes.c_void_p()
    lib.buffer_map(buffer, queue, lib.GPUC_MAP_READ | lib.GPUC_MAP_WRITE, 0, 256, ctypes.byref(address))
    view = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), (64,))
    view += 7
    lib.buffer_unmap_async(buffer, queue, address, None, 0, None)
    result = np.zeros(64, np.float32)
    lib.buffer_read(buffer, queue, 0, 256, pointer(result))
    assert (result == 7).all()
    lib.gpuc_buffer_release(buffer)


@pytest.mark.parametrize("backend", [None, b"reference"])
def test_gemm(lib, context, queue, backend):
    """C = 2 A^T B - C in row-major order, inside larger matrices, at an offset."""
    m, n, k = 37, 29, 53
    random = np.random.default_rng(2)
    a, b, c = (random.standard_normal(shape, np.float32) for shape in ((k, m + 3), (k, n + 1), (m + 1, n + 2)))
    buffers = [upload(lib, context, queue, matrix) for matrix in (a, b, c)]
    desc = lib.structure("gemm_desc", m=m, n=n, k=k, transpose_a=lib.GPUC_TRANSPOSE_TRANS, lda=m + 3, ldb=n + 1,
                         ldc=n + 2, c_offset=n + 2, alpha_real=2, beta_real=-1, backend=backend)
    explained = lib.text("gemm_explain", queue, ctypes.byref(desc))
    assert explained.startswith(backend.decode() if backend else "") and ": " in explained.splitlines()[0]
    lib.gemm(queue, ctypes.byref(desc), *buffers, None, 0, None)
    result = np.empty_like(c)
    lib.buffer_read(buffers[2], queue, 0, c.nbytes, pointer(result))
    expected = c.astype(np.float64)
    expected[1:, :n] = 2 * (a[:, :m].T.astype(np.float64) @ b[:, :n].astype(np.float64)) - expected[1:, :n]
    bound = (k + 4) * 2.0**-23 * (2 * (np.abs(a[:, :m].T) @ np.abs(b[:, :n])) + np.abs(c[1:, :n]))
    assert (np.abs(result - expected)[1:, :n] <= bound).all()
    np.testing.assert_array_equal(result[0], c[0])
    np.testing.assert_array_equal(result[1:, n:], c[1:, n:])
    for buffer in buffers:
        lib.gpuc_buffer_release(buffer)


def test_gemm_of_a_batch_of_complex_matrices(lib, context, queue):
    batch, n = 3, 8
    random = np.random.default_rng(3)
    a, b = ((random.standard_normal((batch, n, n)) + 1j * random.standard_normal((batch, n, n))).astype(np.complex64)
            for _ in range(2))
    c = np.full((batch, n, n), np.nan, np.complex64)  # with beta 0 it is not read
    buffers = [upload(lib, context, queue, matrix) for matrix in (a, b, c)]
    desc = lib.structure("gemm_desc", type=lib.GPUC_TYPE_C64, m=n, n=n, k=n, transpose_b=lib.GPUC_TRANSPOSE_CONJ,
                         batch_count=batch, a_stride=n * n, b_stride=n * n, c_stride=n * n, alpha_real=0, alpha_imag=1,
                         backend=b"reference")
    lib.gemm(queue, ctypes.byref(desc), *buffers, None, 0, None)
    lib.buffer_read(buffers[2], queue, 0, c.nbytes, pointer(c))
    np.testing.assert_allclose(c, 1j * (a @ b.conj().transpose(0, 2, 1)), rtol=0, atol=1e-4)
    for buffer in buffers:
        lib.gpuc_buffer_release(buffer)


def test_device_properties(lib):
    device = lib.give("device_select", None)
    name = lib.text("device_get_string", device, lib.GPUC_DEVICE_NAME)
    assert name and lib.number("device_get_number", device, lib.GPUC_DEVICE_COMPUTE_UNITS) > 0
    again = lib.give("device_select", lib.text("device_get_string", device, lib.GPUC_DEVICE_FILTER).encode())
    assert lib.text("device_get_string", again, lib.GPUC_DEVICE_NAME) == name
    with pytest.raises(binding.GpucError) as refused:  # the message lists the devices there are
        lib.give("device_select", b"no such device")
    assert refused.value.status == lib.GPUC_ERROR_NO_DEVICE and name in refused.value.message + refused.value.detail
    lib.gpuc_device_release(device)
    lib.gpuc_device_release(again)


def test_log_reaches_a_python_function(lib, context):
    lines = []
    callback = binding.LOG_CALLBACK(lambda user_data, level, message: lines.append((user_data, level, message)))
    lib.log_set(callback, 42, lib.GPUC_LOG_DEBUG)
    try:
        lib.gpuc_buffer_release(lib.give("buffer_create", context, 1 << 20, 0))
        freed = lib.number("context_trim", context)
    finally:
        lib.log_set(None, None, lib.GPUC_LOG_OFF)
    assert freed >= 1 << 20
    assert (42, lib.GPUC_LOG_DEBUG, b"trimmed %d bytes" % freed) in lines
    said = len(lines)
    lib.context_trim(context, None)
    assert len(lines) == said


# ---- failures ------------------------------------------------------------------------------------------------------


def fails(lib, status, pattern, name, *arguments):
    with pytest.raises(binding.GpucError) as raised:
        getattr(lib, name)(*arguments)
    assert raised.value.name == "GPUC_ERROR_" + status
    assert re.search(pattern, raised.value.message), raised.value.message
    assert "\n" not in raised.value.message
    return raised.value


def test_messages_say_what_was_wrong(lib, context, queue, proque):
    buffer = lib.give("buffer_create", context, 100, 0)
    host = ctypes.create_string_buffer(200)
    out = ctypes.c_void_p(1)
    fails(lib, "OUT_OF_RANGE", r"\b50\b.*\b60\b.*\b100\b", "buffer_write", buffer, queue, 50, 60, host)
    fails(lib, "NULL_ARGUMENT", "host", "buffer_read", buffer, queue, 0, 100, None)
    fails(lib, "INVALID_HANDLE", "queue", "buffer_read", buffer, None, 0, 100, host)
    fails(lib, "INVALID_ARGUMENT", "flags", "buffer_create", context, 100, 1 << 31, ctypes.byref(out))
    assert out.value is None, "an out handle is NULL after a failure"
    fails(lib, "ALLOCATION_TOO_LARGE", r"\d", "buffer_create", context, 1 << 60, 0, ctypes.byref(out))
    fails(lib, "NOT_FOUND", "sub.*add", "proque_launch", proque, b"sub", None, 0, None, 0, None)
    fails(lib, "CONTEXT_MISMATCH", "context", "proque_read", proque, buffer, host)
    own = lib.give("proque_create_buffer", proque, lib.GPUC_TYPE_F32)
    args = lib.arguments(*[("buffer", own)] * 3, ("f32", 1))
    fails(lib, "KERNEL_ARGUMENT", "add.*4.*3", "proque_launch", proque, b"add", args, 3, None, 0, None)
    args[1].kind = lib.GPUC_ARG_LOCAL
    fails(lib, "KERNEL_ARGUMENT", r"\b1\b.*add|add.*\b1\b", "proque_launch", proque, b"add", args, 4, None, 0, None)
    lib.gpuc_buffer_release(buffer)
    lib.gpuc_buffer_release(own)


def test_gemm_messages(lib, context, queue):
    a, b, c = (lib.give("buffer_create", context, 400, 0) for _ in range(3))
    desc = lib.structure("gemm_desc", m=10, n=10, k=10, lda=3)
    fails(lib, "INVALID_ARGUMENT", r"lda is 3.*\b10\b", "gemm", queue, ctypes.byref(desc), a, b, c, None, 0, None)
    desc.lda = 0
    fails(lib, "OVERLAP", "c", "gemm", queue, ctypes.byref(desc), a, b, a, None, 0, None)
    desc.k = 11
    fails(lib, "OUT_OF_RANGE", r"\b440\b|\b110\b", "gemm", queue, ctypes.byref(desc), a, b, c, None, 0, None)
    desc.m = -1
    fails(lib, "INVALID_ARGUMENT", "m is -1", "gemm", queue, ctypes.byref(desc), a, b, c, None, 0, None)
    desc.m, desc.k, desc.backend = 10, 10, b"abacus"
    fails(lib, "NOT_FOUND", "abacus", "gemm", queue, ctypes.byref(desc), a, b, c, None, 0, None)
    for buffer in (a, b, c):
        lib.gpuc_buffer_release(buffer)


def test_build_log(lib, context):
    source = b"kernel void broken(global float *x) {\n  x[0] = undeclared_name;\n}"
    out = ctypes.c_void_p()
    error = fails(lib, "BUILD_FAILED", r"\b2\b", "program_create_from_source", context, source, len(source), None,
                  ctypes.byref(out))
    assert "undeclared_name" in error.message + error.detail
    assert lib.gpuc_last_error_routine().startswith(b"cl")


def test_small_string_buffer(lib):
    device = lib.give("device_select", None)
    buf, needed = ctypes.create_string_buffer(2), ctypes.c_size_t()
    fails(lib, "BUFFER_TOO_SMALL", r"\b2\b", "device_get_string", device, lib.GPUC_DEVICE_NAME, buf, 2,
          ctypes.byref(needed))
    assert needed.value == len(lib.text("device_get_string", device, lib.GPUC_DEVICE_NAME)) + 1
    lib.gpuc_device_release(device)


def test_handles_fit_47_bits(lib, context, queue, proque):
    buffer = lib.give("buffer_create", context, 16, 0)
    event = lib.give("queue_marker_async", queue, None, 0)
    device = lib.give("queue_get_device", queue)
    for handle in (context, queue, proque, buffer, event, device):
        assert 0 < handle < 2**47 and float(handle) == handle
    lib.gpuc_buffer_release(buffer)
    lib.gpuc_event_release(event)
    lib.gpuc_device_release(device)


def test_released_forged_and_wrong_handles(lib, context, queue):
    size = ctypes.c_size_t()
    buffer = lib.give("buffer_create", context, 16, 0)
    for wrong in (queue, context, 1, 0xDEAD, 2**46, buffer + 1, 2**64 - 1):
        fails(lib, "INVALID_HANDLE", "buffer", "buffer_get_size", wrong, ctypes.byref(size))
    lib.buffer_retain(buffer)
    lib.gpuc_buffer_release(buffer)
    lib.buffer_get_size(buffer, ctypes.byref(size))
    assert size.value == 16
    for _ in range(3):
        lib.gpuc_buffer_release(buffer)
    fails(lib, "INVALID_HANDLE", "buffer", "buffer_get_size", buffer, ctypes.byref(size))
    fails(lib, "INVALID_HANDLE", "buffer", "buffer_retain", buffer)
    others = [lib.give("buffer_create", context, 16, 0) for _ in range(100)]
    assert buffer not in others, "a number is not given again at once"
    for other in others:
        lib.gpuc_buffer_release(other)


def test_nothing_crashes_on_zeros(lib):
    """Every function with nothing but NULL and 0 either succeeds or says what is missing."""
    missing = (lib.GPUC_ERROR_NULL_ARGUMENT, lib.GPUC_ERROR_INVALID_HANDLE, lib.GPUC_ERROR_INVALID_ARGUMENT)
    for name, (result, parameters) in binding.declarations()[0].items():
        if name == "gpuc_cache_clear":
            continue  # this would succeed
        zeros = [None if "*" in parameter or parameter.endswith("callback") else 0 for parameter in parameters]
        status = getattr(lib, name)(*zeros)
        if result == "gpuc_status" and status != lib.GPUC_OK:
            assert status in missing, name
            assert lib.gpuc_last_error_status() == status, name
            assert lib.gpuc_last_error_message(), name


# ---- threads -------------------------------------------------------------------------------------------------------


def in_threads(count, work):
    """Runs work(0) ... work(count - 1) at once; an exception in one is an exception here."""
    failures, start = [], threading.Barrier(count)

    def run(index):
        start.wait()
        try:
            work(index)
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_eight_threads_launch_one_kernel(lib, proque):
    """Each with its own buffers and arguments, all on one queue."""
    kernel, queue = lib.give("proque_get_kernel", proque, b"add"), lib.give("proque_get_queue", proque)

    def work(index):
        a, b, c = (np.full(1000, value, np.float32) for value in (index, 1, -1))
        buffers = [lib.give("proque_create_buffer", proque, lib.GPUC_TYPE_F32) for _ in range(3)]
        lib.proque_write(proque, buffers[0], pointer(a))
        lib.proque_write(proque, buffers[1], pointer(b))
        launch = lib.structure("launch")
        getattr(launch, "global")[0] = 1000
        for step in range(40):
            args = lib.arguments(*(("buffer", buffer) for buffer in buffers), ("f32", step))
            lib.kernel_launch(kernel, queue, ctypes.byref(launch), args, 4, None, 0, None)
            if step % 8 == 7:
                lib.proque_read(proque, buffers[2], pointer(c))
                assert (c == index + step).all()
        for buffer in buffers:
            lib.gpuc_buffer_release(buffer)

    in_threads(8, work)
    lib.gpuc_kernel_release(kernel)
    lib.gpuc_queue_release(queue)


def test_each_thread_has_its_own_message(lib, context):
    def work(index):
        out = ctypes.c_void_p()
        assert lib.gpuc_last_error_status() == lib.GPUC_OK
        for _ in range(100):
            fails(lib, "INVALID_ARGUMENT", "flags", "buffer_create", context, 1, 1 << (16 + index), ctypes.byref(out))
            assert lib.gpuc_last_error_status() == lib.GPUC_ERROR_INVALID_ARGUMENT
            if index % 2:
                fails(lib, "NOT_FOUND", "missing", "proque_get_kernel", own, b"missing", ctypes.byref(out))
            else:
                fails(lib, "NULL_ARGUMENT", "out_context", "context_create", None, 0, None)

    own = lib.proque(VECTOR_ADD)
    in_threads(8, work)
    lib.gpuc_proque_release(own)


# ---- whole processes -----------------------------------------------------------------------------------------------

PRELUDE = '''
import binding, ctypes, os, sys, time
lib = binding.load()
SOURCE = """
kernel void churn(global uint *x, uint rounds) {
  uint n = get_global_id(0);
  for (uint r = 0; r < rounds; ++r) n = n * 1664525u + 1013904223u;
  x[get_global_id(0)] = n;
}"""
proque = lib.proque(SOURCE, size=4096)
queue = lib.give("proque_get_queue", proque)
context = lib.give("proque_get_context", proque)
x = lib.give("proque_create_buffer", proque, lib.GPUC_TYPE_U32)
def launch(rounds):
    return lib.give("proque_launch", proque, b"churn", lib.arguments(("buffer", x), ("u32", rounds)), 2, None, 0)
lib.event_wait(launch(1))
def rounds_for(seconds):
    rounds, taken = 1000, 0.0
    while taken < 0.02:
        rounds *= 4
        begin = time.perf_counter()
        lib.event_wait(launch(rounds))
        taken = time.perf_counter() - begin
    return min(int(rounds * seconds / taken), 2**32 - 1)
'''


def run(script, environment, timeout=600):
    return subprocess.run([sys.executable, "-c", PRELUDE + textwrap.dedent(script)], env=environment,
                          capture_output=True, text=True, timeout=timeout, check=False)


FORK = """
functions = binding.declarations()[0]
handles = {"proque": proque, "queue": queue, "context": context, "buffer": x, "event": launch(1),
           "kernel": lib.give("proque_get_kernel", proque, b"churn"), "program": lib.give("proque_get_program", proque),
           "device": lib.give("queue_get_device", queue), "host_memory": lib.give("host_memory_create", context, 4096)}
handles["platform"] = lib.give("device_get_platform", handles["device"])
structures = {name: lib.structure(name) for name in ("launch", "rect", "program_desc", "proque_options", "gemm_desc")}

def good(parameter):
    "An argument that the parent could give."
    if parameter == "const char *":
        return b"churn"
    if parameter.endswith("callback"):
        return None
    if "*" not in parameter:
        return 0
    name = parameter.replace("const", "").replace("gpuc_", "").split()[0]
    if parameter.count("*") == 1 and name in handles:
        return handles[name]
    if name in structures:
        return ctypes.byref(structures[name])
    return ctypes.create_string_buffer(4096)

lib.proque_finish(proque)
calls = {name: [good(parameter) for parameter in parameters] for name, (result, parameters) in functions.items()
         if result == "gpuc_status" and not name.startswith("gpuc_last_error")}
child = os.fork()
if child == 0:
    bad = 0
    for name, arguments in calls.items():
        status = getattr(lib, name)(*arguments)
        if status != lib.GPUC_ERROR_FORKED or b"fork" not in lib.gpuc_last_error_message():
            print(name, lib.gpuc_status_name(status).decode(), flush=True)
            bad += 1
    assert lib.gpuc_version() and lib.gpuc_type_size_bytes(lib.GPUC_TYPE_F32) == 4  # these still answer
    for name, handle in handles.items():
        getattr(lib, f"gpuc_{name}_release")(handle)
    sys.exit(1 if bad else 0)  # the usual way out, with all that it runs
begin = time.monotonic()
while True:
    done, status = os.waitpid(child, os.WNOHANG)
    if done or time.monotonic() - begin > 300:
        break
    time.sleep(0.01)
print("child", os.waitstatus_to_exitcode(status) if done else "hangs")
host = (ctypes.c_uint32 * 4096)()
launch(1)
lib.proque_read(proque, x, host)
print("parent", host[0] == 1013904223)
"""


def test_fork(environment):
    """The child is told at once by every call that can fail, and leaves as usual; the parent goes on."""
    done = run(FORK, environment)
    assert done.stdout.splitlines() == ["child 0", "parent True"], done.stdout + done.stderr
    assert done.stderr == "" and done.returncode == 0


def test_fork_with_work_in_flight(environment):
    done = run("""
        event = launch(rounds_for(0.5))
        lib.queue_flush(queue)
        child = os.fork()
        if child == 0:
            assert lib.gpuc_event_wait(event) == lib.GPUC_ERROR_FORKED
            sys.exit(0)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        lib.event_wait(event)
        print("parent goes on")
        """, environment)
    assert done.stdout.splitlines() == ["child 0", "parent goes on"], done.stdout + done.stderr
    assert done.stderr == "" and done.returncode == 0


@pytest.mark.parametrize("seconds", [0.3, 0.3, 0.3, 4, 4])
def test_exit_with_work_in_flight(environment, seconds):
    """exit() waits up to two seconds for a command, and does not crash when it takes longer."""
    done = run(f"""
        for event in [launch(rounds_for({seconds})) for _ in range(2)]:
            lib.queue_flush(queue)
        assert lib.number("event_get_state", event, kind=ctypes.c_int32) < lib.GPUC_EVENT_COMPLETE, "too quick"
        print("leaving")
        """, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def test_exit_in_the_middle_of_a_call(environment):
    """A thread waits for a long command while the interpreter ends."""
    done = run("""
        import threading
        event = launch(rounds_for(1.5))
        threading.Thread(target=lib.gpuc_event_wait, args=(event,), daemon=True).start()
        time.sleep(0.1)
        print("leaving")
        """, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def test_exit_with_handles_never_released(environment):
    """Of every kind, and some released while the interpreter takes its modules apart."""
    done = run("""
        device = lib.give("queue_get_device", queue)
        kept = [lib.give("device_get_platform", device), lib.give("context_create", None, 0),
                lib.give("event_create_user", context), lib.give("host_memory_create", context, 1 << 20),
                lib.give("buffer_create", context, 1 << 20, 0), lib.give("buffer_slice", x, 4, 8),
                lib.give("queue_create", context, device, lib.GPUC_QUEUE_PROFILING),
                lib.give("proque_get_kernel", proque, b"churn"), launch(100)]
        fd = lib.number("event_get_fd", kept[-1], kind=ctypes.c_int32)
        class Late:
            def __del__(self, release=lib.gpuc_buffer_release, buffer=kept[4]):
                release(buffer)
        sys.late = Late()
        print("leaving")
        """, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def test_event_descriptor_in_asyncio(environment):
    done = run("""
        import asyncio
        async def main():
            event = launch(rounds_for(0.2))
            fd = lib.number("event_get_fd", event, kind=ctypes.c_int32)
            complete = asyncio.Event()
            asyncio.get_running_loop().add_reader(fd, complete.set)
            await asyncio.wait_for(complete.wait(), 600)
            asyncio.get_running_loop().remove_reader(fd)
            os.close(fd)
            print("state", lib.number("event_get_state", event, kind=ctypes.c_int32) == lib.GPUC_EVENT_COMPLETE)
        asyncio.run(main())
        """, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "state True\n", "")
