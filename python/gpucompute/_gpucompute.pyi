"""The compiled cffi module: the C ABI, and the launch helper of python/extension."""
from typing import Any

ffi: Any
lib: Any
