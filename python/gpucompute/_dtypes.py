"""Element types of arrays: numpy dtypes and gpuc_type."""
from __future__ import annotations

from typing import Any

import numpy

from ._library import lib
from ._types import BY_NAME

_EXTRA = {"bool": int(lib.GPUC_TYPE_BOOL), "float8_e4m3fn": int(lib.GPUC_TYPE_F8E4M3), "float8_e5m2": int(lib.GPUC_TYPE_F8E5M2)}
_NUMBERS = {**{name: entry.number for name, entry in BY_NAME.items()}, **_EXTRA}
_ML_DTYPES = ("bfloat16", "float8_e4m3fn", "float8_e5m2")  # numpy has none of them; the package ml_dtypes does
_cache: dict[Any, tuple[numpy.dtype[Any], int]] = {}


def dtype_of(dtype: Any) -> numpy.dtype[Any]:
    """The numpy dtype that something stands for, if arrays can have it; TypeError that says why otherwise."""
    return _look(dtype)[0]


def type_number(dtype: Any) -> int:
    """The gpuc_type of a dtype of arrays; bool has one of its own here."""
    return _look(dtype)[1]


def _look(dtype: Any) -> tuple[numpy.dtype[Any], int]:
    try:
        return _cache[dtype]
    except (KeyError, TypeError):
        pass
    made = _make(dtype)
    number = _NUMBERS.get(made.name, 0)
    if not number or made.itemsize != _size(made.name):
        raise TypeError(f"dtype {made} is not supported: arrays hold bool, integers, floating-point and complex numbers of up to 64 bits a part"
                        f"{_hint(made)}")
    if not made.isnative:
        raise TypeError(f"dtype {made.str} is byte-swapped: convert it on the host first, a.astype({made.newbyteorder('=').name!r})")
    if made.kind in "iufc":  # long and long long are one on the device
        made = numpy.dtype(made.name)
    if isinstance(dtype, (str, type, numpy.dtype)):
        _cache[dtype] = made, number
    return made, number


def _make(dtype: Any) -> numpy.dtype[Any]:
    if isinstance(dtype, str) and dtype in _ML_DTYPES:
        try:
            import ml_dtypes
        except ImportError:
            raise TypeError(f"dtype {dtype} needs the package ml_dtypes: pip install ml_dtypes") from None
        found: numpy.dtype[Any] = numpy.dtype(getattr(ml_dtypes, dtype))
        return found
    if dtype is None:
        raise TypeError("dtype is None, must be a numpy dtype or its name")
    made: numpy.dtype[Any] = numpy.dtype(dtype)
    return made


def _size(name: str) -> int:
    return BY_NAME[name].size if name in BY_NAME else 1


def _hint(dtype: numpy.dtype[Any]) -> str:
    if dtype.kind == "O":
        return " (this one holds Python objects)"
    if dtype.kind in "SU":
        return " (this one holds text)"
    if dtype.kind in "mM":
        return ": .view('int64') of it holds the same numbers"
    if dtype.names:
        return ": copy the fields one by one"
    return ""


def name_of(number: int) -> str:
    """numpy's (or ml_dtypes') name of a gpuc_type."""
    for name, value in _NUMBERS.items():
        if value == number:
            return name
    return "unknown"
