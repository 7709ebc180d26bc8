"""Devices: listing, selecting, properties, what they can really do."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._handle import Handle, native_integer, native_of
from ._library import NULL, ffi, lib, number, pointer, text
from .errors import OutOfRange, check
from .platform import Platform

if TYPE_CHECKING:
    from .context import Context
    from .kernel import Kernel
    from .queue import Queue

_TYPES = {1: "cpu", 2: "gpu", 3: "accelerator", 4: "custom"}
_FP16 = ("none", "storage", "arithmetic", "math")


class Capabilities:
    """What a device really can do, found by compiling and running small kernels once per device and driver."""

    def __init__(self, device: Device) -> None:
        def probe(key: int) -> int:
            return number(lib.gpuc_device_get_capability, device._ptr, key)

        self.fp16: str = _FP16[probe(lib.GPUC_CAPABILITY_FP16)]
        """"none", "storage" (vload_half), "arithmetic" (+ - * /) or "math" (fma, sqrt, exp too)."""
        self.fp64 = bool(probe(lib.GPUC_CAPABILITY_FP64))
        """double arithmetic"""
        self.int64_atomics = bool(probe(lib.GPUC_CAPABILITY_INT64_ATOMICS))
        """atom_add on ulong in global memory"""
        self.sub_groups = bool(probe(lib.GPUC_CAPABILITY_SUB_GROUPS))
        """sub_group_reduce_add"""
        self.inline_ptx = bool(probe(lib.GPUC_CAPABILITY_INLINE_PTX))
        """asm() with NVIDIA's PTX in OpenCL C"""
        self.spirv = bool(probe(lib.GPUC_CAPABILITY_SPIRV))
        """programs from SPIR-V"""

    def __repr__(self) -> str:
        return f"Capabilities({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


