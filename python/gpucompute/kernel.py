"""Kernels: signatures, and launches in one call."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from . import _launch, _pack
from ._defaults import queue_of
from ._handle import Handle, native_integer, pointer_or_null, release_native
from ._launch import Parameter
from ._library import address, ffi, lib, native, number, pointer, text
from ._native import cl_check, context_of_native
from .context import Context
from .device import Device
from .errors import check
from .event import Event, Waits, wait_list

if TYPE_CHECKING:
    from .program import Program
    from .queue import Queue

Size = Any  # an int, or a sequence of 1 to 3


class LocalMemory:
    """An argument for a `local` pointer: so many bytes for each work-group."""

    __slots__ = ("size", "__gpuc_arg__")

    def __init__(self, size: int) -> None:
        from .buffer import byte_count

        self.size = byte_count(size, "size")
        self.__gpuc_arg__ = _pack.local(self.size)

    def __repr__(self) -> str:
        return f"LocalMemory({self.size})"


class Kernel(Handle, kind="kernel"):
    """A kernel of a program: `program.name`, or `Kernel(program, "name")`.

        kernel(queue, gsize, lsize, *args)
        kernel[gsize, lsize](*args)

    gsize is the number of work-items, an int or up to three; lsize that of a group, or None: chosen for you. Threads may launch one kernel at
    once. Every launch is checked against the kernel's signature before the driver sees it. Arguments:

    * for a global or constant pointer: a Buffer, a device array of the right element type whose elements are one after the other, or None
      for a null pointer;
    * for a local pointer: LocalMemory(bytes);
    * for a number: a Python number or numpy scalar, which must fit the declared type;
    * for a vector or a structure: its bytes, such as a numpy array or record.

    Keyword arguments of a launch: `event=True` returns an Event (otherwise a launch returns None, and costs less); `waits`: events to wait
    for; `offset`: where global ids start; `round_up=True`: rounds gsize up to a multiple of lsize. A queue of None is that of the program's
    context.
    """

    __slots__ = ("_context", "_plan", "_c_plan", "_plan_address", "_name", "_cl_kernel")
    _context: Context
    _plan_address: int  # of _c_plan, for the fast way; 0: there is none, or the kernel is closed
    _cl_kernel: Any
    _launcher: ClassVar[type[Launcher]]

    def __init__(self, program: Program, name: str) -> None:
        self._set(program.context, self._call(lib.gpuc_kernel_create, program._ptr, _launch.encoded_name(name)))

    def _set(self, context: Context, ptr: Any) -> None:
        self._ptr = ptr
        self._context = context
        self._name = text(lib.gpuc_kernel_get_name, ptr)
        self._cl_kernel = None
        self._plan = _launch.Plan(ptr, self._name)
        self._c_plan = self._plan.c_plan
        self._plan_address = 0
        if self._plan.known:
            self._plan_address = address(self._c_plan)
            self.__class__ = _Known

    @overload
    def __call__(self, queue: Any, gsize: Size, lsize: Size, *args: Any, event: Literal[True], waits: Waits = None, offset: Any = None,
                 round_up: bool = False) -> Event: ...

    @overload
    def __call__(self, queue: Any, gsize: Size, lsize: Size, *args: Any, event: Literal[False] = False, waits: Waits = None,
                 offset: Any = None, round_up: bool = False) -> None: ...

    def __call__(self, queue: Any, gsize: Size, lsize: Size, *args: Any, event: bool = False, waits: Waits = None, offset: Any = None,
                 round_up: bool = False) -> Event | None:
        """Launches the kernel; see the class. Replaced by a faster one where the whole signature is known."""
        return self._launch(queue, gsize, lsize, args, event, waits, offset, round_up)

    def _launch(self, queue: Any, gsize: Size, lsize: Size, args: tuple[Any, ...], event: bool = False, waits: Waits = None,
                offset: Any = None, round_up: bool = False) -> Event | None:
        queue_ptr = queue_of(queue, self)._ptr
        self._ptr  # raises if closed
        try:
            launch = None if offset or round_up else _launch.sizes.get((gsize, lsize))
        except TypeError:  # a list is no key
            launch = None
        launch = launch or _launch.launch_bytes(gsize, lsize, offset, round_up)
        try:
            plan, block = self._c_plan, self._block(*args)
        except Exception:
            plan, block = self._plan.pack(args)
        out = ffi.new(_event_out) if event else ffi.NULL
        status = lib.gpuc_py_launch_waits(plan, queue_ptr, launch, block, *wait_list(waits), out)
        if status == _launch.REFUSED:
            self._plan.pack(args)  # raises, unless it is the element types alone that do not fit
            raise self._plan.refused(args)
        check(status)
        return Event._take(out[0]) if event else None

    @staticmethod
    def _block(*args: Any) -> bytes:
        """The arguments packed; replaced where the whole signature is known."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Launcher:
        """`kernel[gsize, lsize]`, or `kernel[gsize]`: gsize and lsize are ints or tuples, lsize None: chosen for you. Two numbers are gsize and
        lsize in one dimension: `kernel[(64, 64), None]` runs over two."""
        gsize, lsize = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        return self._launcher(self, gsize, lsize)

    # ---- what it is ----

    @property
    def name(self) -> str:
        return self._name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What is known of each parameter."""
        return self._plan.parameters

    @property
    def program(self) -> Program:
        from .program import Program

        return Program._of(Program._call(lib.gpuc_kernel_get_program, self._ptr), self._context)

    @property
    def context(self) -> Context:
        self._ptr  # raises if closed
        return self._context

    def info(self, device: Device | None = None) -> KernelInfo:
        """Numbers about the kernel on a device; None: its context's first."""
        return KernelInfo(self, device)

    # ---- sharing ----

    @property
    def int_ptr(self) -> int:
        """A cl_kernel of this kernel as an integer; the same each time, and valid until this object goes. Its arguments are not those of any
        launch here."""
        ptr = self._ptr
        if self._cl_kernel is None:
            self._cl_kernel = ffi.gc(ffi.cast("void *", native(lib.gpuc_kernel_create_native, ptr)), lib.gpuc_py_release_kernel)
        return int(ffi.cast("uintptr_t", self._cl_kernel))

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True, context: Context | None = None) -> Kernel:
        """The kernel of a cl_kernel, such as `pyopencl.Kernel.int_ptr`; arguments that were set there are not taken over.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
            context: its context, if you have it at hand.
        """
        from .program import Program

        native_integer(int_ptr, "cl_kernel")
        out, needed = ffi.new("void **"), ffi.new("size_t *")
        cl_check(lib.gpuc_py_kernel_program(pointer(int_ptr), out), "clGetKernelInfo")
        cl_check(lib.gpuc_py_kernel_name(pointer(int_ptr), ffi.NULL, 0, needed), "clGetKernelInfo")
        name = ffi.new("char[]", needed[0])
        cl_check(lib.gpuc_py_kernel_name(pointer(int_ptr), name, needed[0], needed), "clGetKernelInfo")
        program = int(ffi.cast("uintptr_t", out[0]))
        kernel = Program.from_int_ptr(program, context=context).kernel(ffi.string(name).decode())
        release_native("kernel", int_ptr, retain)
        return kernel

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            self._cl_kernel = None
            self._c_plan = None
            self._plan_address = 0
        return ptr

    def __repr__(self) -> str:
        declared = ", ".join(parameter.text for parameter in self._plan.parameters)
        return f"<gpucompute.Kernel {self._name}({declared}){', closed' if self.closed else ''}>"


