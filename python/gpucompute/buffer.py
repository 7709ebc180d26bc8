"""Buffers: ranges of device memory, copies to and from them, slices and maps."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from . import _pack
from ._defaults import context_of, queue_of
from ._handle import Handle, native_integer, native_of, release_native
from ._host import bytes_of
from ._keep import hold
from ._library import NULL, ffi, lib, pointer
from .context import Context
from .errors import ArgumentError, OutOfRange, check
from .event import Event, Waits, wait_list

if TYPE_CHECKING:
    from .mapping import Mapping

Slice = slice  # the method of that name hides it
_size_out = ffi.typeof("size_t *")


class Buffer(Handle, kind="buffer"):
    """Device memory; its content is undefined at first.

    Args:
        size: bytes, 0 or more.
        context: a Context, a Device (its own context), a Queue, or None for the default context.
        pooled: False: straight from the driver and back to it, exactly the size asked for.

    Offsets and sizes of all methods are bytes. Where a queue is not given, that of the buffer's context is used. Methods that end in `_async`
    do not wait and give an Event; the host memory that they use is kept alive until the command is complete, and must not be changed.
    """

    __slots__ = ("_context", "__gpuc_arg__", "_host")
    _context: Context
    __gpuc_arg__: bytes

    def __init__(self, size: int, context: Any = None, *, pooled: bool = True) -> None:
        owner = context_of(context)
        ptr = self._call(lib.gpuc_buffer_create, owner._ptr, byte_count(size, "size"), 0 if pooled else lib.GPUC_BUFFER_UNPOOLED)
        self._set(ptr, owner)

    def _set(self, ptr: Any, context: Context, host: Any = None) -> Buffer:
        self._ptr = ptr
        self._context = context
        self._host = host  # memory that the buffer lies over
        self.__gpuc_arg__ = _pack.buffer(ptr)
        return self

    @classmethod
    def _of(cls, ptr: Any, context: Context, host: Any = None) -> Buffer:
        return cls.__new__(cls)._set(ptr, context, host)

    @classmethod
    def _take(cls, ptr: Any) -> Buffer:
        self = cls.__new__(cls)
        self._ptr = ptr
        return self._set(ptr, Context._take(Context._call(lib.gpuc_buffer_get_context, ptr)))

    @classmethod
    def over_host(cls, memory: Any, context: Any = None) -> Buffer:
        """Host memory as a buffer, without a copy, on devices that share memory with the host; Unsupported on others.

        Between `map` and the end of the mapping the host may touch it, otherwise the device. `memory` is kept alive by the buffer and its
        slices; it is best aligned to 4096 bytes. Close the buffer, and finish its queue, before you use the memory in other ways.
        """
        owner = context_of(context)
        host = bytes_of(memory, "memory", writable=True)
        return cls._of(cls._call(lib.gpuc_buffer_create_over_host, owner._ptr, host, len(host)), owner, host)

    def _forget(self) -> Any:
        ptr = super()._forget()
        if ptr is not None:
            del self.__gpuc_arg__
        return ptr

    # ---- what it is ----

    @property
    def size(self) -> int:
        """In bytes."""
        out = ffi.new(_size_out)
        check(lib.gpuc_buffer_get_size(self._ptr, out))
        return int(out[0])

    nbytes = size

    @property
    def offset(self) -> int:
        """Where a slice starts in its whole buffer, in bytes; 0 for a whole one."""
        out = ffi.new(_size_out)
        check(lib.gpuc_buffer_get_offset(self._ptr, out))
        return int(out[0])

    @property
    def context(self) -> Context:
        self._ptr  # raises if closed
        return self._context

    @property
    def __gpuc_buffer__(self) -> tuple[Buffer, None, bool]:
        """What a kernel launch asks any argument for: (a Buffer that starts at the first element, the element type or None, whether the
        elements are one after the other)."""
        return self, None, True

    # ---- parts ----

    def slice(self, offset: int, size: int | None = None) -> Buffer:
        """A view of a part: shares the memory and keeps it alive. As a kernel argument its offset in the whole buffer must be a multiple of
        `Device.slice_alignment_bytes`."""
        offset = byte_count(offset, "offset")
        size = self._rest(offset) if size is None else byte_count(size, "size")
        return Buffer._of(self._call(lib.gpuc_buffer_slice, self._ptr, offset, size), self._context, self._host)

    def __getitem__(self, key: Slice) -> Buffer:
        """`buffer[start:stop]`, in bytes; as `slice`."""
        if not isinstance(key, Slice) or key.step not in (None, 1):
            raise TypeError("a Buffer takes slices of bytes with step 1, buffer[start:stop]; for elements use an Array")
        start, stop, _ = key.indices(self.size)
        return self.slice(start, max(0, stop - start))

    def __len__(self) -> int:
        return self.size

    # ---- transfers ----

    def write(self, data: Any, queue: Any = None, *, offset: int = 0) -> None:
        """Copies host memory (bytes-like, a contiguous numpy array, ...) into the buffer and waits until it may be used again."""
        host = bytes_of(data, "data")
        check(lib.gpuc_buffer_write(self._ptr, self._queue(queue), byte_count(offset, "offset"), len(host), host))

    def read(self, out: Any = None, queue: Any = None, *, offset: int = 0, size: int | None = None) -> Any:
        """Copies the buffer into host memory and waits until it is there.

        Args:
            out: writable bytes-like memory, whose size says how much is read; None: a new bytearray.
            size: without `out`, how many bytes; None: all from `offset` on.

        Returns `out`.
        """
        offset = byte_count(offset, "offset")
        if out is None:
            out = bytearray(self._rest(offset) if size is None else byte_count(size, "size"))
        elif size is not None:
            raise ArgumentError("give out or size, not both: out says how many bytes to read")
        host = bytes_of(out, "out", writable=True)
        check(lib.gpuc_buffer_read(self._ptr, self._queue(queue), offset, len(host), host))
        return out

    def write_async(self, data: Any, queue: Any = None, *, offset: int = 0, waits: Waits = None) -> Event:
        """`write` that does not wait."""
        host = bytes_of(data, "data")
        return self._async(lib.gpuc_buffer_write_async, (host,), self._ptr, self._queue(queue), byte_count(offset, "offset"), len(host), host,
                           *wait_list(waits))

    def read_async(self, out: Any, queue: Any = None, *, offset: int = 0, waits: Waits = None) -> Event:
        """`read` that does not wait."""
        host = bytes_of(out, "out", writable=True)
        return self._async(lib.gpuc_buffer_read_async, (host,), self._ptr, self._queue(queue), byte_count(offset, "offset"), len(host), host,
                           *wait_list(waits))

    def copy_to(self, destination: Buffer, queue: Any = None, *, source_offset: int = 0, destination_offset: int = 0,
                size: int | None = None, waits: Waits = None) -> Event:
        """Copies to another buffer on the device; does not wait. size None: all from `source_offset` on."""
        source_offset = byte_count(source_offset, "source_offset")
        size = self._rest(source_offset) if size is None else byte_count(size, "size")
        return self._async(lib.gpuc_buffer_copy_async, (), self._ptr, as_buffer(destination, "destination")._ptr, self._queue(queue),
                           source_offset, byte_count(destination_offset, "destination_offset"), size, *wait_list(waits))

    def fill(self, pattern: Any, queue: Any = None, *, offset: int = 0, size: int | None = None, waits: Waits = None) -> Event:
        """Fills a range with a pattern over and over; does not wait.

        Args:
            pattern: a byte as a number, or 1, 2, 4, ... 128 bytes, such as `numpy.float32(1)`.
            offset, size: multiples of the pattern's size. size None: all from `offset` on.
        """
        if isinstance(pattern, int) and not isinstance(pattern, bool):
            if not 0 <= pattern < 256:
                raise ArgumentError(f"pattern is {pattern}, must be 0 to 255, or bytes (numpy.uint32({pattern}) for a wider number)")
            pattern = bytes([pattern])
        host = bytes_of(pattern, "pattern")
        offset = byte_count(offset, "offset")
        size = self._rest(offset) if size is None else byte_count(size, "size")
        return self._async(lib.gpuc_buffer_fill_async, (), self._ptr, self._queue(queue), host, len(host), offset, size, *wait_list(waits))

    # ---- boxes ----

    def write_rect(self, data: Any, region: Sequence[int], queue: Any = None, **places: Any) -> None:
        """Copies a box from host memory (the source) into the buffer. See `rect` for region and places."""
        box = rect(region, **places)
        host = host_of_box(data, box, "data", source=True)
        check(lib.gpuc_buffer_write_rect(self._ptr, self._queue(queue), box, host))

    def read_rect(self, out: Any, region: Sequence[int], queue: Any = None, **places: Any) -> Any:
        """Copies a box from the buffer (the source) into host memory. See `rect` for region and places. Returns `out`."""
        box = rect(region, **places)
        host = host_of_box(out, box, "out", source=False)
        check(lib.gpuc_buffer_read_rect(self._ptr, self._queue(queue), box, host))
        return out

    def write_rect_async(self, data: Any, region: Sequence[int], queue: Any = None, *, waits: Waits = None, **places: Any) -> Event:
        """`write_rect` that does not wait."""
        box = rect(region, **places)
        host = host_of_box(data, box, "data", source=True)
        return self._async(lib.gpuc_buffer_write_rect_async, (host,), self._ptr, self._queue(queue), box, host, *wait_list(waits))

    def read_rect_async(self, out: Any, region: Sequence[int], queue: Any = None, *, waits: Waits = None, **places: Any) -> Event:
        """`read_rect` that does not wait."""
        box = rect(region, **places)
        host = host_of_box(out, box, "out", source=False)
        return self._async(lib.gpuc_buffer_read_rect_async, (host,), self._ptr, self._queue(queue), box, host, *wait_list(waits))

    def copy_rect_to(self, destination: Buffer, region: Sequence[int], queue: Any = None, *, waits: Waits = None, **places: Any) -> Event:
        """Copies a box to another buffer on the device; does not wait. See `rect` for region and places."""
        return self._async(lib.gpuc_buffer_copy_rect_async, (), self._ptr, as_buffer(destination, "destination")._ptr, self._queue(queue),
                           rect(region, **places), *wait_list(waits))

    # ---- maps ----

    def map(self, queue: Any = None, *, read: bool = True, write: bool = True, discard: bool = False, offset: int = 0,
            size: int | None = None) -> Mapping:
        """Makes a range readable and writable by the host, without a copy where the device shares the host's memory.

            with buffer.map() as view:
                numpy.frombuffer(view, numpy.float32)[:] = 1

        Waits until the range is there. Until it is unmapped no command may use it.

        Args:
            read, write: what the host will do.
            discard: the old content is not needed.
        """
        from .mapping import Mapping

        offset = byte_count(offset, "offset")
        size = self._rest(offset) if size is None else byte_count(size, "size")
        return Mapping(self, queue_of(queue, self), read, write, discard, offset, size)

    # ---- sharing ----

    @property
    def int_ptr(self) -> int:
        """The cl_mem of the whole buffer as an integer (a slice starts at `offset` in it). Not retained. The memory does not go back to the
        pool afterwards, since others may use it."""
        out = ffi.new("void **")
        check(lib.gpuc_buffer_get_native(self._ptr, out, NULL))
        return int(ffi.cast("uintptr_t", out[0]))

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True, context: Context | None = None) -> Buffer:
        """A buffer around a cl_mem, such as `pyopencl.Buffer.int_ptr`.

        Args:
            retain: True: adds a reference of its own. False: takes yours over.
            context: its context, if you have it at hand.
        """
        from ._native import context_of_native

        native_integer(int_ptr, "cl_mem")
        owner = context_of_native("buffer", int_ptr, context)
        buffer = Buffer._of(Buffer._call(lib.gpuc_buffer_from_native, owner._ptr, pointer(int_ptr)), owner)
        release_native("buffer", int_ptr, retain)
        return buffer

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a Buffer has no element type: use numpy.frombuffer(buffer.read(), dtype)")

    # ---- helpers ----

    def _queue(self, queue: Any) -> Any:
        return queue_of(queue, self)._ptr

    def _rest(self, offset: int) -> int:
        size = self.size
        if offset > size:
            raise OutOfRange(f"offset is {offset}, the buffer has {size} bytes")
        return size - offset

    def _async(self, function: Any, hosts: tuple[Any, ...], *args: Any) -> Event:
        event = Event._take(Event._call(function, *args))
        if hosts:
            hold(event._ptr, *hosts)
        return event

    def __repr__(self) -> str:
        if self.closed:
            return "<gpucompute.Buffer, closed>"
        part = f" from byte {self.offset} of a larger one" if self.offset else ""
        return f"<gpucompute.Buffer of {self.size} bytes{part}>"


def byte_count(value: Any, name: str) -> int:
    """A size or offset: an integer that fits size_t."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, in bytes; got {type(value).__name__}")
    number: int = value.__index__()
    if not 0 <= number < 2**64:
        raise ArgumentError(f"{name} is {number}, must be 0 or more" + (" and fit 64 bits" if number > 0 else ""))
    return number


