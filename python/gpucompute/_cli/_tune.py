"""`tune`."""
from __future__ import annotations

from typing import Any

from . import OK, Answer
from ._tables import Printer
from .. import tuning
from ..device import Device
from ..queue import Queue
from ..context import Context


def _gain(entry: dict[str, Any]) -> str:
    return f"{entry['gain_percent'] / 100:.2f}"


def tune(which: str | None, action: str, dtype: str | None, backend: str | None, max_size: int, seconds: float) -> Answer:
    device = Device(which)
    data: dict[str, Any]
    if action == "reset":
        removed = tuning.reset(device)

        def show_reset(printer: Printer) -> None:
            printer.line(f"{device.name}: " + ("what was measured is forgotten" if removed else "there was nothing to forget"))

        return Answer({"device": device.name, "removed": removed}, show_reset)
    if action == "run":
        with Context([device]) as context, Queue(context) as queue:
            data = tuning.tune(queue, dtype=dtype, backend=backend, max_size=max_size, seconds=seconds)
    else:
        data = tuning.table(device)
    data["directory"] = tuning.directory()

    def show(printer: Printer) -> None:
        printer.line(f"{device.name}, measured {data['date'] or 'never'}; table: {data['directory'] or 'not in use'}")
        if data["values"]:
            rows = [(entry["backend"], entry["type"], _gain(entry), " ".join(f"{name}={value}" for name, value in entry["values"].items()))
                    for entry in data["values"]]
            printer.table(("backend", "type", "times as fast", "values"), rows, right=(2,))
        if data["choices"]:
            choices = [(entry["a"], entry["ops"], str(2 ** int(entry["size_log2"])), entry["backend"], _gain(entry)) for entry in data["choices"]]
            printer.table(("type", "ops", "n", "backend", "times as fast"), choices, right=(2, 4))
        if not data["values"] and not data["choices"]:
            printer.line("nothing is faster than what the library chooses by itself" if data["date"] else "nothing was measured")

    return Answer(data, show, OK)
