"""What is wrong with this machine's OpenCL, and the fix."""
from __future__ import annotations

from typing import Any

from ._library import ffi, lib
from .errors import check


def doctor(format: str = "text") -> Any:
    """Examines the OpenCL installation: the loader, every driver, the environment, permissions, the devices; for each problem the fix.

    Args:
        format: "text" for people, or "json": then the result is a dict.
    """
    if format not in ("text", "json"):
        raise ValueError(f"format is {format!r}, must be 'text' or 'json'")
    key = lib.GPUC_DOCTOR_TEXT if format == "text" else lib.GPUC_DOCTOR_JSON
    needed, capacity = ffi.new("size_t *"), 1 << 16  # each call examines anew
    while True:
        buf = ffi.new("char[]", capacity)
        status = lib.gpuc_doctor(key, buf, capacity, needed)
        if status != lib.GPUC_ERROR_BUFFER_TOO_SMALL:
            break
        capacity = 2 * needed[0]
    check(status)
    text = ffi.string(buf).decode("utf-8", "replace")
    if format == "text":
        return text
    import json

    return json.loads(text)
