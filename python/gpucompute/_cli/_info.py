"""`info` and `doctor`."""
from __future__ import annotations

from typing import Any

from . import OK, WRONG, Answer
from ._tables import Printer, byte_text, yes_no
from .._doctor import doctor as examine
from ..device import Device, devices
from ..errors import Error

_PROPERTIES = ("name", "vendor", "type", "filter", "version", "c_version", "driver_version", "profile", "uuid", "pci_id", "vendor_id",
               "compute_units", "clock_mhz", "global_memory_bytes", "max_allocation_bytes", "local_memory_bytes", "constant_bytes",
               "cache_bytes", "cache_line_bytes", "max_work_group_size", "max_work_items", "address_bits", "slice_alignment_bytes",
               "unified_memory", "timer_resolution_ns", "out_of_order", "available", "compiler_available", "little_endian",
               "opencl_version", "opencl_c_version", "max_argument_bytes", "vector_width_f32", "vector_width_f64", "error_correction",
               "extensions")


def describe(device: Device, default: bool, capabilities: bool = True) -> dict[str, Any]:
    """A device as data."""
    data: dict[str, Any] = {"platform": device.platform.name, "default": default}
    for name in _PROPERTIES:
        value = getattr(device, name)
        data[name] = list(value) if isinstance(value, tuple) else value
    if capabilities:
        try:
            data["capabilities"] = dict(vars(device.capabilities))
        except Error as error:  # one broken device must not hide the others
            data["capabilities"] = None
            data["capabilities_error"] = str(error)
    return data


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return yes_no(value)
    if name.endswith("_bytes"):
        return f"{byte_text(value)} ({value})" if value >= 1024 else str(value)
    if isinstance(value, list):
        return (" x " if name == "max_work_items" else " ").join(map(str, value))
    return str(value)


def _show_in_full(printer: Printer, data: dict[str, Any]) -> None:
    rows = [("platform", data["platform"]), *((name, _text(name, data[name])) for name in _PROPERTIES)]
    capabilities = data.get("capabilities") or {}
    rows += [(f"can: {name}", _text(name, value)) for name, value in capabilities.items()]
    if "capabilities_error" in data:
        rows.append(("capabilities", data["capabilities_error"]))
    printer.table(("property", "value"), rows, title=data["name"] + (" (default)" if data["default"] else ""))


def info(which: str | None, everything: bool) -> Answer:
    chosen = Device(which)
    found = [chosen] if which else devices()
    data = [describe(device, default=device == chosen) for device in found]

    def show(printer: Printer) -> None:
        if which or everything:
            for entry in data:
                _show_in_full(printer, entry)
            return
        rows = []
        for index, entry in enumerate(data):
            can = entry["capabilities"] or {}
            kinds = [f"f16 {can['fp16']}" if can.get("fp16", "none") != "none" else "", "f64" if can.get("fp64") else "",
                     "int64 atomics" if can.get("int64_atomics") else "", "sub-groups" if can.get("sub_groups") else "",
                     "PTX" if can.get("inline_ptx") else "", "SPIR-V" if can.get("spirv") else ""]
            rows.append((f"{index}{'*' if entry['default'] else ''}", entry["name"], entry["type"], entry["platform"], entry["driver_version"],
                         entry["compute_units"], byte_text(entry["global_memory_bytes"]), ", ".join(filter(None, kinds)), entry["filter"]))
        printer.table(("", "device", "type", "platform", "driver", "units", "memory", "can do (probed)", "filter"), rows, right=(5, 6))
        printer.line("* the default device; `gpucompute info --device FILTER` shows one in full")

    return Answer({"devices": data}, show)


def doctor() -> Answer:
    data = examine("json")
    errors = any(problem["severity"] == "error" for problem in data["problems"])
    return Answer(data, lambda printer: printer.line(examine("text").rstrip("\n")), WRONG if errors else OK)
