"""Statuses and exceptions."""
import pickle
import re
from pathlib import Path

import pytest

import gpucompute
from gpucompute import errors
from gpucompute._library import lib

ROOT = Path(__file__).resolve().parents[2]
STATUSES = {name: int(number) for name, number in
            re.findall(r"(GPUC_ERROR_\w+) = (\d+)", (ROOT / "python/gpucompute/_cdef.h").read_text())}

EXPECTED = {
    101: "DeviceNotFound", 102: "DeviceNotFound", 103: "DeviceLost", 104: "Forked", 105: "ShuttingDown", 106: "DriverError", 107: "FileError",
    201: "ArgumentError", 202: "ArgumentError", 203: "StateError", 204: "OutOfRange", 205: "ArgumentError", 206: "ArgumentError",
    207: "ArgumentError", 208: "ArgumentError", 209: "NotFound", 210: "KernelArgumentError", 211: "StateError", 212: "ContextMismatch",
    301: "BuildError", 302: "BuildError", 401: "OutOfMemory", 402: "OutOfMemory", 403: "ExecutionError", 404: "Timeout", 405: "OutOfMemory",
    501: "Unsupported", 901: "InternalError"}


def test_every_status_of_the_header_has_its_class():
    assert set(STATUSES.values()) == set(EXPECTED)
    for number, name in EXPECTED.items():
        assert errors.class_of(number).__name__ == name


@pytest.mark.parametrize("status, name", [(199, "DriverError"), (299, "ArgumentError"), (399, "BuildError"), (499, "ExecutionError"),
                                          (599, "Unsupported"), (999, "InternalError"), (12345, "InternalError")])
def test_a_status_of_a_newer_library_falls_into_its_group(status, name):
    assert errors.class_of(status).__name__ == name


@pytest.mark.parametrize("name, builtin", [
    ("ArgumentError", ValueError), ("OutOfRange", IndexError), ("NotFound", LookupError), ("KernelArgumentError", TypeError),
    ("OutOfMemory", MemoryError), ("Timeout", TimeoutError), ("Unsupported", NotImplementedError), ("FileError", OSError)])
def test_python_programs_can_catch_what_they_know(name, builtin):
    cls = getattr(gpucompute, name)
    assert issubclass(cls, builtin) and issubclass(cls, gpucompute.Error)


@pytest.mark.parametrize("name", sorted(set(EXPECTED.values())))
def test_every_class_pickles_with_all_it_says(name):
    error = getattr(gpucompute, name)("what happened", 204, -5, "clDoThis", "a log")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == "what happened"
    assert (copy.status, copy.cl_code, copy.routine, copy.build_log) == (204, -5, "clDoThis", "a log")


def test_a_status_has_a_name():
    assert gpucompute.Error("x", 204).status_name == "GPUC_ERROR_OUT_OF_RANGE"
    assert gpucompute.OutOfRange("x").status_name == "GPUC_ERROR_OUT_OF_RANGE"


def test_check_takes_the_record_of_the_failing_call():
    errors.check(0)
    status = lib.gpuc_log_set(lib.gpuc_py_log, gpucompute._library.NULL, 77)
    with pytest.raises(gpucompute.ArgumentError) as info:
        errors.check(status)
    assert info.value.status == 201 and "77" in str(info.value) and info.value.cl_code == 0 and info.value.routine == ""


def test_a_build_failure_tells_all(capfd):
    with pytest.raises(gpucompute.BuildError) as info:
        gpucompute.Program("kernel void f(global int *x) {\n  x[0] = nonsense;\n}").build(options=["-DA=1"])
    error = info.value
    assert error.status == 301 and "nonsense" in str(error) and "\n" not in str(error)
    assert "nonsense" in error.build_log and len(error.build_log) >= len("nonsense")


def test_a_driver_error_names_code_and_routine():
    from gpucompute._native import cl_check

    cl_check(0, "clGetEventInfo")
    with pytest.raises(gpucompute.DriverError) as info:
        cl_check(-5, "clGetEventInfo")
    assert info.value.cl_code == -5 and info.value.routine == "clGetEventInfo" and "CL_OUT_OF_RESOURCES" in str(info.value)


def test_the_fix_is_named_where_no_driver_is_installed(run_python, tmp_path):
    out = run_python("""
        import gpucompute
        try:
            gpucompute.Device()
        except gpucompute.DeviceNotFound as error:
            print(error.status, error)
        """, env={"OCL_ICD_VENDORS": str(tmp_path), "GPUC_DEVICE": "", "GPUC_DEVICE_ENFORCE": ""})
    assert out.startswith("101 ") and "gpucompute[cpu]" in out
