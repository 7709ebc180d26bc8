"""Making arrays: new ones, and copies of what is on the host."""
from __future__ import annotations

from typing import Any

import numpy

from ._defaults import queue_of
from ._dtypes import dtype_of, type_number
from ._library import ffi, lib
from ._views import shape_of
from .array import Array
from .errors import ArgumentError, check
from .queue import Queue


def empty(shape: Any, dtype: Any = "float64", queue: Any = None) -> Array:
    """A new array; its content is undefined. See `Array` for shape, dtype and queue."""
    return Array._new(shape_of(shape), dtype_of(dtype), queue_of(queue))


def zeros(shape: Any, dtype: Any = "float64", queue: Any = None) -> Array:
    """A new array of zeros."""
    return full(shape, 0, dtype, queue)


def ones(shape: Any, dtype: Any = "float64", queue: Any = None) -> Array:
    """A new array of ones."""
    return full(shape, 1, dtype, queue)


def full(shape: Any, fill_value: Any, dtype: Any = None, queue: Any = None) -> Array:
    """A new array, all elements of which are `fill_value`, or, if that is an array, broadcast from it. dtype None: that of the value."""
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, Array) else numpy.asarray(fill_value).dtype
    array = empty(shape, dtype, queue)
    array[...] = fill_value
    return array


def empty_like(prototype: Any, dtype: Any = None, queue: Any = None, shape: Any = None) -> Array:
    """A new array with another's shape, dtype and queue, unless given; its content is undefined."""
    if isinstance(prototype, Array):
        return empty(prototype.shape if shape is None else shape, prototype.dtype if dtype is None else dtype,
                     prototype.queue if queue is None else queue)
    host = numpy.asanyarray(prototype)
    return empty(host.shape if shape is None else shape, host.dtype if dtype is None else dtype, queue)


def zeros_like(prototype: Any, dtype: Any = None, queue: Any = None, shape: Any = None) -> Array:
    """As `empty_like`, of zeros."""
    return full_like(prototype, 0, dtype, queue, shape)


def ones_like(prototype: Any, dtype: Any = None, queue: Any = None, shape: Any = None) -> Array:
    """As `empty_like`, of ones."""
    return full_like(prototype, 1, dtype, queue, shape)


def full_like(prototype: Any, fill_value: Any, dtype: Any = None, queue: Any = None, shape: Any = None) -> Array:
    """As `empty_like`, all elements of which are `fill_value`."""
    array = empty_like(prototype, dtype, queue, shape)
    array[...] = fill_value
    return array


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None, queue: Any = None) -> Array:
    """Numbers from `start` (0 if only one number is given) up to, not including, `stop`, as numpy.arange; made on the device."""
    if stop is None:
        start, stop = 0, start
    if step is None:
        step = 1
    # numpy says which dtype and how many; it makes two numbers, not all.
    made = dtype_of(numpy.result_type(numpy.asarray(start), numpy.asarray(stop), numpy.asarray(step)) if dtype is None else dtype)
    if made.kind == "b":
        raise TypeError("arange makes no bools")
    if step == 0:
        raise ArgumentError("step is 0, must not be")
    length = max(0, _length(start, stop, step))
    array = empty(length, made, queue)
    if length == 0:
        return array
    first = numpy.asarray(start).astype(made)
    second = numpy.asarray(start + step).astype(made)
    exact = made if made.itemsize > 2 or made.kind in "iu" else numpy.dtype("float32")
    with numpy.errstate(over="ignore"):
        delta = (second.astype(exact) - first.astype(exact)).astype(exact)
    check(lib.gpuc_array_arange(array.queue._ptr, array._view(), first.astype(exact).tobytes(), delta.tobytes(), type_number(exact), ffi.NULL, 0,
                                ffi.NULL))
    return array


def _length(start: Any, stop: Any, step: Any) -> int:
    if all(hasattr(value, "__index__") for value in (start, stop, step)):
        return len(range(start, stop, step))
    if any(isinstance(value, complex) for value in (start, stop, step)):
        quotient = (stop - start) / step
        return int(min(numpy.ceil(quotient.real), numpy.ceil(quotient.imag)))
    length = numpy.ceil((stop - start) / step)
    if not numpy.isfinite(length):
        raise ArgumentError(f"arange({start}, {stop}, {step}) has no length")
    return int(length)


def from_numpy(a: Any, queue: Any = None) -> Array:
    """A copy of a numpy array on the device. Returns when `a` may be changed again."""
    if not isinstance(a, numpy.ndarray):
        raise TypeError(f"a must be a numpy array; got {type(a).__name__}. asarray takes other things too")
    return Array._new(shape_of(a.shape), dtype_of(a.dtype), queue_of(queue))._write(a.astype(dtype_of(a.dtype), copy=False))