class Device(Handle, kind="device"):
    """A device: `Device(0)` is the best there is, `Device("nvidia:gpu:0")` the one that a filter selects, `Device()` the default one.

    Args:
        which: an index into `devices()`, or a filter: up to four parts joined by ':', in any order: a type ("cpu", "gpu", "accelerator"),
            an index, and texts to be found in the names of platform, vendor, device or driver. None: what GPUC_DEVICE says, else the best.

    Raises DeviceNotFound where nothing fits; the message lists what there is.
    """

    __slots__ = ()

    def __init__(self, which: int | str | None = None) -> None:
        if which is None or isinstance(which, str):
            if which is not None and "\0" in which:
                raise ValueError("a device filter holds a NUL character")
            self._ptr = self._call(lib.gpuc_device_select, NULL if not which else which.encode())
            return
        if isinstance(which, bool) or not hasattr(which, "__index__"):
            raise TypeError(f"which must be an index, a filter text or None; got {type(which).__name__}")
        index = which.__index__()
        found = devices()
        if not 0 <= index < len(found):
            raise OutOfRange(f"device index is {index}, there are {len(found)} devices, 0 to {len(found) - 1}")
        self._ptr = found[index]._forget()

    # ---- text ----

    def _text(self, key: int) -> str:
        return text(lib.gpuc_device_get_string, self._ptr, key)

    @property
    def name(self) -> str:
        return self._text(lib.GPUC_DEVICE_NAME)

    @property
    def vendor(self) -> str:
        return self._text(lib.GPUC_DEVICE_VENDOR)

    @property
    def driver_version(self) -> str:
        return self._text(lib.GPUC_DEVICE_DRIVER_VERSION)

    @property
    def version(self) -> str:
        """Such as "OpenCL 3.0 ..."."""
        return self._text(lib.GPUC_DEVICE_VERSION)

    @property
    def c_version(self) -> str:
        """Such as "OpenCL C 1.2 ..."."""
        return self._text(lib.GPUC_DEVICE_C_VERSION)

    @property
    def profile(self) -> str:
        return self._text(lib.GPUC_DEVICE_PROFILE)

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(self._text(lib.GPUC_DEVICE_EXTENSIONS).split())

    @property
    def uuid(self) -> str:
        """32 hexadecimal digits; "" where the driver offers none."""
        return self._text(lib.GPUC_DEVICE_UUID)

    @property
    def pci_id(self) -> str:
        """Such as "0000:65:00.0"; "" where the driver offers none."""
        return self._text(lib.GPUC_DEVICE_PCI_ID)

    @property
    def filter(self) -> str:
        """A filter that selects this device."""
        return self._text(lib.GPUC_DEVICE_FILTER)

    # ---- numbers ----

    def _number(self, key: int) -> int:
        return number(lib.gpuc_device_get_number, self._ptr, key)

    @property
    def type(self) -> str:
        """"cpu", "gpu", "accelerator" or "custom"."""
        return _TYPES.get(self._number(lib.GPUC_DEVICE_TYPE), "custom")

    @property
    def vendor_id(self) -> int:
        return self._number(lib.GPUC_DEVICE_VENDOR_ID)

    @property
    def compute_units(self) -> int:
        return self._number(lib.GPUC_DEVICE_COMPUTE_UNITS)

    @property
    def clock_mhz(self) -> int:
        return self._number(lib.GPUC_DEVICE_CLOCK_MHZ)

    @property
    def global_memory_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_GLOBAL_MEMORY_BYTES)

    @property
    def max_allocation_bytes(self) -> int:
        """The most that one buffer may have."""
        return self._number(lib.GPUC_DEVICE_MAX_ALLOCATION_BYTES)

    @property
    def local_memory_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_LOCAL_MEMORY_BYTES)

    @property
    def constant_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_CONSTANT_BYTES)

    @property
    def cache_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_CACHE_BYTES)

    @property
    def cache_line_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_CACHE_LINE_BYTES)

    @property
    def max_work_group_size(self) -> int:
        return self._number(lib.GPUC_DEVICE_MAX_WORK_GROUP_SIZE)

    @property
    def max_work_items(self) -> tuple[int, int, int]:
        """The most work-items of a group in each dimension."""
        return (self._number(lib.GPUC_DEVICE_MAX_WORK_ITEMS_X), self._number(lib.GPUC_DEVICE_MAX_WORK_ITEMS_Y),
                self._number(lib.GPUC_DEVICE_MAX_WORK_ITEMS_Z))

    @property
    def address_bits(self) -> int:
        return self._number(lib.GPUC_DEVICE_ADDRESS_BITS)

    @property
    def slice_alignment_bytes(self) -> int:
        """A slice that a kernel gets must start at a multiple of this."""
        return self._number(lib.GPUC_DEVICE_SLICE_ALIGNMENT_BYTES)

    @property
    def unified_memory(self) -> bool:
        """Whether it shares memory with the host."""
        return bool(self._number(lib.GPUC_DEVICE_UNIFIED_MEMORY))

    @property
    def timer_resolution_ns(self) -> int:
        return self._number(lib.GPUC_DEVICE_TIMER_RESOLUTION_NS)

    @property
    def out_of_order(self) -> bool:
        """Whether it has out-of-order queues."""
        return bool(self._number(lib.GPUC_DEVICE_OUT_OF_ORDER))

    @property
    def available(self) -> bool:
        return bool(self._number(lib.GPUC_DEVICE_AVAILABLE))

    @property
    def compiler_available(self) -> bool:
        return bool(self._number(lib.GPUC_DEVICE_COMPILER_AVAILABLE))

    @property
    def little_endian(self) -> bool:
        return bool(self._number(lib.GPUC_DEVICE_LITTLE_ENDIAN))

    @property
    def opencl_version(self) -> int:
        """major * 100 + minor * 10: 300."""
        return self._number(lib.GPUC_DEVICE_OPENCL_VERSION)

    @property
    def opencl_c_version(self) -> int:
        """The same for the language."""
        return self._number(lib.GPUC_DEVICE_OPENCL_C_VERSION)

    @property
    def max_argument_bytes(self) -> int:
        return self._number(lib.GPUC_DEVICE_MAX_ARGUMENT_BYTES)

    @property
    def vector_width_f32(self) -> int:
        return self._number(lib.GPUC_DEVICE_VECTOR_WIDTH_F32)

    @property
    def vector_width_f64(self) -> int:
        return self._number(lib.GPUC_DEVICE_VECTOR_WIDTH_F64)

    @property
    def error_correction(self) -> bool:
        return bool(self._number(lib.GPUC_DEVICE_ERROR_CORRECTION))

    # ---- the rest ----

    @property
    def capabilities(self) -> Capabilities:
        """What it really can do. The first call for a device and driver compiles and runs small kernels, which may take seconds."""
        return Capabilities(self)

    @property
    def platform(self) -> Platform:
        return Platform._take(Platform._call(lib.gpuc_device_get_platform, self._ptr))

    @property
    def int_ptr(self) -> int:
        """The cl_device_id as an integer."""
        return native_of(self)

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True) -> Device:
        """The device of a cl_device_id, such as `pyopencl.Device.int_ptr`. Root devices are not counted: `retain` changes nothing."""
        native_integer(int_ptr, "cl_device_id")
        return Device._take(Device._call(lib.gpuc_device_from_native, pointer(int_ptr)))

    # ---- work in one place, without naming context and queue (the shape of alkomp's Device) ----

    @property
    def context(self) -> Context:
        """The context of this device alone that the whole program shares; made on first use."""
        from ._defaults import context_for

        return context_for(self)

    @property
    def queue(self) -> Queue:
        """`device.context.queue`."""
        return self.context.queue

    def compile(self, name: str, source: str, options: Any = None, defines: Any = None) -> Kernel:
        """Builds a program and gives its kernel `name`."""
        from .program import Program

        return Program(self.context, source).build(options, defines).kernel(name)

    def run(self, kernel: Kernel, gsize: Any, *args: Any, lsize: Any = None) -> None:
        """Launches a kernel on the device's queue; see `Kernel`."""
        kernel(self.queue, gsize, lsize, *args)

    def to_device(self, array: Any) -> Any:
        """A copy of a numpy array (or of anything numpy makes an array of) in this device's memory."""
        from .creation import to_device

        return to_device(self.queue, array)

    @staticmethod
    def get(array: Any) -> Any:
        """A numpy array with the content of a device array; waits for the commands before."""
        return array.get()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self is other or (not self.closed and not other.closed and self.int_ptr == other.int_ptr)

    def __hash__(self) -> int:
        return hash(self.int_ptr)

    def __repr__(self) -> str:
        return "<gpucompute.Device, closed>" if self.closed else f"<gpucompute.Device {self.name!r} ({self.type}, {self.filter!r})>"


def devices(filter: str | None = None) -> list[Device]:
    """The devices that a filter lets through (all without one), the best first: GPUs, accelerators, CPUs, checkers last.

    Raises DeviceNotFound where there is none; the message says what there is and what to do.
    """
    if filter is not None and not isinstance(filter, str):
        raise TypeError(f"filter must be a text or None; got {type(filter).__name__}")
    key: Any = filter.encode() if filter else NULL
    count = ffi.new("size_t *")
    check(lib.gpuc_device_list(key, NULL, 0, count))
    items = ffi.new("gpuc_device *[]", count[0])
    check(lib.gpuc_device_list(key, items, count[0], count))
    return [Device._take(item) for item in items[0:min(count[0], len(items))]]
