"""Pairs of memory: the same elements on the host and on a device, moved by hand. `DeviceArray_float32(1000)` has 1000 on each side."""
from __future__ import annotations

from typing import Any, Callable, ClassVar

import numpy

from ._defaults import queue_of
from ._dtypes import dtype_of
from .array import Array, _host_values
from .errors import ArgumentError, Error, StateError
from .queue import Queue


class DeviceArray:
    """The base of `DeviceArray_float32` and its like, one for each dtype.

        x = gpucompute.DeviceArray_float32(numpy.arange(10))
        x.allocate()
        x.to_device()
        program.scale(queue, x.host.size, None, x, 2.0)
        x.to_host()          # x.host has the result

    Args:
        host: an array whose elements, converted to the dtype, are the host side (the same memory if it has the dtype already), or a shape, whose
            elements are 0 then.
        queue: None: the default queue.

    Methods raise what goes wrong; `last_status()` keeps it as a number.
    """

    _dtype: ClassVar[Any] = None
    dtype: numpy.dtype[Any]

    def __init__(self, host: Any, queue: Any = None) -> None:
        if self._dtype is None:
            raise TypeError("DeviceArray is the base of DeviceArray_float32, DeviceArray_int32 and so on: use one of these")
        self.dtype = dtype_of(self._dtype)
        self._queue: Queue = queue_of(queue)
        self._device: Array | None = None
        self._status = 0
        is_shape = hasattr(host, "__index__") and getattr(host, "ndim", 0) == 0 or isinstance(host, tuple)
        found = numpy.zeros(host, self.dtype) if is_shape else _host_values(host, self.dtype)
        self.host: numpy.ndarray[Any, Any] = numpy.require(found, requirements=["C", "W"]).reshape(found.shape)
        """the host side"""

    # ---- what it is ----

    @property
    def device(self) -> Array:
        """The device side, as an Array; StateError before `allocate()`."""
        if self._device is None:
            raise StateError("the device side is not there: call allocate() first")
        return self._device

    @property
    def allocated(self) -> bool:
        """Whether there is a device side."""
        return self._device is not None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.host.shape)

    @property
    def size(self) -> int:
        return self.host.size

    @property
    def nbytes(self) -> int:
        return self.host.nbytes

    def __len__(self) -> int:
        return len(self.host)

    # ---- the two sides ----

    def allocate(self) -> int:
        """Makes the device side; its content is undefined. Gives the status, 0. A second call does nothing."""
        return self._do(self._allocate)

    def _allocate(self) -> None:
        if self._device is None:
            self._device = Array(self.shape, self.dtype, self._queue)

    def to_device(self) -> int:
        """Copies the host side to the device side, which is made if need be. Gives the status, 0."""
        def run() -> None:
            self._allocate()
            self._check()
            self.device.set(self.host)
        return self._do(run)

    def to_host(self) -> int:
        """Copies the device side to the host side, when the commands on the queue are complete. Gives the status, 0."""
        def run() -> None:
            self._check()
            self.device.get(self.host)
        return self._do(run)

    def free(self) -> int:
        """Gives the device side up; the host side stays. Gives the status, 0."""
        def run() -> None:
            if self._device is not None:
                self._device.close()
                self._device = None
        return self._do(run)

    close = free

    def last_status(self) -> int:
        """The status of the last call here: 0, or that of the C ABI of the exception it raised."""
        return self._status

    def _check(self) -> None:
        if self.host.shape != self.device.shape or self.host.dtype != self.dtype:
            raise ArgumentError(f"the host side is now {self.host.dtype} of shape {self.host.shape}, the device side is {self.dtype} of shape "
                                f"{self.device.shape}")

    def _do(self, run: Callable[[], None]) -> int:
        try:
            run()
        except Error as error:
            self._status = error.status
            raise
        self._status = 0
        return 0

    def __enter__(self) -> DeviceArray:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.free()

    # ---- as a kernel argument ----

    @property
    def __gpuc_buffer__(self) -> Any:
        return self.device.__gpuc_buffer__

    @property
    def __gpuc_arg__(self) -> bytes:
        return self.device.__gpuc_arg__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        if copy:
            return numpy.array(self.host, dtype)
        return numpy.asarray(self.host, dtype)

    def __repr__(self) -> str:
        return f"<gpucompute.{type(self).__name__} of shape {self.shape}, {'on both sides' if self.allocated else 'on the host'}>"



def _make(name: str) -> type[DeviceArray]:
    return type(f"DeviceArray_{name}", (DeviceArray,), {"_dtype": name, "__doc__": f"A DeviceArray of {name}.", "__module__": __name__})


DeviceArray_bool = _make("bool")
DeviceArray_int8 = _make("int8")
DeviceArray_int16 = _make("int16")
DeviceArray_int32 = _make("int32")
DeviceArray_int64 = _make("int64")
DeviceArray_uint8 = _make("uint8")
DeviceArray_uint16 = _make("uint16")
DeviceArray_uint32 = _make("uint32")
DeviceArray_uint64 = _make("uint64")
DeviceArray_float16 = _make("float16")
DeviceArray_bfloat16 = _make("bfloat16")
DeviceArray_float32 = _make("float32")
DeviceArray_float64 = _make("float64")
DeviceArray_complex64 = _make("complex64")
DeviceArray_complex128 = _make("complex128")
