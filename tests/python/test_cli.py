"""The command line, as a program of its own and in this process."""
import json
import os
import subprocess
import sys

import gpucompute
import pytest
from gpucompute import _cli
from gpucompute._cli import _bench, _tables


def run(*arguments, status=0, **variables):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}
    done = subprocess.run([sys.executable, "-m", "gpucompute", *arguments], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def call(capsys, *arguments, status=0):
    assert _cli.main(arguments) == status
    said = capsys.readouterr()
    return json.loads(said.out) if "--json" in arguments else said.out


def test_info(capsys):
    devices = gpucompute.devices()
    data = call(capsys, "info", "--json")["devices"]
    assert [entry["name"] for entry in data] == [device.name for device in devices]
    assert [entry["default"] for entry in data].count(True) == 1
    assert data[0]["global_memory_bytes"] == devices[0].global_memory_bytes
    assert data[0]["capabilities"] == vars(devices[0].capabilities)
    table = call(capsys, "info")
    assert devices[0].name in table and devices[0].filter in table
    device = devices[0]
    full = call(capsys, "info", "--device", device.filter)
    assert "max_work_group_size" in full and "can: fp16" in full
    assert call(capsys, "info", "--all").count("max_work_group_size") == len(devices)
    (one,) = call(capsys, "info", "--json", "--device", device.filter)["devices"]
    assert one["filter"] == device.filter


def test_doctor(capsys):
    assert "verdict" in call(capsys, "doctor")
    assert call(capsys, "doctor", "--json")["schema"] == 1


def test_demo(capsys):
    data = call(capsys, "demo", "--size", "1000", "--json")
    assert data["right"] is True
    assert (data["longest"], data["steps"]) == (871, 178)
    assert "right" in call(capsys, "demo", "--size", "1000")


def test_demo_that_is_wrong(capsys, monkeypatch):
    from gpucompute._cli import _demo

    monkeypatch.setattr(_demo, "on_host", lambda numbers: numbers)
    assert "WRONG" in call(capsys, "demo", "--size", "1000", status=1)


def test_bench(capsys):
    if "oclgrind" in gpucompute.default_device().platform.name.lower():
        pytest.skip("takes minutes")
    data = call(capsys, "bench", "--json", "--bytes", "64k", "--n", "32", "--launches", "10", "--seconds", "0.01")
    assert data["problems"] == []
    kinds = [result["kind"] for result in data["results"]]
    assert kinds == ["launch"] * 2 + ["transfer"] * 4 + ["copy", "matmul"]
    for result in data["results"]:
        assert result["seconds"] > 0
        assert result["rounds"] >= 5
    assert data["results"][2]["gigabytes_per_second"] == pytest.approx(65536 / data["results"][2]["seconds"] / 1e9)
    assert data["results"][-1]["flop"] == 2 * 32**3
    table = call(capsys, "bench", "copy", "--bytes", "4k", "--seconds", "0.01")
    assert "GB/s" in table and "launch" not in table


def test_bench_that_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr(_bench, "_SOURCE", _bench._SOURCE.replace("+ b[i]", ""))
    data = call(capsys, "bench", "launch", "--json", "--launches", "1", "--seconds", "0.01", status=1)
    assert data["results"] == []
    assert "WRONG" in data["problems"][0]


def test_cache(tmp_path):
    folder = tmp_path / "cache"
    variables = {"GPUC_CACHE_DIR": str(folder)}
    assert run("cache", "dir", **variables).stdout == f"{folder}\n"
    run("demo", "--size", "10", **variables)
    shown = json.loads(run("cache", "--json", **variables).stdout)
    assert shown["directory"] == str(folder)
    assert shown["entries"] >= 1
    assert str(folder) in run("cache", "show", **variables).stdout
    assert "all are good" in run("cache", "verify", **variables).stdout
    entry = next(folder.glob("*.bin"))
    entry.write_bytes(entry.read_bytes()[:-1])
    assert json.loads(run("cache", "verify", "--json", status=1, **variables).stdout)["damaged"] == 1
    assert json.loads(run("cache", "clear", "--json", **variables).stdout)["removed"] == shown["entries"] - 1
    assert json.loads(run("cache", "--json", **variables).stdout)["entries"] == 0
    off = run("cache", status=1, GPUC_CACHE="0")
    assert "not in use" in off.stdout


def test_the_program_itself():
    assert run("--version").stdout == f"gpucompute {gpucompute.__version__}\n"
    assert "COMMAND" in run("--help").stdout
    for wrong in ([], ["nothing"], ["bench", "fast"], ["bench", "--bytes", "-1"], ["bench", "--bytes", "0"], ["bench", "--seconds", "nan"],
                  ["demo", "--size", "x"], ["cache", "eat"]):
        assert "usage:" in run(*wrong, status=2).stderr


def test_no_device():
    none = run("info", "--device", "no such device", status=3)
    assert "gpucompute doctor" in none.stderr
    assert none.stdout == ""
    told = json.loads(run("info", "--json", "--device", "no such device", status=3).stdout)
    assert told["status"] == "GPUC_ERROR_NO_DEVICE"
    nothing = {"OCL_ICD_VENDORS": "/nonexistent", "OPENCL_LAYERS": "", "GPUC_DEVICE": "", "GPUC_DEVICE_ENFORCE": "", "GPUC_BUNDLED_DRIVERS": "0"}
    assert "install" in run("doctor", status=1, **nothing).stdout or "pip" in run("doctor", status=1, **nothing).stdout


def test_sizes():
    assert [_cli._size(text) for text in ("1", "4096", "64k", "16M", "1G", "2MiB")] == [1, 4096, 65536, 1 << 24, 1 << 30, 2 << 20]
    for wrong in ("", "k", "-1", "0", "1.5M", "1x", "0x10"):
        with pytest.raises(Exception, match="no size"):
            _cli._size(wrong)
    assert [_tables.byte_text(count) for count in (0, 1023, 1536, 1 << 30, 5 << 40)] == ["0 bytes", "1023 bytes", "1.5 KiB", "1.0 GiB", "5.0 TiB"]


@pytest.mark.parametrize("with_rich", [False, True])
def test_tables(capsys, monkeypatch, with_rich):
    if with_rich:
        pytest.importorskip("rich")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    else:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    printer = _tables.Printer()
    printer.table(("name", "count"), [("[bold]a[/bold]", 1), ("b", 22)], title="A title", right=(1,))
    printer.line("[link] done")
    said = capsys.readouterr().out
    for word in ("A title", "name", "[bold]a[/bold]", "22", "[link] done"):
        assert word in said


def test_a_closed_pipe():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(["sh", "-c", '"$0" -m gpucompute info --all | head -n 1', sys.executable], env=environment, capture_output=True,
                          text=True, timeout=600)
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1
