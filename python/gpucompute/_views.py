"""Shapes, strides and offsets of views.

What indexing, transposing and the like do to them is numpy's own business: it is asked with an array that stands for the elements and has no
memory. Nothing here reads an element.
"""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable

import numpy

from .errors import ArgumentError

if TYPE_CHECKING:
    from .array import Array

Place = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides, bytes from the first element

_ORIGIN = 1 << 46  # an address that no element is read from
_MAX_DIMS = 16


class _Standin:
    __slots__ = ("__array_interface__",)

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> None:
        self.__array_interface__ = {"shape": shape, "strides": strides, "typestr": f"|V{itemsize}", "data": (_ORIGIN, True), "version": 3}


def of(array: Array, change: Callable[[Any], Any]) -> Place:
    """What `change` makes of a numpy array with this shape and these strides. It must give a view, and look at no element."""
    try:
        view = change(numpy.asarray(_Standin(array._shape, array._strides, array._dtype.itemsize)))
    except ValueError as error:
        if isinstance(error, IndexError):
            raise
        raise ArgumentError(str(error)) from None
    offset = view.__array_interface__["data"][0] - _ORIGIN if view.size and array.size else 0
    if view.ndim > _MAX_DIMS:
        raise ArgumentError(f"the view has {view.ndim} dimensions, must have {_MAX_DIMS} at most")
    return view.shape, view.strides, offset


def item(array: Array, key: Any) -> Place:
    keys = key if isinstance(key, tuple) else (key,)
    for part in keys:
        if part is None or part is Ellipsis or isinstance(part, slice):
            continue
        if isinstance(part, (bool, numpy.bool_)) or not hasattr(part, "__index__") or getattr(part, "shape", ()) != ():
            raise TypeError(f"an index is an integer, a slice, ... or None; got {type(part).__name__}. Lists and masks of indices are not "
                            "supported: .get() brings the array to numpy")
    if Ellipsis not in [part for part in keys if part is Ellipsis]:
        keys += (Ellipsis,)  # so that a single element is a view as well
    return of(array, lambda a: a[keys])


# ---- shapes ----

def shape_of(shape: Any) -> tuple[int, ...]:
    """An integer or several, each 0 or more."""
    if hasattr(shape, "__index__"):
        shape = (shape,)
    try:
        items = tuple(shape)
    except TypeError:
        raise TypeError(f"shape must be an integer or several; got {type(shape).__name__}") from None
    for size in items:
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"shape must be integers; got {type(size).__name__}")
    dims = tuple(int(size.__index__()) for size in items)
    if any(size < 0 for size in dims):
        raise ArgumentError(f"shape is {dims}, must have no negative sizes")
    if len(dims) > _MAX_DIMS:
        raise ArgumentError(f"shape has {len(dims)} dimensions, must have {_MAX_DIMS} at most")
    return dims


def count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def packed_strides(shape: tuple[int, ...], dtype: numpy.dtype[Any]) -> tuple[tuple[int, ...], int]:
    """(row-major strides without gaps, the bytes of all elements)"""
    strides, step = [], dtype.itemsize
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    nbytes = 0 if 0 in shape else step
    if step >= 2**63:
        raise ArgumentError(f"shape {shape} of {dtype} takes {step} bytes, which does not fit 63 bits", 207)
    return tuple(reversed(strides)), nbytes


def is_packed(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    step = itemsize
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size == 0:
            return True
        if size != 1 and stride != step:
            return False if 0 not in shape else True
        step *= size
    return True


def extent(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> tuple[int, int]:
    """Bytes from the first element to the lowest, and to one past the highest, of an array that has elements."""
    reach = [(size - 1) * stride for size, stride in zip(shape, strides)]
    return sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + itemsize


def reshaped(old: tuple[int, ...], shape: Any) -> tuple[int, ...]:
    """The new shape, with -1 worked out."""
    items = (shape,) if hasattr(shape, "__index__") else tuple(shape)
    unknown = [position for position, size in enumerate(items) if hasattr(size, "__index__") and size.__index__() == -1]
    total = count(old)
    if len(unknown) > 1:
        raise ArgumentError(f"shape is {items}, must have one -1 at most")
    if unknown:
        known = shape_of(items[:unknown[0]] + items[unknown[0] + 1:])
        rest = count(known)
        if rest == 0 or total % rest:
            raise ArgumentError(f"{total} elements do not fit the shape {items}")
        return known[:unknown[0]] + (total // rest,) + known[unknown[0]:]
    dims = shape_of(items)
    if count(dims) != total:
        raise ArgumentError(f"{total} elements do not fit the shape {dims}")
    return dims


def reshape(array: Array, shape: tuple[int, ...]) -> Place | None:
    """The view with another shape; None where there is none."""
    old = [(size, stride) for size, stride in zip(array._shape, array._strides) if size != 1]
    if array.size == 0 or is_packed(array._shape, array._strides, array._dtype.itemsize):
        return shape, packed_strides(shape, array._dtype)[0], 0
    # Runs of old dimensions that step as one, each of which new dimensions must fill exactly.
    runs: list[list[int]] = []
    for size, stride in old:
        if runs and runs[-1][1] == stride * size:
            runs[-1][0] *= size
            runs[-1][1] = stride
        else:
            runs.append([size, stride])
    strides = [array._dtype.itemsize] * len(shape)
    position = len(shape)
    for length, stride in reversed(runs):
        left, step = length, stride
        while left > 1:
            position -= 1
            while shape[position] == 1:
                position -= 1
            if left % shape[position]:
                return None
            strides[position] = step
            step *= shape[position]
            left //= shape[position]
    return shape, tuple(strides), 0
