"""Finds the library: GPUC_LIBRARY, which ./dev test sets, or the newest one in the build tree."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import binding  # noqa: E402


@pytest.fixture(scope="session")
def library_path():
    path = binding.library_path()
    if path is None or not path.exists():
        pytest.fail(f"no library at {path}; build it, or name it in GPUC_LIBRARY")
    return path


@pytest.fixture(scope="session")
def lib(library_path):
    return binding.load()


@pytest.fixture(scope="session")
def environment(library_path):
    """For the programs that tests start."""
    paths = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "GPUC_LIBRARY": str(library_path.resolve()), "GPUC_CDEF": str(binding.CDEF),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


# Of what computes, the fake ICD has the vector add alone, and no compiler says what is wrong with a source.
COMPUTES = {"test_build_log", "test_eight_threads_launch_one_kernel", "test_event_descriptor_in_asyncio", "test_exit_in_the_middle_of_a_call",
            "test_exit_with_work_in_flight", "test_fork", "test_fork_with_work_in_flight"}


def pytest_collection_modifyitems(items):
    if os.environ.get("GPUC_DEVICE") == "fake":
        for item in items:
            if item.originalname in COMPUTES or item.path.stem == "test_ffi":
                item.add_marker(pytest.mark.skip(reason="the device has no compiler"))