class KernelInfo:
    """Numbers about a kernel on a device."""

    def __init__(self, kernel: Kernel, device: Device | None) -> None:
        def read(key: int) -> int:
            return number(lib.gpuc_kernel_get_number, kernel._ptr, pointer_or_null(device), key)

        self.max_work_group_size = read(lib.GPUC_KERNEL_MAX_WORK_GROUP_SIZE)
        self.preferred_multiple = read(lib.GPUC_KERNEL_PREFERRED_MULTIPLE)
        """of the work-group size"""
        self.local_memory_bytes = read(lib.GPUC_KERNEL_LOCAL_MEMORY_BYTES)
        self.private_memory_bytes = read(lib.GPUC_KERNEL_PRIVATE_MEMORY_BYTES)
        size = (read(lib.GPUC_KERNEL_REQUIRED_SIZE_X), read(lib.GPUC_KERNEL_REQUIRED_SIZE_Y), read(lib.GPUC_KERNEL_REQUIRED_SIZE_Z))
        self.required_size = size if any(size) else None
        """reqd_work_group_size, or None"""

    def __repr__(self) -> str:
        return f"KernelInfo({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


class Launcher:
    """`kernel[gsize, lsize]`: call it with the arguments of the kernel."""

    __slots__ = ("kernel", "gsize", "lsize", "_queue", "_c_plan", "_plan_address", "_sizes")

    def __init__(self, kernel: Kernel, gsize: Size, lsize: Size) -> None:
        self.kernel = kernel
        self.gsize = gsize
        self.lsize = lsize
        self._queue = kernel.context.queue
        self._c_plan = kernel._c_plan  # keeps what is at the address
        self._plan_address = kernel._plan_address
        self._sizes = _launch.launch_bytes(gsize, lsize)

    @overload
    def __call__(self, *args: Any, queue: Queue | None = None, event: Literal[True], waits: Waits = None, offset: Any = None,
                 round_up: bool = False) -> Event: ...

    @overload
    def __call__(self, *args: Any, queue: Queue | None = None, event: Literal[False] = False, waits: Waits = None, offset: Any = None,
                 round_up: bool = False) -> None: ...

    def __call__(self, *args: Any, queue: Queue | None = None, event: bool = False, waits: Waits = None, offset: Any = None,
                 round_up: bool = False) -> Event | None:
        """Launches; keyword arguments as for a kernel, and `queue`, None: that of the kernel's context."""
        return self._launch(args, queue, event, waits, offset, round_up)

    def _launch(self, args: tuple[Any, ...], queue: Queue | None = None, event: bool = False, waits: Waits = None, offset: Any = None,
                round_up: bool = False) -> Event | None:
        return self.kernel._launch(self._queue if queue is None else queue, self.gsize, self.lsize, args, event, waits, offset, round_up)


Kernel._launcher = Launcher


def _known(cls: type, call: type, **members: Any) -> Any:
    """The class, with the fast way of a launch: for kernels whose whole signature is known."""
    return type(cls.__name__, (call, cls), {"__slots__": (), "__doc__": cls.__doc__, "__module__": cls.__module__,
                                            "_checked_call": cls.__call__, **members})


_Known = _known(Kernel, _launch.KernelCall, _launcher=_known(Launcher, _launch.LauncherCall))
_event_out = Event._out_type
