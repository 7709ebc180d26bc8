"""The package as such: names, version, drivers from PyPI, log, cache, doctor."""
import ctypes
import importlib
import logging
import os
import re
from pathlib import Path

import pytest

import gpucompute
from gpucompute import _drivers, _types
from gpucompute._library import lib

ROOT = Path(__file__).resolve().parents[2]


def test_every_name_is_there():
    for name in gpucompute.__all__:
        assert getattr(gpucompute, name) is not None, name
        assert name in dir(gpucompute)
    for name, module in gpucompute._EXPORTS.items():
        assert hasattr(importlib.import_module(f"gpucompute.{module}"), name), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gpucompute.nothing


def test_the_type_checker_is_told_the_same_names():
    text = (ROOT / "python/gpucompute/__init__.py").read_text()
    told = set(re.findall(r"\b(\w+) as \1\b", text))
    assert told == {*gpucompute._EXPORTS, *gpucompute._MODULES}


def test_version():
    major, minor, patch = gpucompute.version()
    assert gpucompute.__version__ == f"{major}.{minor}.{patch}"
    header = (ROOT / "include/gpucompute/gpucompute.h").read_text()
    assert re.findall(r"#define GPUC_VERSION_\w+ (\d+)", header) == [str(major), str(minor), str(patch)]


def test_the_library_for_other_bindings():
    path = gpucompute.library_path()
    assert os.path.basename(path).startswith("libgpucompute.so")
    assert ctypes.CDLL(path).gpuc_version() == lib.gpuc_version()


def test_every_function_of_the_abi_is_used():
    """What the package leaves out is named here, with the reason."""
    declared = set(re.findall(r"\b(gpuc_\w+)\(", (ROOT / "python/gpucompute/_cdef.h").read_text()))
    text = "".join(path.read_text() for path in (ROOT / "python").rglob("*.[cp]*") if path.suffix in (".py", ".c"))
    left_out = {
        "gpuc_type_size_bytes",  # _types.py has a table
        "gpuc_last_error_status",  # the status is at hand
        "gpuc_program_create_from_source",  # gpuc_program_create does more
        "gpuc_proque_get_kernel", "gpuc_proque_launch",  # its program's kernels, with the fast launch
        "gpuc_array_view_init", "gpuc_array_view_pack",  # array.py fills the structure, and knows the strides
        "gpuc_buffer_map_async",  # a memoryview must not exist before the memory does
    }
    built = {name for name in declared if re.fullmatch(r"gpuc_\w+_(retain|release|get_native)", name)}  # found by name in _handle.py
    used = {name for name in declared if re.search(rf"\b{name}\b", text)}
    rest = {name for name in declared - used - left_out - built if not name.startswith("gpuc_gemm")}
    assert not rest, rest
    assert not left_out & used


def test_element_types_agree_with_the_library():
    for entry in _types.BY_NUMBER.values():
        assert lib.gpuc_type_size_bytes(entry.number) == entry.size, entry
    assert lib.gpuc_type_size_bytes(lib.GPUC_TYPE_BOOL + 1) == 0
    numpy = pytest.importorskip("numpy")
    assert _types.type_number(numpy.dtype(bool)) == _types.BY_NAME["uint8"].number and _types.type_number(numpy.dtype("U5")) == 0
    assert _types.type_number("float32") == lib.GPUC_TYPE_F32 and _types.type_number(numpy.dtype(">f4")) == 0


def test_the_program_that_mypy_checks(run_python):
    assert run_python((Path(__file__).parent / "typed_use.py").read_text()) == ""


def test_the_program_of_the_readme(run_python):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks
    for block in blocks:
        assert run_python(block) == "999.5\n"


# ---- log, cache, doctor ----

def test_log():
    seen = []
    gpucompute.set_log(lambda level, message: seen.append((level, message)), "debug")
    try:
        gpucompute.Context().close()
    finally:
        gpucompute.set_log(None)
    assert any(level == "debug" and "context" in message for level, message in seen)
    count = len(seen)
    gpucompute.Context().close()
    assert len(seen) == count


def test_log_into_logging(caplog):
    logger = logging.getLogger("gpucompute.test")
    with caplog.at_level(logging.DEBUG, logger.name):
        gpucompute.set_log(logger, "debug")
        gpucompute.Context().close()
        gpucompute.set_log(None)
    assert any("context" in record.getMessage() and record.levelno == logging.DEBUG for record in caplog.records)


def test_a_log_function_that_fails(run_python):
    out = run_python("""
        import sys, gpucompute
        failures = []
        sys.unraisablehook = lambda args: failures.append(args.exc_type.__name__)
        def fail(level, message):
            raise ZeroDivisionError
        gpucompute.set_log(fail, "debug")
        gpucompute.Context().close()  # unharmed
        gpucompute.set_log(None)
        print(set(failures))
        """)
    assert out == "{'ZeroDivisionError'}\n"


