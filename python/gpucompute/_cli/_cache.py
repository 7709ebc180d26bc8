"""`cache`."""
from __future__ import annotations

from . import OK, WRONG, Answer
from ._tables import Printer, byte_text
from .. import cache as library
from .._doctor import doctor


def _why_not() -> str:
    cache = doctor("json")["cache"]
    return cache["refused"] or cache["error"] or (f"{cache['origin']} turns it off" if cache["origin"] else "no variable names a folder for it")


def cache(action: str) -> Answer:
    directory = library.directory()
    if not directory:
        reason = _why_not()

        def show_reason(printer: Printer) -> None:
            printer.line(f"the cache is not in use: {reason}")

        return Answer({"directory": "", "reason": reason}, show_reason, WRONG)
    if action == "dir":
        return Answer({"directory": directory}, lambda printer: printer.line(directory))
    if action == "clear":
        removed = library.clear()
        return Answer({"directory": directory, "removed": removed}, lambda printer: printer.line(f"removed {removed} entries from {directory}"))
    if action == "verify":
        checked, damaged = library.verify()

        def show_verified(printer: Printer) -> None:
            printer.line(f"checked {checked} entries in {directory}: " + (f"{damaged} were damaged and are removed" if damaged else "all are good"))

        return Answer({"directory": directory, "checked": checked, "damaged": damaged}, show_verified, WRONG if damaged else OK)
    statistics = library.statistics()
    entries, size = statistics.entries, statistics.bytes

    def show(printer: Printer) -> None:
        printer.table(("directory", "entries", "size"), [(directory, entries, byte_text(size))], right=(1, 2))

    return Answer({"directory": directory, "entries": entries, "bytes": size}, show)
