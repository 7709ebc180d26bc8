"""The package comes from GPUC_BUILD_DIR/python, which ctest sets, or from wherever it is installed."""
import os
import subprocess
import sys
import textwrap

import pytest

FOLDER = os.environ.get("GPUC_BUILD_DIR")
if FOLDER:
    sys.path.insert(0, os.path.join(FOLDER, "python"))

import numpy  # noqa: E402

import gpucompute  # noqa: E402

SOURCE = """
kernel void add(global const float *x, global const float *y, global float *z, uint n) {
  size_t i = get_global_id(0);
  if (i < n) z[i] = x[i] + y[i];
}
kernel void accumulate(global uint *x, uint value) { x[get_global_id(0)] += value; }
kernel void reverse(global const int *in, global int *out, local int *scratch) {
  size_t i = get_local_id(0), n = get_local_size(0), first = get_group_id(0) * n;
  scratch[i] = in[first + i];
  barrier(CLK_LOCAL_MEM_FENCE);
  out[first + i] = scratch[n - 1 - i];
}
kernel void ids(global uint *out) {
  out[get_global_id(0) + get_global_size(0) * (get_global_id(1) + get_global_size(1) * get_global_id(2))] =
      get_global_id(0) + 100 * get_global_id(1) + 10000 * get_global_id(2) + 1;
}
"""


@pytest.fixture(scope="session")
def queue():
    return gpucompute.default_queue()


@pytest.fixture(scope="session")
def context():
    return gpucompute.default_context()


@pytest.fixture(scope="session")
def program():
    return gpucompute.Program(SOURCE).build()


@pytest.fixture
def rng(request):
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {seed}")  # pytest shows it when the test fails
    return numpy.random.default_rng(seed)


@pytest.fixture
def run_python():
    """Runs a program in a new interpreter; its output. A crash, or output on stderr, is a failure."""

    def run(code, *, env=None, timeout=600, stderr_empty=True):
        environment = {**os.environ, **(env or {})}
        if FOLDER:
            environment["PYTHONPATH"] = os.path.join(FOLDER, "python")
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, timeout=timeout, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not stderr_empty or not done.stderr, done.stderr
        return done.stdout

    return run


def buffer_of(array, context=None):
    """A buffer with the bytes of a numpy array."""
    buffer = gpucompute.Buffer(array.nbytes, context)
    buffer.write(array)
    return buffer


def array_of(buffer, dtype):
    return numpy.frombuffer(buffer.read(), dtype)


# What a device of the tests cannot do: {platform: (files and tests, the reason)}
LEFT_OUT = {
    "Oclgrind": ({"test_event", "test_asyncio", "test_threads", "test_leaks", "test_process", "test_pyopencl", "test_tuning"},
                 "Oclgrind hangs on user events and is not thread-safe"),
    "Fake OpenCL": ({"test_kernel", "test_program", "test_proque", "test_pyopencl", "test_smoke", "test_threads", "test_kernels_in_a_pipeline",
                     "test_the_shape_of_alkomp", "test_a_build_failure_tells_all", "test_the_program_that_mypy_checks",
                     "test_the_program_of_the_readme", "test_array", "test_linalg", "test_examples", "test_bench", "test_cache",
                     "test_demo", "test_demo_that_is_wrong", "test_arrow", "test_arrow_is_read_where_it_is",
                     "test_device_array", "test_get_async", "test_memory_is_shared", "test_pyopencl_shares_memory",
                     "test_tensors_live_as_long_as_someone_has_them", "test_a_profile_that_nobody_stops",
                     "test_queues_stand_for_new_ones", "test_queues_that_others_know_stay", "test_rows_and_records",
                     "test_without_fresh_queues", "test_products_with_what_was_found"}, "the device has no compiler"),
}


def pytest_collection_modifyitems(items):
    names, reason = LEFT_OUT.get(gpucompute.default_device().platform.name, (set(), ""))
    for item in items:
        if names & {item.path.stem, item.originalname}:
            item.add_marker(pytest.mark.skip(reason=reason))