def asarray(a: Any, dtype: Any = None, queue: Any = None, *, copy: bool | None = None) -> Array:
    """An array of nearly anything: Arrays, numpy arrays, numbers and nested lists, objects with the buffer protocol, DLPack tensors, Arrow arrays.

    Args:
        dtype: None: that of `a`.
        copy: None: an Array, or OpenCL memory of another library, is taken as it is where that is possible; True: always a copy; False: never
            one, ArgumentError where one is needed.
    """
    if isinstance(a, Array):
        found = a
    else:
        # pyarrow offers DLPack too, and refuses it for most of its types; what speaks Arrow is on the host.
        if hasattr(a, "__dlpack_device__") and not isinstance(a, numpy.ndarray) and not hasattr(a, "__arrow_c_array__"):
            from .dlpack import KDL_OPENCL, from_dlpack

            if a.__dlpack_device__()[0] == KDL_OPENCL:
                return asarray(from_dlpack(a, queue), dtype, copy=copy)
        if copy is False:
            raise ArgumentError("a is on the host: an array of it on the device is always a copy")
        return from_numpy(_host(a, dtype), queue)
    target = found.queue if queue is None else queue_of(queue, found)
    wanted = found.dtype if dtype is None else dtype_of(dtype)
    if wanted == found.dtype and target == found.queue and not copy:
        return found
    if copy is False:
        raise ArgumentError("copy is False, but another dtype or queue needs a copy")
    if target.context != found.context:
        return from_numpy(found.get(), target).astype(wanted, copy=False)  # contexts share no memory
    return found.astype(wanted, queue=target)


def _host(a: Any, dtype: Any) -> numpy.ndarray[Any, Any]:
    if hasattr(a, "__arrow_c_array__") and not isinstance(a, numpy.ndarray):
        from .arrow import host_array

        host, _ = host_array(a)
    elif hasattr(a, "__dlpack__") and not isinstance(a, numpy.ndarray):
        from .dlpack import host_array as dlpack_array

        host = dlpack_array(a)
    else:
        if getattr(a, "null_count", 0):  # Arrow's chunked arrays, which become NaN in numpy's hands
            raise ArgumentError(f"a has {a.null_count} nulls; fill them first (fill_null(0) of pyarrow)")
        host = numpy.asarray(a)
        if host.dtype.kind == "O" and not isinstance(a, numpy.ndarray):
            raise TypeError(f"a must be numbers, or an array of them; got {type(a).__name__}")
    return host if dtype is None else host.astype(dtype_of(dtype), copy=False)


def ascontiguousarray(a: Any, dtype: Any = None, queue: Any = None) -> Array:
    """As `asarray`; where the array has gaps, a copy without, made on the device."""
    array = asarray(a, dtype, queue)
    return array if array.is_contiguous else array.copy()


def to_device(*args: Any, queue: Any = None, dtype: Any = None) -> Array:
    """`to_device(a)`, `to_device(queue, a)` or `to_device(a, queue)`: a copy on the device, as `asarray(a, copy=True)`."""
    if len(args) == 2:
        if queue is not None:
            raise TypeError("to_device got two queues")
        first, second = args
        queue, a = (first, second) if isinstance(first, Queue) or not isinstance(second, Queue) and hasattr(first, "queue") and not isinstance(
            first, Array) else (second, first)
    elif len(args) == 1:
        a = args[0]
    else:
        raise TypeError(f"to_device takes an array and perhaps a queue; got {len(args)} arguments")
    return asarray(a, dtype, queue, copy=True)


def copy(a: Array) -> Array:
    """`a.copy()`."""
    return a.copy()


def broadcast_to(a: Array, shape: Any) -> Array:
    """`a.broadcast_to(shape)`."""
    return a.broadcast_to(shape)


def transpose(a: Array, axes: Any = None) -> Array:
    """`a.transpose(axes)`."""
    return a.transpose(axes)


def reshape(a: Array, shape: Any, *, copy: bool | None = None) -> Array:
    """`a.reshape(shape)`."""
    return a.reshape(shape, copy=copy)


def astype(a: Array, dtype: Any, *, copy: bool = True) -> Array:
    """`a.astype(dtype)`."""
    return a.astype(dtype, copy=copy)


def asnumpy(a: Any) -> numpy.ndarray[Any, Any]:
    """`a.get()`; what is no Array goes through numpy.asarray."""
    return a.get() if isinstance(a, Array) else numpy.asarray(a)


to_gpu = to_device
GPUArray = Array
