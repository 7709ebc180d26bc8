"""Element types: gpuc_type, its numpy name, what OpenCL C calls it, and how `struct` packs one as a launch argument."""
from __future__ import annotations

from typing import NamedTuple


class ElementType(NamedTuple):
    number: int  # gpuc_type
    name: str  # numpy's, or ml_dtypes'
    c_name: str
    size: int
    code: str  # of struct, for a scalar of a launch; "" where OpenCL C has no such scalar


_TABLE = (
    ElementType(1, "int8", "char", 1, "b"),
    ElementType(2, "uint8", "uchar", 1, "B"),
    ElementType(3, "int16", "short", 2, "h"),
    ElementType(4, "uint16", "ushort", 2, "H"),
    ElementType(5, "int32", "int", 4, "i"),
    ElementType(6, "uint32", "uint", 4, "I"),
    ElementType(7, "int64", "long", 8, "q"),
    ElementType(8, "uint64", "ulong", 8, "Q"),
    ElementType(9, "float16", "half", 2, "f"),  # given as f32; the library narrows it
    ElementType(10, "float32", "float", 4, "f"),
    ElementType(11, "float64", "double", 8, "d"),
    ElementType(12, "complex64", "float2", 8, ""),
    ElementType(13, "complex128", "double2", 16, ""),
    ElementType(14, "bfloat16", "ushort", 2, ""),  # what OpenCL C has no type for travels in integers
    ElementType(15, "float8_e4m3fn", "uchar", 1, ""),
    ElementType(16, "float8_e5m2", "uchar", 1, ""),
)
BY_NUMBER = {entry.number: entry for entry in _TABLE}
BY_NAME = {entry.name: entry for entry in _TABLE}
F16, F32 = BY_NAME["float16"].number, BY_NAME["float32"].number


def type_number(dtype: object) -> int:
    """The gpuc_type of a numpy dtype, or of its name; bool is uint8 and 0 is anything without one."""
    if not getattr(dtype, "isnative", True):
        return 0
    name = str(getattr(dtype, "name", dtype))
    entry = BY_NAME.get("uint8" if name == "bool" else name)
    return entry.number if entry else 0
