"""DLPack: sharing memory with other libraries.

An OpenCL tensor (kDLOpenCL) has a cl_mem as its data, and where its first element lies in byte_offset. OpenCL has no streams that DLPack
knows, so the rule is: an export waits until the commands on the array's queue are complete (`stream=None`), or does not wait
(`stream=-1`), or makes a Queue wait on the device (`stream=queue`). Whoever takes the tensor finishes its own commands before the array is used
here again. Tensors in host memory (kDLCPU) are always copied, both ways.
"""
from __future__ import annotations

from typing import Any

import numpy

from . import _capsule, _views
from ._defaults import queue_of
from ._dtypes import dtype_of
from ._library import address, ffi, lib, pointer
from .array import Array
from .buffer import Buffer
from .context import Context
from .errors import ArgumentError, Error
from .queue import Queue

KDL_CPU, KDL_OPENCL = 1, 4
READ_ONLY, IS_COPIED = 1, 2  # flags

_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}  # kDLInt, ...
_ML = {"bfloat16": (4, 16), "float8_e4m3fn": (10, 8), "float8_e5m2": (12, 8)}  # (code, bits)
_device_ids: dict[int, int] = {}


def device_of(array: Array) -> tuple[int, int]:
    """(kDLOpenCL, the device's number in `gpucompute.devices()`)."""
    key = array.device.int_ptr
    if key not in _device_ids:
        from .device import devices

        for index, device in enumerate(devices()):
            _device_ids[device.int_ptr] = index
    return KDL_OPENCL, _device_ids.get(key, 0)


# ---- giving ----

def export(array: Array, stream: Any, max_version: Any, dl_device: Any, copy: Any) -> Any:
    versioned = max_version is not None and max_version[0] >= 1
    here = device_of(array)
    if dl_device is not None and tuple(int(part) for part in dl_device) != here:
        if int(dl_device[0]) != KDL_CPU:
            raise BufferError(f"the array is on DLPack device {here}; it can be copied to (1, 0), the host, not to {tuple(dl_device)}")
        if copy is False:
            raise BufferError("copy is False, but an array on a device is always copied to the host")
        return _export_host(array, max_version)
    if array._readonly and not versioned and not copy:
        raise BufferError("the array is read-only, which only max_version=(1, 0) or later can say; copy=True gives a copy")
    source = array.copy() if copy else array
    _synchronise(source, stream)
    flags = (IS_COPIED if copy else 0) | (READ_ONLY if source._readonly else 0)
    shape, strides = ffi.new("int64_t[]", source.ndim or 1), ffi.new("int64_t[]", source.ndim or 1)
    for index, (size, stride) in enumerate(zip(source.shape, source.strides)):
        if stride % source.itemsize:
            if size > 1:
                raise BufferError(f"a stride of {stride} bytes is no whole number of {source.dtype} elements; copy=True gives a copy without gaps")
            stride = 0
        shape[index], strides[index] = size, stride // source.itemsize
    tensor = ffi.new("DLTensor *")
    tensor.data = pointer(source.int_ptr)
    tensor.device.device_type, tensor.device.device_id = here
    tensor.ndim = source.ndim
    tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes = (*_code(source.dtype), 1)
    tensor.shape, tensor.strides = shape, strides
    tensor.byte_offset = source.root_offset
    managed = lib.gpuc_py_dlpack_create(source._buffer._ptr, tensor, versioned, flags)
    if managed == ffi.NULL:
        raise MemoryError("no host memory is left for a DLPack tensor")
    return _capsule.new(managed, "dltensor_versioned" if versioned else "dltensor", "gpuc_py_dlpack_destroy")


def _synchronise(array: Array, stream: Any) -> None:
    if stream is None:
        array.queue.finish()
    elif isinstance(stream, Queue):
        marker = array.queue.marker()
        array.queue.flush()
        stream.barrier(marker)
    elif isinstance(stream, bool) or stream != -1:
        raise BufferError(f"stream is {stream!r}; for OpenCL it must be None (the export waits), -1 (it does not) or a gpucompute.Queue")


