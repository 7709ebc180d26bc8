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
