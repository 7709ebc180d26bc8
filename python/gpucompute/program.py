"""Programs: OpenCL C (or SPIR-V, or a driver's own binary) built for the devices of a context."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping, Union

from ._defaults import context_of
from ._handle import Handle, native_integer, native_of, pointer_or_null, release_native
from ._library import NULL, ffi, lib, pointer, text
from ._lock import Lock
from ._native import context_of_native
from .context import Context
from .device import Device
from .errors import ArgumentError, NotFound, StateError, check

if TYPE_CHECKING:
    from .kernel import Kernel

Source = Union[str, bytes, Iterable[Union[str, bytes]]]
Options = Union[None, str, Iterable[str]]
Defines = Union[None, Mapping[str, Any]]

_build_lock = Lock()


class Program(Handle, kind="program"):
    """A program. `Program(source)`, or `Program(queue, source)` with a Context, Queue or Device.

        program = Program("kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }").build(options=["-cl-fast-relaxed-math"])
        program.twice(queue, (1000,), None, x)

    Args:
        owner: a Context, a Queue, a Device (its own context), or None for the default context. May be left out.
        source: OpenCL C: a text, or several that are joined in order.
        headers: {"name.h": text}, for `#include "name.h"`.
        binary: what `binary` of a program gave, instead of a source; for contexts of one device.
        spirv: SPIR-V, instead of a source.
        cache: False: neither read nor write the on-disk cache.

    It is built by `build`, or on first use. Its kernels are its attributes; `program["name"]` serves where a name is taken.
    """

    __slots__ = ("_context", "_spec", "_kernels")
    _context: Context
    _spec: _Spec | None  # what is still to be built
    _kernels: dict[str, Kernel]

    def __init__(self, owner: Any = None, source: Source | None = None, *, headers: Mapping[str, str] | None = None,
                 binary: bytes | None = None, spirv: bytes | None = None, cache: bool = True) -> None:
        if source is None and isinstance(owner, (str, bytes, list, tuple)):
            owner, source = None, owner
        spec = _Spec(source, headers, binary, spirv, cache)
        self._set(context_of(owner), spec)

    def _set(self, context: Context, spec: _Spec | None) -> None:
        self._context = context
        self._spec = spec
        self._kernels = {}

    @classmethod
    def _of(cls, ptr: Any, context: Context) -> Program:
        self = cls._take(ptr)
        self._set(context, None)
        return self

    def build(self, options: Options = None, defines: Defines = None) -> Program:
        """Builds the program for all devices of its context; other threads run meanwhile. Returns the program.

        Args:
            options: compiler options: a text, or a list of them.
            defines: {"NAME": value} for the preprocessor. Numbers keep their value and, if they are numpy scalars, their type; True and
                False are 1 and 0; None defines a name alone.

        Raises BuildError: the message has the first error and its source line, `.build_log` the whole log.
        """
        with _build_lock:
            if self._spec is None:
                raise StateError("this Program is closed" if self.closed else "this Program is built already; make another one")
            desc, kept = self._spec.desc(options, defines)
            self._ptr = self._call(lib.gpuc_program_create, self._context._ptr, desc)
            del kept
            self._spec = None
        return self

    def __getattr__(self, name: str) -> Any:
        if name == "_ptr":
            with _build_lock:
                if self._spec is not None:
                    self.build()
                try:
                    return object.__getattribute__(self, "_ptr")
                except AttributeError:
                    raise StateError("this Program is closed", 203) from None
        if name.startswith("_"):  # a kernel of such a name: program["_name"]
            raise AttributeError(f"'Program' object has no attribute {name!r}")
        try:
            return self.kernel(name)
        except NotFound as error:
            raise AttributeError(str(error)) from None

    def __getitem__(self, name: str) -> Kernel:
        return self.kernel(name)

    def kernel(self, name: str) -> Kernel:
        """The kernel of that name; the same object each time. NotFound lists the names there are."""
        try:
            found = self._kernels.get(name)
        except TypeError:
            found = None
        if found is None or found.closed:
            if not isinstance(name, str):
                raise TypeError(f"name must be a text; got {type(name).__name__}")
            from .kernel import Kernel

            with _build_lock:
                found = self._kernels.get(name)
                if found is None or found.closed:
                    found = self._kernels[name] = Kernel(self, name)
        return found

    @property
    def kernel_names(self) -> tuple[str, ...]:
        """Sorted."""
        names = text(lib.gpuc_program_get_kernel_names, self._ptr)
        return tuple(names.split(";")) if names else ()

    def __dir__(self) -> Iterable[str]:
        own = list(super().__dir__())
        return own if self._spec is not None or self.closed else own + list(self.kernel_names)

    @property
    def built(self) -> bool:
        return self._spec is None and not self.closed

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._spec is None and super().closed

    def _forget(self) -> Any:
        self._spec = None
        self._kernels = {}
        return super()._forget()

    @property
    def context(self) -> Context:
        return self._context

    def build_log(self, device: Device | None = None) -> str:
        """What the compiler said, which may be warnings; "" for a program from the cache."""
        return text(lib.gpuc_program_get_build_log, self._ptr, pointer_or_null(device))

    def binary(self, device: Device | None = None) -> bytes:
        """What the driver made of the program, for `Program(binary=...)` on the same device and driver."""
        needed = ffi.new("size_t *")
        check(lib.gpuc_program_get_binary(self._ptr, pointer_or_null(device), NULL, 0, needed))
        buf = ffi.new("char[]", needed[0])
        check(lib.gpuc_program_get_binary(self._ptr, pointer_or_null(device), buf, needed[0], needed))
        return bytes(ffi.buffer(buf, needed[0]))

    @property
    def from_cache(self) -> bool:
        """Whether it came from the on-disk cache."""
        out = ffi.new("int32_t *")
        check(lib.gpuc_program_get_from_cache(self._ptr, out))
        return bool(out[0])

    @property
    def int_ptr(self) -> int:
        """The cl_program as an integer. Not retained."""
        return native_of(self)

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True, context: Context | None = None) -> Program:
        """A program around a cl_program that is built, such as `pyopencl.Program.int_ptr`.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
            context: its context, if you have it at hand.
        """
        native_integer(int_ptr, "cl_program")
        owner = context_of_native("program", int_ptr, context)
        program = Program._of(Program._call(lib.gpuc_program_from_native, owner._ptr, pointer(int_ptr)), owner)
        release_native("program", int_ptr, retain)
        return program

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Program, closed>"
        return "<gpucompute.Program, not built yet>" if self._spec else f"<gpucompute.Program with {', '.join(self.kernel_names)}>"


class _Spec:
    """What a program is made of."""

    def __init__(self, source: Any, headers: Any, binary: Any, spirv: Any, cache: bool) -> None:
        given = [name for name, value in (("source", source), ("binary", binary), ("spirv", spirv)) if value is not None]
        if len(given) != 1:
            raise ArgumentError(f"give one of source, binary and spirv; got {' and '.join(given) or 'none'}")
        self.sources = [] if source is None else [_encoded(part, "source") for part in
                                                  ([source] if isinstance(source, (str, bytes)) else _listed(source, "source"))]
        self.headers = [(_name(name), _encoded(part, f"header {name!r}")) for name, part in (headers or {}).items()]
        self.binary = _binary(binary, "binary")
        self.spirv = _binary(spirv, "spirv")
        self.cache = cache

    def desc(self, options: Options, defines: Defines) -> tuple[Any, list[Any]]:
        """(a gpuc_program_desc, what it points to)"""
        desc = ffi.new("gpuc_program_desc *")
        check(lib.gpuc_program_desc_init(desc, ffi.sizeof("gpuc_program_desc")))
        keep: list[Any] = []

        def chars(data: bytes) -> Any:
            keep.append(ffi.new("char[]", data))
            return keep[-1]

        def texts(items: list[tuple[bytes | None, bytes]]) -> Any:
            array = ffi.new("gpuc_text[]", len(items))
            keep.append(array)
            for entry, (name, data) in zip(array, items):
                entry.name = NULL if name is None else chars(name)
                entry.text, entry.size_bytes = chars(data), len(data)
            return array

        if self.sources:
            desc.sources, desc.source_count = texts([(None, data) for data in self.sources]), len(self.sources)
        if self.headers:
            desc.headers, desc.header_count = texts(list(self.headers)), len(self.headers)
        if self.binary is not None:
            desc.binary, desc.binary_size_bytes = chars(self.binary), len(self.binary)
        if self.spirv is not None:
            desc.spirv, desc.spirv_size_bytes = chars(self.spirv), len(self.spirv)
        pairs, count = define_array(defines, keep)
        desc.defines, desc.define_count = pairs, count
        words = option_text(options)
        desc.options = NULL if words is None else chars(words)
        desc.flags = 0 if self.cache else lib.GPUC_PROGRAM_NO_CACHE
        return desc, keep


def option_text(options: Options) -> bytes | None:
    if options is None:
        return None
    if not isinstance(options, str):
        options = " ".join(_text(word, "options") for word in _listed(options, "options"))
    return _no_nul(options, "options")


def define_array(defines: Defines, keep: list[Any]) -> tuple[Any, int]:
    """(gpuc_define array, count); what it points to goes into `keep`."""
    if not defines:
        return NULL, 0
    if not hasattr(defines, "items"):
        raise TypeError(f"defines must be a dict; got {type(defines).__name__}")
    array = ffi.new("gpuc_define[]", len(defines))
    keep.append(array)
    for entry, (name, value) in zip(array, defines.items()):
        keep.append(ffi.new("char[]", _no_nul(_text(name, "the name of a define"), "the name of a define")))
        entry.name = keep[-1]
        literal = define_value(name, value)
        if literal is not None:
            keep.append(ffi.new("char[]", _no_nul(literal, f"define {name!r}")))
            entry.value = keep[-1]
    return array, len(defines)


def define_value(name: str, value: Any) -> str | None:
    """A value as OpenCL C writes it."""
    if value is None or isinstance(value, str):
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, bool) or kind == "b":
        return str(int(value))
    if isinstance(value, int) or kind in "iu" and kind:
        number = int(value)
        suffix = ("u" if kind == "u" else "") + ("L" if kind and value.dtype.itemsize == 8 or not -2**31 <= number < 2**31 else "")
        return f"({number}{suffix})" if number < 0 else f"{number}{suffix}"
    if isinstance(value, float) or kind == "f":
        number_ = float(value)
        if number_ != number_:
            return "NAN"
        if number_ in (float("inf"), float("-inf")):
            return "INFINITY" if number_ > 0 else "(-INFINITY)"
        suffix = "f" if kind == "f" and value.dtype.itemsize <= 4 else ""
        return f"({number_!r}{suffix})" if number_ < 0 else f"{number_!r}{suffix}"
    raise TypeError(f"define {name!r} must be a text, a number, a bool or None; got {type(value).__name__}")


def _listed(value: Any, what: str) -> list[Any]:
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{what} must be a text or a list of texts; got {type(value).__name__}") from None


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text; got {type(value).__name__}")
    return value


def _encoded(value: Any, what: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text; got {type(value).__name__}")
    return value.encode()


def _no_nul(value: str, what: str) -> bytes:
    if "\0" in value:
        raise ArgumentError(f"{what} holds a NUL character")
    return value.encode()


def _name(value: Any) -> bytes:
    return _no_nul(_text(value, "the name of a header"), "the name of a header")


def _binary(value: Any, what: str) -> bytes | None:
    if value is None:
        return None
    try:
        return bytes(memoryview(value))
    except TypeError:
        raise TypeError(f"{what} must be bytes; got {type(value).__name__}") from None