@pytest.mark.parametrize("args, error", [((print, "loud"), ValueError), ((5,), TypeError)])
def test_log_refuses(args, error):
    with pytest.raises(error):
        gpucompute.set_log(*args)


def test_a_log_at_exit(run_python):
    assert "context" in run_python("""
        import gpucompute
        gpucompute.set_log(lambda level, message: print(level, message), "debug")
        gpucompute.Context()
        """)


def test_cache(run_python, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    out = run_python("""
        import gpucompute as g
        for _ in range(2):
            g.Program("kernel void f(global int *x) { x[0] = 1; }").build()
        s = g.cache.statistics()
        print(g.cache.directory())
        print(s.hits, s.misses > 0, s.entries > 0, s.bytes > 0, s.rejected, s.store_failures, "hits=1" in repr(s))
        print(g.cache.clear() > 0, g.cache.statistics().entries)
        """, env={"GPUC_CACHE_DIR": str(folder), "GPUC_CACHE": "1"})
    first, second, third = out.splitlines()
    assert Path(first).resolve() == folder.resolve()
    assert second == "1 True True True 0 0 True" and third == "True 0"
    assert run_python("import gpucompute; print(repr(gpucompute.cache.directory()))", env={"GPUC_CACHE": "0"}) == "''\n"


def test_doctor():
    text, data = gpucompute.doctor(), gpucompute.doctor("json")
    assert isinstance(text, str) and gpucompute.Device(0).name in text and isinstance(data, dict)
    with pytest.raises(ValueError, match="format"):
        gpucompute.doctor("xml")


# ---- drivers from PyPI ----

@pytest.fixture
def bare(monkeypatch, tmp_path):
    """An environment where nothing is said about drivers."""
    for name in _drivers.VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(_drivers, "_loader", None)
    monkeypatch.setattr(_drivers, "_takes_files", lambda: False)
    monkeypatch.setattr(_drivers.sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setattr(_drivers.sys, "path", [str(tmp_path / "site")])
    monkeypatch.setattr(_drivers, "_HERE", str(tmp_path / "elsewhere" / "gpucompute"))
    (tmp_path / "env/lib").mkdir(parents=True)
    (tmp_path / "site/pyopencl/.libs").mkdir(parents=True)
    (tmp_path / "vendors").mkdir()
    monkeypatch.setattr(_drivers, "registered", lambda vendors=str(tmp_path / "vendors"), real=_drivers.registered: real(vendors))
    return tmp_path


def test_intels_driver_is_found(bare):
    library = bare / "env/lib/libintelocl.so"
    _drivers.prepare()
    assert "OCL_ICD_VENDORS" not in os.environ
    library.touch()
    _drivers.prepare()
    assert os.environ["OCL_ICD_VENDORS"] == str(library) and "OCL_ICD_FILENAMES" not in os.environ


def test_khronos_loader_has_another_variable(bare, monkeypatch):
    library = bare / "env/lib/libintelocl.so"
    library.touch()
    monkeypatch.setattr(_drivers, "_takes_files", lambda: True)
    _drivers.prepare()
    assert os.environ["OCL_ICD_FILENAMES"] == str(library) and "OCL_ICD_VENDORS" not in os.environ


def test_the_loader_is_known():
    assert _drivers.load_loader() is not None
    kind = gpucompute.doctor("json")["loader"]["kind"]
    assert _drivers._takes_files() == (kind != "ocl-icd"), kind


def test_pocls_driver_is_found(bare):
    folder = bare / "site/pyopencl/.libs"
    (folder / "pocl.icd").write_text("libpocl-1234.so\n")
    assert _drivers.installed() is None
    (folder / "libpocl-1234.so").touch()
    _drivers.prepare()
    assert os.environ["OCL_ICD_VENDORS"] == str(folder / "libpocl-1234.so")


@pytest.mark.parametrize("variable", _drivers.VARIABLES)
def test_what_the_user_says_counts(bare, monkeypatch, variable):
    (bare / "env/lib/libintelocl.so").touch()
    monkeypatch.setenv(variable, "/somewhere")
    _drivers.prepare()
    assert [os.environ.get(name) for name in _drivers.VARIABLES] == ["/somewhere" if name == variable else None for name in _drivers.VARIABLES]


def test_the_systems_driver_counts(bare):
    (bare / "env/lib/libintelocl.so").touch()
    there = bare / "libthere.so"
    icd = bare / "vendors/there.icd"
    icd.write_text(f"{there}\n")
    assert not _drivers.registered(str(bare / "vendors"))  # the library is gone
    there.touch()
    assert _drivers.registered(str(bare / "vendors"))
    _drivers.prepare()
    assert "OCL_ICD_VENDORS" not in os.environ
    icd.write_text("libc.so.6\n")  # by name, as the dynamic linker finds it
    assert _drivers.registered(str(bare / "vendors"))
    icd.write_text("libnothing-of-that-name.so\n")
    assert not _drivers.registered(str(bare / "vendors"))
    assert not _drivers.registered(str(bare / "nowhere"))
