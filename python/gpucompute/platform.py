"""OpenCL platforms: one for each installed driver."""
from __future__ import annotations

from ._handle import Handle, native_integer, native_of
from ._library import NULL, ffi, lib, text
from .errors import DeviceNotFound, check


class Platform(Handle, kind="platform"):
    """An OpenCL platform. See `platforms`."""

    __slots__ = ()

    def _text(self, key: int) -> str:
        return text(lib.gpuc_platform_get_string, self._ptr, key)

    @property
    def name(self) -> str:
        return self._text(lib.GPUC_PLATFORM_NAME)

    @property
    def vendor(self) -> str:
        return self._text(lib.GPUC_PLATFORM_VENDOR)

    @property
    def version(self) -> str:
        """Such as "OpenCL 3.0 ..."."""
        return self._text(lib.GPUC_PLATFORM_VERSION)

    @property
    def profile(self) -> str:
        return self._text(lib.GPUC_PLATFORM_PROFILE)

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(self._text(lib.GPUC_PLATFORM_EXTENSIONS).split())

    @property
    def int_ptr(self) -> int:
        """The cl_platform_id as an integer."""
        return native_of(self)

    @staticmethod
    def from_int_ptr(int_ptr: int, retain: bool = True) -> Platform:
        """The platform of a cl_platform_id, such as `pyopencl.Platform.int_ptr`. OpenCL does not count platforms: `retain` changes
        nothing."""
        native_integer(int_ptr, "cl_platform_id")
        for platform in platforms():
            if platform.int_ptr == int_ptr:
                return platform
        raise DeviceNotFound(f"no platform has the cl_platform_id {int_ptr:#x}", lib.GPUC_ERROR_NO_PLATFORM)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Platform):
            return NotImplemented
        return self is other or (not self.closed and not other.closed and self.int_ptr == other.int_ptr)

    def __hash__(self) -> int:
        return hash(self.int_ptr)

    def __repr__(self) -> str:
        return "<gpucompute.Platform, closed>" if self.closed else f"<gpucompute.Platform {self.name!r}>"


def platforms() -> list[Platform]:
    """The OpenCL platforms of this machine.

    Raises DeviceNotFound where no driver is installed; the message says what to do.
    """
    count = ffi.new("size_t *")
    check(lib.gpuc_platform_list(NULL, 0, count))
    items = ffi.new("gpuc_platform *[]", count[0])
    check(lib.gpuc_platform_list(items, count[0], count))
    return [Platform._take(item) for item in items[0:min(count[0], len(items))]]
