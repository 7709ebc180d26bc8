"""The library's log, into a function or into Python's logging."""
from __future__ import annotations

from typing import Any, Callable

from ._library import NULL, ffi, lib
from .errors import check

_LEVELS = {"off": 0, "warning": 1, "info": 2, "debug": 3}
_NAMES = {number: name for name, number in _LEVELS.items()}
_sink: Callable[[str, str], None] | None = None


@ffi.def_extern()  # type: ignore[untyped-decorator]
def gpuc_py_log(user_data: Any, level: int, message: Any) -> None:
    sink = _sink
    if sink is not None:
        sink(_NAMES.get(level, "debug"), ffi.string(message).decode("utf-8", "replace"))


def set_log(sink: Any = None, level: str = "info") -> None:
    """Sends the library's log somewhere; without this nothing is logged.

    Args:
        sink: a function of (level, message), called from whatever thread has something to say; a logging.Logger; or None: no log.
        level: the most talkative level wanted: "warning", "info" or "debug".
    """
    global _sink
    if level not in _LEVELS:
        raise ValueError(f"level is {level!r}, must be 'off', 'warning', 'info' or 'debug'")
    if sink is None or level == "off":
        check(lib.gpuc_log_set(NULL, NULL, lib.GPUC_LOG_OFF))
        _sink = None
        return
    if hasattr(sink, "log") and hasattr(sink, "handlers"):
        import logging

        numbers = {"warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
        logger = sink

        def to_logger(name: str, message: str) -> None:
            logger.log(numbers[name], "%s", message)

        sink = to_logger
    if not callable(sink):
        raise TypeError(f"sink must be a function of (level, message), a logging.Logger or None; got {type(sink).__name__}")
    _sink = sink
    check(lib.gpuc_log_set(lib.gpuc_py_log, NULL, _LEVELS[level]))
    _stop_at_exit()


_registered = False


def _stop_at_exit() -> None:
    """The library's threads must not call into an interpreter that is going away."""
    global _registered
    if not _registered:
        import atexit

        atexit.register(set_log, None)
        _registered = True
