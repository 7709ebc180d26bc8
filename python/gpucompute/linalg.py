"""Products of matrices: of arrays, and of numpy and Arrow arrays directly."""
from __future__ import annotations

import weakref
from typing import Any

import numpy

from ._defaults import queue_of
from ._dtypes import dtype_of
from ._library import ffi, lib
from .array import Array, on_queue
from .creation import from_numpy
from .errors import ArgumentError, ContextMismatch, check

_COMPUTE = {"standard": int(lib.GPUC_COMPUTE_STANDARD), "tf32": int(lib.GPUC_COMPUTE_TF32), "f32_split": int(lib.GPUC_COMPUTE_F32_SPLIT)}


def matmul(a: Any, b: Any, out: Any = None, *, queue: Any = None, compute: str = "standard", backend: str | None = None) -> Any:
    """The matrix product, with numpy's rules: the last two dimensions are matrices, those before are broadcast, a vector is a row on the left and
    a column on the right.

    Args:
        a, b: Arrays, numpy arrays, Arrow arrays (read where they are) or tensors. Views that are transposed, or whose rows or columns have no
            gaps, are multiplied where they are; others are copied on the device first. Different dtypes are brought to their common one, as
            numpy does. Of integers only int8 has products, which are int32; those of float8 are
            bfloat16.
        out: where the result goes, an Array or a numpy array of its shape; converted if its dtype is another. It may share memory with a and b.
        queue: None: that of the Arrays, else the default one.
        compute: "standard": the arithmetic of the dtype; "tf32" and "f32_split" trade accuracy of float32 for speed, where the device can.
        backend: the name of a GEMM backend; None: chosen.

    Returns `out`, or a new result: an Array if one of a and b is an Array, else a numpy array.
    """
    device_result = isinstance(a, Array) or isinstance(b, Array)
    owner = _queue(queue, out, a, b)
    x, y = _operand(a, "a", owner), _operand(b, "b", owner)
    if x.ndim == 0 or y.ndim == 0:
        raise ArgumentError(f"{'a' if x.ndim == 0 else 'b'} has no dimensions, must have one or more; a product with a number is no matrix product")
    x, y = _common(x, y)
    row, column = x.ndim == 1, y.ndim == 1
    if row:
        x = x[None, :]
    if column:
        y = y[:, None]
    if x.shape[-1] != y.shape[-2]:
        raise ArgumentError(f"a of shape {_shape(a)} and b of shape {_shape(b)}: a has {x.shape[-1]} columns, b has {y.shape[-2]} rows; they must "
                            "be as many")
    try:
        batch = numpy.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise ArgumentError(f"a of shape {_shape(a)} and b of shape {_shape(b)} do not broadcast") from None
    shape = (*batch, x.shape[-2], y.shape[-1])
    final = tuple(size for size, drop in zip(shape, (False,) * len(batch) + (row, column)) if not drop)
    dtype = dtype_of("int32" if x.dtype.name == "int8" else "bfloat16" if x.dtype.name.startswith("float8") else x.dtype)
    if out is not None and not isinstance(out, (Array, numpy.ndarray)):
        raise TypeError(f"out must be an Array or a numpy array; got {type(out).__name__}")
    if out is not None and out.shape != final:
        raise ArgumentError(f"out has the shape {out.shape}, must have {final}")
    _writable(out, "out")
    result = out if isinstance(out, Array) and out.dtype == dtype and out.queue == owner else Array._new(final, dtype, owner)
    matrix = result.reshape(shape, copy=False) if row or column else result
    _multiply(owner, x, y, matrix, _options(1, 0, False, False, compute, backend))
    if result is out:
        return out
    if isinstance(out, Array):
        out.assign(result)
        return out
    if out is not None:
        out[...] = result.get()
        return out
    return result if device_result else _host_result(result)


