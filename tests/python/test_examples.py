"""Every example in Python, as a program of its own: it checks its result and says so by its exit status."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import gpucompute
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_examples():
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path):
    source = path.read_text()
    if ("to_device" in source or "array" in source) and importlib.util.find_spec("gpucompute.array") is None:
        pytest.skip("this build has no arrays")
    if "pyarrow" in source:
        pytest.importorskip("pyarrow")
    if "oclgrind" in gpucompute.default_device().platform.name.lower():
        pytest.skip("takes minutes")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, str(path)], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