def _export_host(array: Array, max_version: Any) -> Any:
    host = array.get()
    if array.dtype.name not in _ML:
        try:
            return host.__dlpack__(max_version=max_version)
        except TypeError:  # a numpy that knows no versions
            return host.__dlpack__()
    # numpy knows no such type: as integers, with the type put right.
    capsule = host.view(f"u{array.itemsize}").__dlpack__()
    tensor = _capsule.pointer(capsule, "dltensor", "DLManagedTensor *").dl_tensor
    tensor.dtype.code, tensor.dtype.bits = _ML[array.dtype.name]
    return capsule


def _code(dtype: numpy.dtype[Any]) -> tuple[int, int]:
    return _ML.get(dtype.name) or (_CODES[dtype.kind], dtype.itemsize * 8)


# ---- taking ----

def from_dlpack(x: Any, queue: Any = None, *, copy: bool | None = None) -> Array:
    """An array of another library's tensor, an object with `__dlpack__`.

    OpenCL memory is shared, not copied: both see what either writes, and the memory lives until both are gone. Tensors in host memory are
    copied to the device. BufferError for other devices, and for what is not a cl_mem of a driver here.

    Args:
        queue: where the array's commands go; its context must be that of the memory. None: for shared memory its context's own queue, for
            copies the default one.
        copy: True: a copy also of OpenCL memory; False: BufferError where the memory cannot be shared.
    """
    kind = _kind(x)
    if kind == KDL_CPU:
        if copy is False:
            raise BufferError("the tensor is in host memory, and copy is False: an array on a device is always a copy")
        from .creation import from_numpy

        return from_numpy(host_array(x), queue)
    if kind != KDL_OPENCL:
        raise BufferError(f"the tensor is on DLPack device type {kind}; OpenCL memory (4) and host memory (1) can be taken, so bring it to the "
                          "host first")
    managed = _Managed(x, None)
    array = _share(managed, queue)
    return array.copy() if copy else array


def host_array(x: Any) -> numpy.ndarray[Any, Any]:
    """A numpy array over the memory of a tensor on the host."""
    kind = _kind(x)
    managed = _Managed(x, None if kind == KDL_CPU else (KDL_CPU, 0))
    tensor = managed.tensor
    if tensor.device.device_type != KDL_CPU:
        raise BufferError(f"the tensor is on DLPack device type {tensor.device.device_type}, not in host memory")
    dtype, shape, strides = managed.layout()
    if 0 in shape:
        return numpy.empty(shape, dtype)
    if tensor.data == ffi.NULL:
        raise BufferError("the tensor has elements but no memory")
    low, high = _views.extent(shape, strides, dtype.itemsize)
    start = address(tensor.data) + int(tensor.byte_offset) + low
    if start < 0 or start + high - low >= 2**63:  # programs have the lower half
        raise BufferError(f"the tensor reaches from byte {int(tensor.byte_offset) + low} to byte {int(tensor.byte_offset) + high} of its memory, "
                          "where there are no addresses")
    memory = ffi.buffer(ffi.cast("char *", start), high - low)
    flat = numpy.frombuffer(memory, numpy.uint8)
    result = numpy.ndarray(shape, dtype, numpy.asarray(_Owner(flat, managed)), -low, strides)
    result.flags.writeable = False  # what is taken here is only read
    return result


class _Owner:
    """Bytes that keep something else alive as long as a numpy array looks at them."""

    def __init__(self, flat: numpy.ndarray[Any, Any], keep: Any) -> None:
        self.__array_interface__ = flat.__array_interface__
        self.keep = (flat, keep)


def _kind(x: Any) -> int:
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise TypeError(f"x must be an object with __dlpack__ and __dlpack_device__; got {type(x).__name__}")
    return int(x.__dlpack_device__()[0])


