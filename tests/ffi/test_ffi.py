"""The same vector add from LuaJIT and Ruby: each script prints what it saw, one line for each thing."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SCRIPTS = {"luajit": "vector_add.lua", "ruby": "vector_add.rb"}


@pytest.fixture(scope="module", params=SCRIPTS)
def said(request, environment):
    """{what: the rest of its line} of a script."""
    interpreter = shutil.which(request.param)
    if interpreter is None:
        pytest.skip(f"{request.param} is not installed")
    done = subprocess.run([interpreter, str(HERE / SCRIPTS[request.param])], env=environment, capture_output=True,
                          text=True, timeout=600, check=False)
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    return dict(line.partition(": ")[::2] for line in done.stdout.splitlines())


def test_vector_add(said):
    assert said["vector add"] == "100003 elements, 0 wrong"
    assert "done" in said


def test_handle_survives_as_a_number(said):
    assert said["handle"] == "below 2^47, 400012 bytes"


def test_messages_reach_the_script(said):
    assert re.search(r"GPUC_ERROR_NOT_FOUND: .*\bsub\b.*\badd\b", said["unknown kernel"]), said["unknown kernel"]
    assert re.search(r"GPUC_ERROR_KERNEL_ARGUMENT: .*\b4\b.*\b3\b", said["missing argument"]), said["missing argument"]


def test_released_handle_is_refused(said):
    assert re.search(r"GPUC_ERROR_INVALID_HANDLE: .*buffer", said["released handle"]), said["released handle"]