def gemm(alpha: Any, a: Any, b: Any, beta: Any, c: Any, *, transpose_a: str = "N", transpose_b: str = "N", queue: Any = None,
         compute: str = "standard", backend: str | None = None) -> Any:
    """c = alpha * op(a) @ op(b) + beta * c, in place, as the BLAS has it: with beta 0, c is not read; with alpha 0, a and b are not read.

    Args:
        alpha, beta: numbers; complex ones for complex matrices only.
        a, b, c: Arrays or numpy arrays (a and b also Arrow arrays) of 2 dimensions or more, those before the last two broadcast to c's. c must
            be of a dtype that products of a and b have; a numpy c is updated on the host.
        transpose_a, transpose_b: "N", "T", or "C" for the conjugate transpose; of the last two dimensions.
        queue, compute, backend: as for `matmul`.

    Returns c.
    """
    if not isinstance(c, (Array, numpy.ndarray)):
        raise TypeError(f"c must be an Array or a numpy array; got {type(c).__name__}")
    _writable(c, "c")
    owner = _queue(queue, c, a, b)
    x, y = _common(_operand(a, "a", owner), _operand(b, "b", owner))
    for name, operand in (("a", x), ("b", y), ("c", c)):
        if operand.ndim < 2:
            raise ArgumentError(f"{name} has {operand.ndim} dimensions, must have 2 or more")
    result = c if isinstance(c, Array) else from_numpy(c, owner)
    options = _options(alpha, beta, transpose_a == "C", transpose_b == "C", compute, backend)
    _multiply(owner, _transposed(x, transpose_a, "transpose_a"), _transposed(y, transpose_b, "transpose_b"), result, options)
    if result is not c:
        c[...] = result.get()
    return c


def is_operand(value: Any) -> bool:
    """Whether `array @ value` is for this module."""
    return isinstance(value, (Array, numpy.ndarray)) or hasattr(value, "__arrow_c_array__") or hasattr(value, "__array_interface__")


def _multiply(queue: Any, a: Array, b: Array, c: Array, options: Any) -> None:
    def call(queue_ptr: Any, waits: Any, out: Any) -> int:
        return int(lib.gpuc_array_matmul(queue_ptr, a._view(), b._view(), c._view(), options, *waits, out))

    on_queue(queue, call, a, b, c)


def _options(alpha: Any, beta: Any, conjugate_a: bool, conjugate_b: bool, compute: str, backend: str | None) -> Any:
    options = ffi.new("gpuc_matmul_options *")
    check(lib.gpuc_matmul_options_init(options, ffi.sizeof("gpuc_matmul_options")))
    first, second = complex(alpha), complex(beta)
    options.alpha_real, options.alpha_imag = first.real, first.imag
    options.beta_real, options.beta_imag = second.real, second.imag
    options.flags = (lib.GPUC_MATMUL_CONJUGATE_A if conjugate_a else 0) | (lib.GPUC_MATMUL_CONJUGATE_B if conjugate_b else 0)
    if compute not in _COMPUTE:
        raise ArgumentError(f"compute is {compute!r}, must be one of {', '.join(map(repr, _COMPUTE))}")
    options.compute = _COMPUTE[compute]
    if backend is not None:
        text = ffi.new("char[]", backend.encode())
        options.backend = text
        _texts[options] = text
    return options


_texts: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()  # what options point to


def _queue(queue: Any, *values: Any) -> Any:
    if queue is not None:
        return queue_of(queue)
    for value in values:
        if isinstance(value, Array):
            return value.queue
    return queue_of(None)


def _operand(value: Any, name: str, queue: Any) -> Array:
    from .creation import _host, asarray

    if isinstance(value, Array):
        if value.context != queue.context:
            raise ContextMismatch(f"{name} is in another context than the queue; asarray({name}, queue=...) brings it there")
        return value
    if hasattr(value, "__dlpack_device__") and not isinstance(value, numpy.ndarray):
        return asarray(value, queue=queue)
    return from_numpy(_host(value, None), queue)


def _common(a: Array, b: Array) -> tuple[Array, Array]:
    if a.dtype == b.dtype:
        return a, b
    if a.dtype.name.startswith("float8") and b.dtype.name.startswith("float8"):
        return a, b  # multiplied as they are
    dtype = dtype_of(numpy.result_type(a.dtype, b.dtype))
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def _transposed(array: Array, how: str, name: str) -> Array:
    if how not in ("N", "T", "C"):
        raise ArgumentError(f"{name} is {how!r}, must be 'N', 'T' or 'C'")
    return array if how == "N" else array.mT


def _writable(array: Any, name: str) -> None:
    if isinstance(array, Array) and array.readonly or isinstance(array, numpy.ndarray) and not array.flags.writeable:
        raise ArgumentError(f"{name} is read-only")


def _host_result(result: Array) -> Any:
    host = result.get()
    return host if host.ndim else host[()]


def _shape(value: Any) -> Any:
    return getattr(value, "shape", None) or (len(value),)