def as_buffer(value: Any, name: str) -> Buffer:
    """A Buffer, or that of an object with `__gpuc_buffer__`."""
    if isinstance(value, Buffer):
        return value
    found = getattr(value, "__gpuc_buffer__", None)
    if found is None:
        raise TypeError(f"{name} must be a Buffer or a device array; got {type(value).__name__}")
    buffer, _, contiguous = found
    if not contiguous:
        raise ArgumentError(f"{name} is a strided view, must be contiguous; .copy() makes it so")
    assert isinstance(buffer, Buffer)
    return buffer


def rect(region: Sequence[int], source_origin: Sequence[int] = (0, 0, 0), destination_origin: Sequence[int] = (0, 0, 0),
         source_row_pitch: int = 0, source_slice_pitch: int = 0, destination_row_pitch: int = 0, destination_slice_pitch: int = 0) -> Any:
    """A box in two places, as the C structure.

    Args:
        region: (bytes in a row, rows, slices); shorter ones are filled up with 1.
        source_origin, destination_origin: (bytes, rows, slices); shorter ones are filled up with 0.
        source_row_pitch, ...: bytes from one row, or slice, to the next; 0: tightly packed.
    """
    box = ffi.new("gpuc_rect *")
    check(lib.gpuc_rect_init(box, ffi.sizeof("gpuc_rect")))
    box.region = _triple(region, 1, "region")
    box.source_origin = _triple(source_origin, 0, "source_origin")
    box.destination_origin = _triple(destination_origin, 0, "destination_origin")
    box.source_row_pitch_bytes = byte_count(source_row_pitch, "source_row_pitch")
    box.source_slice_pitch_bytes = byte_count(source_slice_pitch, "source_slice_pitch")
    box.destination_row_pitch_bytes = byte_count(destination_row_pitch, "destination_row_pitch")
    box.destination_slice_pitch_bytes = byte_count(destination_slice_pitch, "destination_slice_pitch")
    return box


def _triple(values: Sequence[int], filler: int, name: str) -> list[int]:
    items = [byte_count(value, name) for value in values]
    if not 1 <= len(items) <= 3:
        raise ArgumentError(f"{name} has {len(items)} numbers, must have 1 to 3")
    return items + [filler] * (3 - len(items))


def host_of_box(host: Any, box: Any, name: str, source: bool) -> Any:
    """Host memory that a box must not reach past the end of: the library cannot know its size."""
    memory = bytes_of(host, name, writable=not source)
    width, height, depth = box.region
    if width and height and depth:
        side = "source" if source else "destination"
        x, y, z = getattr(box, f"{side}_origin")
        row = getattr(box, f"{side}_row_pitch_bytes") or width
        plane = getattr(box, f"{side}_slice_pitch_bytes") or row * height
        end = (z + depth - 1) * plane + (y + height - 1) * row + x + width
        if end > len(memory):
            raise OutOfRange(f"the box ends at byte {end} of {name}, which has {len(memory)} bytes")
    return memory
