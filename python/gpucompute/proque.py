"""ProQue: a context, a queue, a program and default dimensions in one object, as in the Rust crate ocl."""
from __future__ import annotations

import os
from typing import Any, Literal, overload

from ._handle import Handle, pointer_or_null
from ._host import bytes_of
from ._launch import _triple
from ._library import NULL, ffi, lib
from ._types import BY_NAME, type_number
from .buffer import Buffer
from .context import Context
from .device import Device
from .errors import ArgumentError, StateError, check
from .event import Event, Waits
from .kernel import Kernel
from .program import Program, define_array, option_text
from .queue import Queue


class ProQue(Handle, kind="proque"):
    """A program and a queue, and what they need.

        pq = ProQue("kernel void add(global float *x, float y) { x[get_global_id(0)] += y; }", dims=1000)
        x = pq.create_buffer("float32")
        pq.kernel("add").arg(x).arg(10).enq()
        print(pq.read(x))

    or `ProQue.builder().src(...).dims(1000).build()`.

    Args:
        source: OpenCL C; or give `file`.
        dims: the default dimensions, an int or up to three, or None.
        file: a file with the source.
        device: a Device or a filter; None: the default one, or the context's first.
        context: a Context; None: a new one on the device.
        options, defines: as for `Program.build`.
        out_of_order, profiling: as for `Queue`.
    """

    __slots__ = ("_dims", "_kernels")
    _dims: tuple[int, ...] | None

    def __init__(self, source: str | None = None, dims: Any = None, *, file: Any = None, device: Device | str | None = None,
                 context: Context | None = None, options: Any = None, defines: Any = None, out_of_order: bool = False,
                 profiling: bool = False) -> None:
        if source is not None and not isinstance(source, (str, bytes)):
            raise TypeError(f"source must be a text; got {type(source).__name__}")
        if device is not None and not isinstance(device, (Device, str)):
            raise TypeError(f"device must be a Device, a filter or None; got {type(device).__name__}")
        if context is not None and not isinstance(context, Context):
            raise TypeError(f"context must be a Context or None; got {type(context).__name__}")
        keep: list[Any] = []
        desc = ffi.new("gpuc_proque_options *")
        check(lib.gpuc_proque_options_init(desc, ffi.sizeof("gpuc_proque_options")))

        def chars(data: bytes | None) -> Any:
            if data is None:
                return NULL
            keep.append(ffi.new("char[]", data))
            return keep[-1]

        desc.device_filter = chars(device.encode() if isinstance(device, str) else None)
        desc.device = pointer_or_null(device) if isinstance(device, Device) else NULL
        desc.context = pointer_or_null(context)
        desc.source_file = chars(None if file is None else os.fsencode(file))
        desc.options = chars(option_text(options))
        desc.defines, desc.define_count = define_array(defines, keep)
        desc.queue_flags = lib.GPUC_QUEUE_OUT_OF_ORDER * bool(out_of_order) | lib.GPUC_QUEUE_PROFILING * bool(profiling)
        sizes = None if dims is None else _triple(dims, "dims")
        if sizes is not None:
            desc.dims = len(sizes)
            desc.size = list(sizes) + [0] * (3 - len(sizes))
        text = source.encode() if isinstance(source, str) else source
        self._ptr = self._call(lib.gpuc_proque_create, NULL if text is None else text, len(text or b""), desc)
        self._dims = sizes
        self._kernels: dict[str, Kernel] = {}
        del keep

    @staticmethod
    def builder() -> ProQueBuilder:
        """`.src(source)`, `.dims(...)`, `.device(...)` and so on, then `.build()`."""
        return ProQueBuilder()

    @property
    def context(self) -> Context:
        return Context._take(self._call_for(Context, lib.gpuc_proque_get_context))

    @property
    def queue(self) -> Queue:
        queue = Queue._take(self._call_for(Queue, lib.gpuc_proque_get_queue))
        queue._context = self.context
        return queue

    @property
    def program(self) -> Program:
        return Program._of(self._call_for(Program, lib.gpuc_proque_get_program), self.context)

    def _call_for(self, cls: type[Handle], function: Any) -> Any:
        return cls._call(function, self._ptr)

    @property
    def dims(self) -> tuple[int, ...] | None:
        """The default dimensions; may be set."""
        return self._dims

    @dims.setter
    def dims(self, dims: Any) -> None:
        sizes = () if dims is None else _triple(dims, "dims")
        check(lib.gpuc_proque_set_dims(self._ptr, len(sizes), ffi.new("size_t[]", sizes) if sizes else NULL))
        self._dims = sizes or None

    def create_buffer(self, dtype: Any = "float32") -> Buffer:
        """A buffer with one element for each work-item of the default dimensions; its content is zero.

        Args:
            dtype: a numpy dtype or its name.
        """
        number = type_number(_dtype_name(dtype))
        if not number:
            raise ArgumentError(f"dtype is {dtype!r}, must be one of {', '.join(BY_NAME)}")
        ptr = Buffer._call(lib.gpuc_proque_create_buffer, self._ptr, number)
        return Buffer._of(ptr, self.context)

    def kernel(self, name: str) -> KernelBuilder:
        """A launch to be put together: `.arg(x)` for each argument, then `.enq()`."""
        return KernelBuilder(self, self.get_kernel(name))

    kernel_builder = kernel

    def get_kernel(self, name: str) -> Kernel:
        """The kernel itself; the same object each time."""
        self._ptr  # raises if closed
        found = self._kernels.get(name)
        if found is None or found.closed:
            found = self._kernels[name] = self.program.kernel(name)
        return found

    @overload
    def launch(self, name: str, *args: Any, event: Literal[True], waits: Waits = None) -> Event: ...

    @overload
    def launch(self, name: str, *args: Any, event: Literal[False] = False, waits: Waits = None) -> None: ...

    def launch(self, name: str, *args: Any, event: bool = False, waits: Waits = None) -> Event | None:
        """Launches a kernel over the default dimensions."""
        kernel = self.get_kernel(name)
        if self._dims is None:
            raise StateError("this ProQue has no default dimensions: set dims, or launch the kernel with sizes")
        return kernel._launch(self.queue, self._dims, None, args, event, waits)

    def write(self, buffer: Any, data: Any) -> None:
        """Copies host memory into a whole buffer, and waits."""
        from .buffer import as_buffer

        target = as_buffer(buffer, "buffer")
        host = bytes_of(data, "data")
        if len(host) != target.size:
            raise ArgumentError(f"data has {len(host)} bytes, the buffer has {target.size}")
        check(lib.gpuc_proque_write(self._ptr, target._ptr, host))

    def read(self, buffer: Any, out: Any = None) -> Any:
        """Copies a whole buffer into host memory, and waits. Returns `out`, or a new bytearray."""
        from .buffer import as_buffer

        source = as_buffer(buffer, "buffer")
        if out is None:
            out = bytearray(source.size)
        host = bytes_of(out, "out", writable=True)
        if len(host) != source.size:
            raise ArgumentError(f"out has {len(host)} bytes, the buffer has {source.size}")
        check(lib.gpuc_proque_read(self._ptr, source._ptr, host))
        return out

    def finish(self) -> None:
        """Waits for all commands on its queue."""
        check(lib.gpuc_proque_finish(self._ptr))

    def _forget(self) -> Any:
        self._kernels = {}
        return super()._forget()

    def __repr__(self) -> str:
        return "<gpucompute.ProQue, closed>" if self.closed else f"<gpucompute.ProQue of {self.program!r}, dims {self._dims}>"