class _Managed:
    """A tensor taken out of its capsule; deletes it when it goes."""

    def __init__(self, x: Any, dl_device: tuple[int, int] | None) -> None:
        self._pointer = None
        extra = {} if dl_device is None else {"dl_device": dl_device}
        try:
            capsule = x.__dlpack__(max_version=(1, 0), **extra)
        except TypeError:
            capsule = x.__dlpack__()  # from before versions
        for name, type_name, versioned in (("dltensor_versioned", "DLManagedTensorVersioned *", True), ("dltensor", "DLManagedTensor *", False)):
            if _capsule.is_named(capsule, name):
                break
        else:
            raise BufferError(f"__dlpack__ of {type(x).__name__} gave no DLPack capsule, or one that was taken already")
        found = _capsule.pointer(capsule, name, type_name)
        if versioned and found.major > 1:
            raise BufferError(f"the tensor has DLPack version {found.major}.{found.minor}; 1 is understood")
        _capsule.rename(capsule, "used_" + name)
        self._pointer, self._versioned = found, versioned
        self.tensor = found.dl_tensor
        self.readonly = versioned and bool(found.flags & READ_ONLY)

    def layout(self) -> tuple[numpy.dtype[Any], tuple[int, ...], tuple[int, ...]]:
        """dtype, shape, strides in bytes: checked."""
        tensor = self.tensor
        dtype = _dtype(tensor.dtype)
        ndim = int(tensor.ndim)
        if not 0 <= ndim <= 16:
            raise BufferError(f"the tensor has {ndim} dimensions, must have 16 at most")
        if ndim and tensor.shape == ffi.NULL:
            raise BufferError("the tensor has no shape")
        shape = tuple(int(tensor.shape[index]) for index in range(ndim))
        if any(size < 0 for size in shape):
            raise BufferError(f"the tensor has the shape {shape}")
        try:
            packed, _ = _views.packed_strides(shape, dtype)
        except ArgumentError as error:
            raise BufferError(f"the tensor's {error}") from None
        if tensor.strides == ffi.NULL:
            return dtype, shape, packed
        strides = tuple(int(tensor.strides[index]) * dtype.itemsize for index in range(ndim))
        if any(not -2**63 <= stride < 2**63 for stride in strides):
            raise BufferError("a stride of the tensor does not fit 64 bits")
        return dtype, shape, strides

    def __del__(self) -> None:
        if self._pointer is not None:
            lib.gpuc_py_dlpack_delete(self._pointer, self._versioned)


def _dtype(dtype: Any) -> numpy.dtype[Any]:
    code, bits = int(dtype.code), int(dtype.bits)
    if dtype.lanes != 1:
        raise BufferError(f"the tensor's elements are vectors of {dtype.lanes}; single numbers can be taken")
    for name, known in _ML.items():
        if known == (code, bits):
            return dtype_of(name)
    for kind, number in _CODES.items():
        if number == code and bits % 8 == 0 and 8 <= bits <= (8 if kind == "b" else 128):
            try:
                return dtype_of(f"{kind}{bits // 8}" if kind != "b" else "bool")
            except TypeError:
                break
    raise BufferError(f"the tensor's element type (DLPack code {code}, {bits} bits) is not supported")


def _share(managed: _Managed, queue: Any) -> Array:
    tensor = managed.tensor
    dtype, shape, strides = managed.layout()
    if tensor.data == ffi.NULL:
        if 0 not in shape:
            raise BufferError("the tensor has elements but no memory")
        return Array._new(shape, dtype, queue_of(queue))
    context_out, size = ffi.new("void **"), ffi.new("size_t *")
    if not _is_known(tensor.data, queue) or not lib.gpuc_py_is_buffer(tensor.data, context_out, size):
        raise BufferError("the tensor's data is not a cl_mem of an OpenCL driver here (TVM, for one, keeps something else there)")
    native = address(context_out[0])
    if queue is not None:
        owner = queue_of(queue)
        if owner.context.int_ptr != native:
            raise BufferError("the tensor's memory belongs to another OpenCL context than the queue")
        context = owner.context
    else:
        context = Context.from_int_ptr(native)
        owner = context.queue
    if 0 not in shape:
        low, high = _views.extent(shape, strides, dtype.itemsize)
        start = int(tensor.byte_offset)
        if start + low < 0 or start + high > size[0]:
            raise BufferError(f"the tensor reaches from byte {start + low} to byte {start + high} of its memory, which has {size[0]}")
        part = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
        if start % part:
            raise BufferError(f"the tensor starts at byte {start}, must be a multiple of {part} for {dtype}")
    else:
        start = 0  # of nothing; what the tensor says may lie anywhere
    try:
        buffer = Buffer.from_int_ptr(address(tensor.data), True, context)
    except Error as error:
        raise BufferError(f"the tensor's memory cannot be used: {error}") from error
    return Array.__new__(Array)._set(buffer, owner, dtype, shape, strides, start, managed.readonly, managed)


def _is_known(data: Any, queue: Any) -> bool:
    """Whether an address can be that of an object of one of the drivers here."""
    from .platform import platforms

    return any(lib.gpuc_py_same_driver(data, pointer(platform.int_ptr)) for platform in platforms())
