"""PyCapsules, through Python's own C API."""
from __future__ import annotations

import ctypes
from typing import Any

from ._library import address, ffi, lib

_api = ctypes.PyDLL(None) if not hasattr(ctypes, "pythonapi") else ctypes.pythonapi
_new = _api.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_get = _api.PyCapsule_GetPointer
_get.restype, _get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_is_valid = _api.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, (ctypes.py_object, ctypes.c_char_p)
_set_name = _api.PyCapsule_SetName
_set_name.restype, _set_name.argtypes = ctypes.c_int, (ctypes.py_object, ctypes.c_char_p)

_names: dict[str, bytes] = {}  # a capsule keeps the address of its name


def _name(name: str) -> bytes:
    return _names.setdefault(name, name.encode())


def new(pointer: Any, name: str, destructor: str) -> Any:
    """A capsule around a pointer; `destructor` is a function of the extension that takes the capsule."""
    return _new(address(pointer), _name(name), address(ffi.addressof(lib, destructor)))


def is_named(capsule: Any, name: str) -> bool:
    return bool(_is_valid(capsule, _name(name)))


def pointer(capsule: Any, name: str, type_name: str) -> Any:
    return ffi.cast(type_name, _get(capsule, _name(name)))


def rename(capsule: Any, name: str) -> None:
    _set_name(capsule, _name(name))