class ProQueBuilder:
    """The parts of a ProQue, one call each, in any order."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def _with(self, name: str, value: Any) -> ProQueBuilder:
        self._parts[name] = value
        return self

    def src(self, source: str) -> ProQueBuilder:
        return self._with("source", source)

    def src_file(self, file: Any) -> ProQueBuilder:
        return self._with("file", file)

    def dims(self, *dims: Any) -> ProQueBuilder:
        return self._with("dims", dims[0] if len(dims) == 1 else dims)

    def device(self, device: Device | str) -> ProQueBuilder:
        return self._with("device", device)

    def context(self, context: Context) -> ProQueBuilder:
        return self._with("context", context)

    def options(self, options: Any) -> ProQueBuilder:
        return self._with("options", options)

    def define(self, name: str, value: Any = None) -> ProQueBuilder:
        self._parts.setdefault("defines", {})[name] = value
        return self

    def profiling(self, on: bool = True) -> ProQueBuilder:
        return self._with("profiling", on)

    def out_of_order(self, on: bool = True) -> ProQueBuilder:
        return self._with("out_of_order", on)

    def build(self) -> ProQue:
        return ProQue(**self._parts)


class KernelBuilder:
    """A launch that is put together call by call; `enq` may be called again and again."""

    def __init__(self, proque: ProQue, kernel: Kernel) -> None:
        self._proque = proque
        self._kernel = kernel
        self._args: list[Any] = []
        self._gsize: Any = None
        self._lsize: Any = None
        self._queue: Any = None

    def arg(self, value: Any) -> KernelBuilder:
        """The next argument; as for a Kernel."""
        self._args.append(value)
        return self

    def arg_local(self, size: int) -> KernelBuilder:
        """The next argument: so many bytes of local memory."""
        from .kernel import LocalMemory

        return self.arg(LocalMemory(size))

    def global_work_size(self, *gsize: Any) -> KernelBuilder:
        """Instead of the default dimensions."""
        self._gsize = gsize[0] if len(gsize) == 1 else gsize
        return self

    def local_work_size(self, *lsize: Any) -> KernelBuilder:
        self._lsize = lsize[0] if len(lsize) == 1 else lsize
        return self

    def queue(self, queue: Queue) -> KernelBuilder:
        """Instead of the ProQue's own."""
        self._queue = queue
        return self

    def build(self) -> KernelBuilder:
        """Does nothing; ocl's programs call it before `enq`."""
        return self

    @overload
    def enq(self, *, event: Literal[True], waits: Waits = None) -> Event: ...

    @overload
    def enq(self, *, event: Literal[False] = False, waits: Waits = None) -> None: ...

    def enq(self, *, event: bool = False, waits: Waits = None) -> Event | None:
        """Launches; does not wait."""
        gsize = self._proque.dims if self._gsize is None else self._gsize
        if gsize is None:
            raise StateError("no dimensions: give the ProQue dims, or this launch a global_work_size")
        queue = self._proque.queue if self._queue is None else self._queue
        return self._kernel._launch(queue, gsize, self._lsize, tuple(self._args), event, waits)


def _dtype_name(dtype: Any) -> str:
    if isinstance(dtype, str):
        return dtype
    if hasattr(dtype, "name"):
        return str(dtype.name)
    import numpy

    return str(numpy.dtype(dtype).name)
