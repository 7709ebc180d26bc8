"""The base of all objects: one reference on a handle of the C ABI, dropped by close(), by `with`, or by the collector.

The library keeps parents alive for children, detects stale handles and accepts releases in any order, in any thread, in exit() and in a
forked child; so a finaliser here has nothing to do but to release.
"""
from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from ._library import NULL, address, ffi, lib, native
from ._lock import Lock
from .errors import StateError, check

Self = TypeVar("Self", bound="Handle")

_close_lock = Lock()  # two threads may close one object at once


class Handle:
    """An object of the library. Compares equal to another Python object for the same one."""

    __slots__ = ("_ptr", "__weakref__")

    _kind: ClassVar[str]  # "buffer" for gpuc_buffer
    _c_release: ClassVar[Any]
    _c_retain: ClassVar[Any]
    _out_type: ClassVar[Any]
    _ptr: Any

    def __init_subclass__(cls, kind: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kind is not None:
            cls._kind = kind
            cls._c_release = getattr(lib, f"gpuc_{kind}_release")
            cls._c_retain = getattr(lib, f"gpuc_{kind}_retain")
            cls._out_type = ffi.typeof(f"gpuc_{kind} **")

    # ---- making ----

    @classmethod
    def _call(cls, function: Any, *args: Any) -> Any:
        """The handle that `function(*args, out_handle)` gives."""
        out = ffi.new(cls._out_type)
        check(function(*args, out))
        return out[0]

    @classmethod
    def _take(cls: type[Self], ptr: Any) -> Self:
        """A Python object around a reference that now belongs to it."""
        self = cls.__new__(cls)
        self._adopt(ptr)
        return self

    def _adopt(self, ptr: Any) -> None:
        self._ptr = ptr

    # ---- ending ----

    def close(self) -> None:
        """Gives the object up; a second call does nothing. Commands that use it still run."""
        with _close_lock:
            ptr = self._forget()
        if ptr is not None:
            self._c_release(ptr)

    def _forget(self) -> Any:
        try:
            ptr = object.__getattribute__(self, "_ptr")
        except AttributeError:
            return None
        del self._ptr
        return ptr

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        try:
            object.__getattribute__(self, "_ptr")
        except AttributeError:
            return True
        return False

    def __enter__(self: Self) -> Self:
        self._ptr  # raises if closed
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            ptr = object.__getattribute__(self, "_ptr")
        except AttributeError:
            return
        self._c_release(ptr)

    def __getattr__(self, name: str) -> Any:
        if name == "_ptr":
            raise StateError(f"this {type(self).__name__} is closed", 203)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # ---- comparing ----

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Handle) or self._kind != other._kind or self.closed or other.closed:
            return NotImplemented
        return bool(self._ptr == other._ptr)

    def __hash__(self) -> int:
        return hash((self._kind, address(self._ptr)))

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be pickled: it belongs to this process")


def pointers(kind: str, objects: list[Any]) -> tuple[Any, int]:
    """A C array of handles; NULL for none."""
    if not objects:
        return NULL, 0
    return ffi.new(f"gpuc_{kind} *[]", [item._ptr for item in objects]), len(objects)


def pointer_or_null(handle: Any) -> Any:
    return NULL if handle is None else handle._ptr


def native_of(handle: Handle) -> int:
    """The raw OpenCL handle as an integer."""
    return native(getattr(lib, f"gpuc_{handle._kind}_get_native"), handle._ptr)


def native_integer(value: Any, what: str) -> int:
    """Checks what was given to from_int_ptr."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"int_ptr must be an integer, the address of a {what}; got {type(value).__name__}")
    if not 0 < value < 2**64:
        raise ValueError(f"int_ptr must be the address of a {what}; got {value}")
    return value


def release_native(kind: str, value: int, retain: bool) -> None:
    """After a from_native, which retains: drops the caller's reference if it was to be taken over."""
    if not retain:
        getattr(lib, f"gpuc_py_release_{kind}")(ffi.cast("void *", value))
