"""The table of what was measured to be fast."""
import json

import gpucompute
import numpy
import pytest
from gpucompute import _cli, tuning


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GPUC_TUNING", str(tmp_path / "tuning"))
    return tmp_path / "tuning"


@pytest.fixture
def own_queue():
    """Of a context of its own: what is measured stays there."""
    with gpucompute.Context() as context, gpucompute.Queue(context) as queue:
        yield queue


def test_tune_and_reset(folder, own_queue):
    assert tuning.directory() == str(folder)
    before = tuning.table()
    assert before["values"] == before["choices"] == [] and before["date"] == ""
    assert not folder.exists()
    found = gpucompute.tune(own_queue, dtype="float32", max_size=64, seconds=0.5)
    assert found["device"] == own_queue.device.name and found == tuning.table(own_queue.device)
    assert folder.is_dir()
    assert tuning.reset(own_queue.device) is True
    assert tuning.reset(own_queue.device) is False
    assert tuning.table(own_queue.device)["date"] == ""


def test_products_with_what_was_found(folder, own_queue, rng):
    gpucompute.tune(own_queue, dtype="float32", max_size=64, seconds=0.5)
    a = rng.standard_normal((60, 70), dtype=numpy.float32)
    b = rng.standard_normal((70, 50), dtype=numpy.float32)
    x, y = (gpucompute.to_device(value, queue=own_queue) for value in (a, b))
    numpy.testing.assert_allclose((x @ y).get(), a @ b, rtol=1e-4, atol=1e-4)


def test_errors(folder, own_queue, monkeypatch):
    with pytest.raises(gpucompute.NotFound, match="backend is 'magic'"):
        gpucompute.tune(own_queue, backend="magic")
    with pytest.raises(gpucompute.ArgumentError, match="seconds is 0"):
        gpucompute.tune(own_queue, seconds=0)
    with pytest.raises(gpucompute.ArgumentError, match="type is "):
        gpucompute.tune(own_queue, dtype="int32")
    monkeypatch.setenv("GPUC_TUNING", "0")
    assert tuning.directory() == ""
    with pytest.raises(gpucompute.StateError, match="GPUC_TUNING=0"):
        gpucompute.tune(own_queue)


def test_command_line(folder, capsys):
    def call(*arguments, status=0):
        assert _cli.main(("tune", *arguments)) == status
        return capsys.readouterr().out

    assert "measured never" in call("show")
    data = json.loads(call("run", "--dtype", "float32", "--max-size", "32", "--seconds", "0.01", "--json"))
    assert data["directory"] == str(folder) and len(data["date"]) == 10
    assert data["date"] in call("show")
    assert "what was measured is forgotten" in call("reset")
    assert json.loads(call("reset", "--json"))["removed"] is False
    assert call("--backend", "magic", status=4) == ""


def test_command_line_shows_what_was_found(folder, capsys, monkeypatch):
    found = {"format": 1, "device": "d", "date": "2026-01-02",
             "values": [{"backend": "simt", "type": "f32", "gain_percent": 112, "values": {"depth": 16}}],
             "choices": [{"a": "f32", "b": "f32", "c": "f32", "compute": "standard", "ops": "nt", "size_log2": 9, "backend": "cpu",
                          "gain_percent": 150}]}
    monkeypatch.setattr(tuning, "table", lambda device: dict(found))
    assert _cli.main(("tune", "show")) == 0
    shown = capsys.readouterr().out
    for word in ("simt", "1.12", "depth=16", "512", "nt", "1.50", "2026-01-02"):
        assert word in shown
