"""How arrays are shown: numpy's formatting. Of a large one only the edges that are shown are brought to the host."""
from __future__ import annotations

from typing import Any

import numpy

from .array import Array

_PREFIX = "gpucompute.Array("


def array_repr(array: Array) -> str:
    host, options = _shown(array)
    body = numpy.array2string(host, separator=", ", prefix=_PREFIX, suffix=",", **options) if array.size else "[]"
    shape = "" if array.size and array.ndim and not options or array.ndim == 0 or array.shape == (0,) else f", shape={array.shape}"
    return f"{_PREFIX}{body}{shape}, dtype={array.dtype})"


def array_str(array: Array) -> str:
    host, options = _shown(array)
    return numpy.array2string(host, **options) if array.ndim else str(host)


def _shown(array: Array) -> tuple[numpy.ndarray[Any, Any], dict[str, Any]]:
    """Values that print as the array does, and options to print them with."""
    settings = numpy.get_printoptions()
    edge = int(settings["edgeitems"])
    if array.size <= settings["threshold"] or edge < 1:
        return array.get(), {}
    # With one element more than both edges, numpy leaves the middle out just as well.
    host = numpy.zeros([min(size, 2 * edge + 1) for size in array.shape], array.dtype)

    def corners(dimension: int, device: Array, part: numpy.ndarray[Any, Any]) -> None:
        if dimension == array.ndim:
            part[...] = device.get()
        elif array.shape[dimension] <= 2 * edge + 1:
            corners(dimension + 1, device, part)
        else:
            rest = (slice(None),) * dimension
            for side in (slice(None, edge), slice(-edge, None)):
                corners(dimension + 1, device[(*rest, side)], part[(*rest, side)])

    corners(0, array, host)
    return host, {"threshold": 0, "edgeitems": edge}
