"""Arrays on a device: numpy's shape, dtype and slicing over a Buffer."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Sequence

import numpy

from . import _pack, _views
from ._defaults import queue_of
from ._dtypes import dtype_of, type_number
from ._host import bytes_of
from ._keep import hold
from ._library import ffi, lib
from ._types import type_number as argument_type
from .buffer import Buffer
from .errors import ArgumentError, OutOfRange, StateError, check
from .event import Event, Waits, wait_list

if TYPE_CHECKING:
    from .context import Context
    from .device import Device
    from .queue import Queue

MAX_DIMS = int(lib.GPUC_ARRAY_MAX_DIMS)


class Array:
    """Elements of one dtype on a device, with a shape: `gpucompute.asarray(...)`, `zeros(...)` and the like make one.

    It behaves like a numpy array in what it has: indexing with integers, slices (negative steps too), `...` and None gives views that share
    memory; assignment to them copies, converts and broadcasts, on the device. Everything but what brings data to the host is asynchronous and
    follows the order of the array's queue; operands that live on another queue are waited for on the device.

    Conversions between dtypes round to nearest and wrap integers as numpy does. One thing differs: floating-point numbers that an integer type
    cannot hold become its nearest value, NaN 0, on every device, where numpy leaves the result to the machine.

    Args:
        shape: an integer or several; 16 dimensions at most.
        dtype: any numeric dtype of numpy, bool, or one of ml_dtypes' bfloat16, float8_e4m3fn and float8_e5m2.
        queue: a Queue, or a Context or Device (its own queue); None: the default queue.
        buffer: a Buffer, or another device object with one, to lie over; None: new memory, whose content is undefined.
        offset: bytes into the buffer, where the element with all indices 0 lies.
        strides: bytes from one index to the next, for each dimension; None: row-major without gaps.

    An Array can be an argument of a kernel where it has no gaps. `close()`, or the end of a `with` block, gives its memory up, as the collector
    does later; views of it keep the memory.
    """

    __slots__ = ("_buffer", "_queue", "_dtype", "_shape", "_strides", "_offset", "_readonly", "_c_view", "_owner", "__gpuc_arg__",
                 "__weakref__")
    _buffer: Buffer
    _queue: Queue
    _dtype: numpy.dtype[Any]
    _shape: tuple[int, ...]
    _strides: tuple[int, ...]
    _offset: int
    _readonly: bool
    _c_view: Any
    _owner: Any  # what else keeps the memory alive, such as a tensor of another library
    __gpuc_arg__: bytes

    # numpy leaves operators to this class, and its functions say that they cannot take an Array, rather than to copy it silently.
    __array_ufunc__ = None
    __array_priority__ = 100
    __hash__ = object.__hash__
    __contains__ = None

    def __init__(self, shape: Any, dtype: Any = "float64", queue: Any = None, *, buffer: Any = None, offset: int = 0,
                 strides: Sequence[int] | None = None) -> None:
        made = dtype_of(dtype)
        dims = _views.shape_of(shape)
        packed, nbytes = _views.packed_strides(dims, made)
        if strides is None:
            steps = packed
        else:
            steps = tuple(int(stride) for stride in strides)
            if len(steps) != len(dims):
                raise ArgumentError(f"strides has {len(steps)} numbers, shape has {len(dims)}")
        if buffer is None:
            if strides is not None or offset:
                raise ArgumentError("offset and strides go with a buffer; a new array has neither")
            owner = queue_of(queue)
            memory = Buffer(nbytes, owner.context)
        else:
            memory = _buffer_of(buffer)
            owner = queue_of(queue, memory)
        self._set(memory, owner, made, dims, steps, int(offset))
        if buffer is not None:
            _check_extent(self)

    def _set(self, buffer: Buffer, queue: Queue, dtype: numpy.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...], offset: int,
             readonly: bool = False, owner: Any = None) -> Array:
        self._buffer = buffer
        self._queue = queue
        self._dtype = dtype
        self._shape = shape
        self._strides = strides
        self._offset = offset
        self._readonly = readonly
        self._c_view = None
        self._owner = owner
        return self

    @classmethod
    def _new(cls, shape: tuple[int, ...], dtype: numpy.dtype[Any], queue: Queue) -> Array:
        strides, nbytes = _views.packed_strides(shape, dtype)
        return cls.__new__(cls)._set(Buffer(nbytes, queue.context), queue, dtype, shape, strides, 0)

    def _with(self, place: tuple[tuple[int, ...], tuple[int, ...], int], dtype: numpy.dtype[Any] | None = None) -> Array:
        """A view of the same memory: (shape, strides, bytes from this array's first element)."""
        shape, strides, offset = place
        return Array.__new__(Array)._set(self._buffer, self._queue, dtype or self._dtype, shape, strides, self._offset + offset, self._readonly,
                                         self._owner)

    # ---- ending ----

    def close(self) -> None:
        """Gives the memory up; a second call does nothing. Views of it, and commands that use it, keep it."""
        for name in ("_buffer", "__gpuc_arg__", "_owner"):
            try:
                object.__delattr__(self, name)
            except AttributeError:
                pass
        self._c_view = None

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        try:
            object.__getattribute__(self, "_buffer")
        except AttributeError:
            return True
        return False

    def __enter__(self) -> Array:
        self._buffer  # raises if closed
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        # Only what is not set comes here.
        if name == "__gpuc_arg__":
            buffer, dtype, contiguous = self.__gpuc_buffer__
            packed = _pack.buffer(buffer._ptr, argument_type(dtype), contiguous)
            self.__gpuc_arg__ = packed
            self._owner = (self._owner, buffer)  # the slice that was packed must live
            return packed
        if name in ("_buffer", "_owner"):
            raise StateError("this Array is closed", 203)
        raise AttributeError(f"'Array' object has no attribute {name!r}")

    # ---- what it is ----

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self._dtype

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one index to the next."""
        return self._strides

    @property
    def offset(self) -> int:
        """Where the first element lies in `buffer`, in bytes."""
        return self._offset

    @property
    def buffer(self) -> Buffer:
        """The memory, which views share."""
        return self._buffer

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return _views.count(self._shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements, without gaps."""
        return self.size * self._dtype.itemsize

    @property
    def queue(self) -> Queue:
        """Where its commands are put."""
        return self._queue

    @property
    def context(self) -> Context:
        return self._buffer.context

    @property
    def device(self) -> Device:
        return self._queue.device

    @property
    def readonly(self) -> bool:
        """Whether assignment is refused: an array that another library lends for reading."""
        return self._readonly

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie one after the other in row-major order."""
        return _views.is_packed(self._shape, self._strides, self._dtype.itemsize)

    @property
    def int_ptr(self) -> int:
        """The cl_mem of the whole buffer, in which the first element lies at byte `root_offset`. As Buffer.int_ptr."""
        return self._buffer.int_ptr

    @property
    def root_offset(self) -> int:
        """Where the first element lies in the cl_mem, in bytes."""
        return self._buffer.offset + self._offset

    @property
    def __gpuc_buffer__(self) -> tuple[Buffer, numpy.dtype[Any], bool]:
        """What a kernel launch asks: (a Buffer that starts at the first element, the dtype, whether there are no gaps)."""
        contiguous = self.is_contiguous
        if self._offset == 0 or not contiguous:
            return self._buffer, self._dtype, contiguous
        return self._buffer.slice(self._offset, self.nbytes), self._dtype, True

    # ---- views ----

    @property
    def T(self) -> Array:
        """The view with all dimensions in reverse order."""
        return self.transpose()

    @property
    def mT(self) -> Array:
        """The view with the last two dimensions exchanged."""
        if self.ndim < 2:
            raise ArgumentError(f"mT needs 2 dimensions or more; the array has {self.ndim}")
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Array:
        """The real parts, as a view; the array itself if it is not complex."""
        return self._part(0)

    @property
    def imag(self) -> Array:
        """The imaginary parts of a complex array, as a view."""
        if self._dtype.kind != "c":
            raise ArgumentError(f"imag needs a complex array; this one is {self._dtype}")
        return self._part(self._dtype.itemsize // 2)

    def _part(self, offset: int) -> Array:
        if self._dtype.kind != "c":
            return self
        return self._with((self._shape, self._strides, offset), numpy.dtype(f"float{self._dtype.itemsize * 4}"))

    def transpose(self, *axes: Any) -> Array:
        """The view with the dimensions in another order; without axes, reversed."""
        return self._with(_views.of(self, lambda a: a.transpose(*axes)))

    def swapaxes(self, axis1: int, axis2: int) -> Array:
        """The view with two dimensions exchanged."""
        return self._with(_views.of(self, lambda a: a.swapaxes(axis1, axis2)))

    def squeeze(self, axis: Any = None) -> Array:
        """The view without dimensions of size 1: all, or those in `axis`."""
        return self._with(_views.of(self, lambda a: a.squeeze(axis)))

    def broadcast_to(self, shape: Any) -> Array:
        """A read-only view that repeats dimensions of size 1, and new ones in front."""
        dims = _views.shape_of(shape)
        view = self._with(_views.of(self, lambda a: numpy.broadcast_to(a, dims)))
        view._readonly = True
        return view

    def reshape(self, *shape: Any, copy: bool | None = None) -> Array:
        """The elements, in row-major order, in another shape; one size may be -1.

        Args:
            copy: None: a view where that is possible, else a copy; True: always a copy; False: a view, or ArgumentError.
        """
        dims = _views.reshaped(self._shape, shape[0] if len(shape) == 1 else shape)
        place = None if copy else _views.reshape(self, dims)
        if place is not None:
            return self._with(place)
        if copy is False:
            raise ArgumentError(f"a view of shape {dims} is not possible with strides {self._strides}; leave copy at None")
        return self.copy().reshape(dims, copy=False)

    def ravel(self) -> Array:
        """`reshape(-1)`."""
        return self.reshape(-1)

    def flatten(self) -> Array:
        """A copy in one dimension."""
        return self.reshape(-1, copy=True)

    def view(self, dtype: Any) -> Array:
        """The same bytes as another dtype. Where the sizes differ, the last dimension, which must have no gaps, changes with them."""
        made = dtype_of(dtype)
        return self._with(_views.of(self, lambda a: a.view(f"V{made.itemsize}")), made)

    def __getitem__(self, key: Any) -> Array:
        return self._with(_views.item(self, key))

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of an array without dimensions")
        return self._shape[0]

    def __iter__(self) -> Iterator[Array]:
        if not self._shape:
            raise TypeError("iteration over an array without dimensions")
        return (self[index] for index in range(self._shape[0]))

    # ---- copies and assignment on the device ----

    def __setitem__(self, key: Any, value: Any) -> None:
        self[key].assign(value)

    def assign(self, value: Any) -> None:
        """Sets all elements: to those of an Array or of something like a numpy array, broadcast to this shape and converted, or to a number.

        `a[...] = value` is the same.
        """
        if self._readonly:
            raise ArgumentError("the array is read-only")
        if isinstance(value, Array):
            self._copy_from(value)
            return
        host = _host_values(value, self._dtype)
        if host.ndim == 0:
            self._fill(host)
        elif host.shape == self._shape:
            self._write(host)
        else:
            numpy.broadcast_shapes(host.shape[max(0, host.ndim - self.ndim):], self._shape)  # raises before anything is sent
            self._copy_from(Array._new(host.shape, self._dtype, self._queue)._write(host))

    def set(self, value: Any) -> None:
        """Copies a numpy array, or something like one, of the same shape here. Returns when it may be changed again."""
        if self._readonly:
            raise ArgumentError("the array is read-only")
        host = _host_values(value, self._dtype)
        if host.shape != self._shape:
            raise ArgumentError(f"value has the shape {host.shape}, must have {self._shape}; a[...] = value broadcasts")
        self._write(host)

    def set_async(self, value: Any, *, waits: Waits = None) -> Event:
        """`set` that does not wait. The host memory, if it has the array's dtype, must not change until the event is complete."""
        if self._readonly:
            raise ArgumentError("the array is read-only")
        host = numpy.ascontiguousarray(_host_values(value, self._dtype)).reshape(numpy.shape(value))
        if host.shape != self._shape:
            raise ArgumentError(f"value has the shape {host.shape}, must have {self._shape}")
        memory = _bytes(host)
        event = Event._take(Event._call(lib.gpuc_array_write_async, self._queue._ptr, self._view(), memory, *wait_list(waits)))
        hold(event._ptr, host, memory)
        return event

    def fill(self, value: Any) -> None:
        """Sets all elements to one number."""
        if self._readonly:
            raise ArgumentError("the array is read-only")
        host = _host_values(value, self._dtype)
        if host.ndim:
            raise ArgumentError(f"value has the shape {host.shape}, must be a number; a[...] = value takes arrays")
        self._fill(host)

    def copy(self, queue: Any = None) -> Array:
        """A new array with these elements, without gaps, made on the device.

        Args:
            queue: of the same context, where the new array is to live; None: this one's.
        """
        return self.astype(self._dtype, queue=queue)

    def astype(self, dtype: Any, *, copy: bool = True, queue: Any = None) -> Array:
        """A new array with these elements converted, on the device, as the class says.

        Args:
            copy: False: the array itself where it has the dtype already.
            queue: as for `copy`.
        """
        made = dtype_of(dtype)
        if not copy and made == self._dtype and queue is None:
            return self
        result = Array._new(self._shape, made, self._queue if queue is None else queue_of(queue, self))
        result._copy_from(self)
        return result

    def _copy_from(self, source: Array) -> None:
        def call(queue: Any, waits: Any, out: Any) -> int:
            return int(lib.gpuc_array_copy(queue, self._view(), source._view(), *waits, out))

        on_queue(self._queue, call, source)

    def _fill(self, value: numpy.ndarray[Any, Any]) -> None:
        check(lib.gpuc_array_fill(self._queue._ptr, self._view(), value.tobytes(), type_number(self._dtype), ffi.NULL, 0, ffi.NULL))

    def _write(self, host: numpy.ndarray[Any, Any]) -> Array:
        check(lib.gpuc_array_write(self._queue._ptr, self._view(), _bytes(host if host.flags.c_contiguous else host.copy("C"))))
        return self

    def _view(self) -> Any:
        """The C structure."""
        view = self._c_view
        if view is None:
            view = self._c_view = ffi.new(_view_type)
            view.struct_size = _view_size
            view.type = type_number(self._dtype)
            view.ndim = len(self._shape)
            view.offset_bytes = self._offset
            view.shape = self._shape
            view.strides_bytes = self._strides
        view.buffer = self._buffer._ptr
        return view

    # ---- to the host ----

    def get(self, out: Any = None) -> numpy.ndarray[Any, Any]:
        """The elements as a numpy array; waits for the commands on the queue.

        Args:
            out: a numpy array of this shape and dtype to write to; None: a new one.
        """
        host, into = _target(self, out)
        check(lib.gpuc_array_read(self._queue._ptr, self._view(), _bytes(into)))
        if into is not host:
            host[...] = into
        return host

    def get_async(self, out: Any = None, *, waits: Waits = None) -> Pending:
        """Begins `get` and returns at once: `await` what is returned, or call its `result()`, to have the numpy array.

        Args:
            out: a C-contiguous numpy array of this shape and dtype, left alone until then; None: a new one.
        """
        host, into = _target(self, out)
        if into is not host:
            raise ArgumentError("out has gaps between its elements, must be C-contiguous")
        memory = _bytes(host)
        event = Event._take(Event._call(lib.gpuc_array_read_async, self._queue._ptr, self._view(), memory, *wait_list(waits)))
        hold(event._ptr, host, memory)
        return Pending(event, host)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("the array is on a device: a numpy array of it is always a copy")
        host = self.get()
        return host if dtype is None else host.astype(dtype, copy=False)

    def __buffer__(self, flags: int) -> memoryview:
        """The buffer protocol, for Python 3.12 and later: a read-only copy on the host."""
        if flags & 1:  # PyBUF_WRITABLE
            raise BufferError("the array is on a device; its copy on the host is read-only")
        host = self.get()
        host.flags.writeable = False
        return memoryview(host)  # type: ignore[arg-type]  # numpy for Python below 3.12 does not say so

    def item(self, *index: Any) -> Any:
        """One element as a Python number: the only one, the one at these indices, or, with one integer, that one in row-major order."""
        if not index:
            if self.size != 1:
                raise ArgumentError(f"item() needs an index: the array has {self.size} elements")
            return self.get().item()
        if len(index) == 1 and isinstance(index[0], tuple):
            index = index[0]
        elif len(index) == 1 and self.ndim != 1:
            index = tuple(int(i) for i in numpy.unravel_index(range(self.size)[index[0]], self._shape))
        if len(index) != self.ndim:
            raise ArgumentError(f"item() got {len(index)} indices, the array has {self.ndim} dimensions")
        return self[index].get().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.get().tolist()

    def _single(self) -> Any:
        if self.size != 1:
            raise TypeError(f"only an array with one element is a number; this one has {self.size}")
        return self.get().item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ArgumentError(f"the truth of an array with {self.size} elements is ambiguous; .get() brings them to numpy")
        return bool(self.get().item())

    def __int__(self) -> int:
        return int(self._single())

    def __float__(self) -> float:
        return float(self._single())

    def __complex__(self) -> complex:
        return complex(self._single())

    def __index__(self) -> int:
        if self._dtype.kind not in "iu" or self.ndim:
            raise TypeError("only an integer array without dimensions is an index")
        return int(self._single())

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Array, closed>"
        from ._format import array_repr

        return array_repr(self)

    def __str__(self) -> str:
        if self.closed:
            return repr(self)
        from ._format import array_str

        return array_str(self)

    # ---- copies of Python's own ----

    def __copy__(self) -> Array:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return self.copy()

    def __reduce__(self) -> Any:
        """By value; unpickled on the default queue."""
        from .creation import from_numpy

        return from_numpy, (self.get(),)

    # ---- products ----

    def __matmul__(self, other: Any) -> Any:
        return self._product(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._product(other, self)

    def _product(self, a: Any, b: Any) -> Any:
        from .linalg import is_operand, matmul

        other = b if a is self else a
        return matmul(a, b) if is_operand(other) else NotImplemented

    # ---- interchange ----

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None,
                   copy: bool | None = None) -> Any:
        """A DLPack capsule; see `gpucompute.from_dlpack` for the rules."""
        from .dlpack import export

        return export(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        from .dlpack import device_of

        return device_of(self)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """The elements as an Arrow array on the host, a copy: one dimension as a primitive array, more as fixed-size lists."""
        from .arrow import export

        return export(self)


class Pending:
    """A copy to the host under way: `await` it, or call `result()`."""

    __slots__ = ("event", "_host")

    def __init__(self, event: Event, host: numpy.ndarray[Any, Any]) -> None:
        self.event = event
        """complete when the copy is"""
        self._host = host

    @property
    def done(self) -> bool:
        """Whether the copy is complete or has failed."""
        return self.event.done

    def result(self, timeout: float | None = None) -> numpy.ndarray[Any, Any]:
        """Waits, up to `timeout` seconds, and gives the numpy array."""
        self.event.wait(timeout)
        return self._host

    def __await__(self) -> Any:
        yield from self.event.__await__()
        return self._host


_view_type = ffi.typeof("gpuc_array_view *")
_view_size = ffi.sizeof("gpuc_array_view")


def on_queue(queue: Queue, call: Any, *others: Array) -> None:
    """Makes a call (queue, (waits, count), out_event) that reads other arrays. Those that live on another queue are waited for, and their
    queues wait for the call in turn, so that both orders hold."""
    foreign = {other._queue._ptr: other._queue for other in others if other._queue._ptr != queue._ptr}
    if not foreign:
        check(call(queue._ptr, (ffi.NULL, 0), ffi.NULL))
        return
    waits = [other.marker() for other in foreign.values()]
    for other in foreign.values():
        other.flush()
    event = Event._take(Event._call(lambda out: call(queue._ptr, wait_list(waits), out)))
    queue.flush()
    for other in foreign.values():
        other.barrier(event)


def _bytes(host: numpy.ndarray[Any, Any]) -> Any:
    # Seen as bytes first: the buffer protocol knows no bfloat16.
    return bytes_of(host.reshape(-1).view(numpy.uint8) if host.size else b"", "host")


def _host_values(value: Any, dtype: numpy.dtype[Any]) -> numpy.ndarray[Any, Any]:
    """A number or something like an array, with the dtype, as numpy converts it."""
    if isinstance(value, numpy.ndarray):
        dtype_of(value.dtype)
        return value.astype(dtype, copy=False)
    if hasattr(value, "__arrow_c_array__"):
        from .arrow import host_array

        return host_array(value)[0].astype(dtype, copy=False)
    found = numpy.asarray(value)
    if found.dtype.kind not in "biufcV":
        raise TypeError(f"value must be a number or an array of numbers; got {type(value).__name__}" +
                        (f" of {found.dtype}" if found.dtype.kind != "O" else ""))
    if dtype.kind in "iu" and isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, float) and value != value or value in (float("inf"), float("-inf")):
            raise ArgumentError(f"value is {value}, which {dtype} cannot hold")
        limits = numpy.iinfo(dtype)
        if not limits.min <= int(value) <= limits.max:
            raise ArgumentError(f"value is {value}, must be {limits.min} to {limits.max} for {dtype}")
    return found.astype(dtype)


def _target(array: Array, out: Any) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """(what the caller gets, the memory without gaps to read into)"""
    if out is None:
        host = numpy.empty(array._shape, array._dtype)
        return host, host
    if not isinstance(out, numpy.ndarray):
        raise TypeError(f"out must be a numpy array; got {type(out).__name__}")
    if out.shape != array._shape or out.dtype != array._dtype:
        raise ArgumentError(f"out is {out.dtype} of shape {out.shape}, must be {array._dtype} of shape {array._shape}")
    if not out.flags.writeable:
        raise ArgumentError("out is read-only")
    return out, out if out.flags.c_contiguous else numpy.empty(array._shape, array._dtype)


def _buffer_of(value: Any) -> Buffer:
    if isinstance(value, Buffer):
        return value
    if isinstance(value, Array):
        return value._buffer
    raise TypeError(f"buffer must be a Buffer or an Array; got {type(value).__name__}")


def _check_extent(array: Array) -> None:
    # The library checks views when they are used; an array that nothing can be done with is refused now.
    if array._offset < 0:
        raise ArgumentError(f"offset is {array._offset}, must be 0 or more")
    if array.size == 0:
        return
    low, high = _views.extent(array._shape, array._strides, array._dtype.itemsize)
    size = array._buffer.size
    if array._offset + low < 0 or array._offset + high > size:
        raise OutOfRange(f"the array reaches from byte {array._offset + low} to byte {array._offset + high} of its buffer, which has {size}")


