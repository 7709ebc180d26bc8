"""The library through ctypes, as a program without a compiler would use it.

The structures are written down by hand; constants and prototypes are read from the cdef, so that none is missing.
"""
import ctypes
import functools
import os
import re
from ctypes import c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CDEF = Path(os.environ.get("GPUC_CDEF") or ROOT / "python" / "gpucompute" / "_cdef.h")


def library_path():
    """GPUC_LIBRARY, or the newest library in the build tree."""
    if os.environ.get("GPUC_LIBRARY"):
        return Path(os.environ["GPUC_LIBRARY"])
    # Python cannot load a library that needs a sanitizer's run time.
    built = [path for path in ROOT.glob("build/*/libgpucompute.so") if path.parent.name not in ("asan", "tsan")]
    return max(built, key=lambda path: path.stat().st_mtime) if built else None


class ArgValue(ctypes.Union):
    _fields_ = [("buffer", c_void_p), ("bytes", c_void_p), ("i8", ctypes.c_int8), ("u8", ctypes.c_uint8),
                ("i16", ctypes.c_int16), ("u16", ctypes.c_uint16), ("i32", c_int32), ("u32", c_uint32),
                ("i64", c_int64), ("u64", c_uint64), ("f32", c_float), ("f64", c_double)]


class Arg(ctypes.Structure):
    _fields_ = [("kind", c_int32), ("type", c_int32), ("size_bytes", c_uint64), ("value", ArgValue)]


class Launch(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("dims", c_uint32), ("reserved", c_uint32),
                ("global", c_size_t * 3), ("local", c_size_t * 3), ("offset", c_size_t * 3)]


class Rect(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("region", c_size_t * 3),
                ("source_origin", c_size_t * 3), ("source_row_pitch_bytes", c_size_t),
                ("source_slice_pitch_bytes", c_size_t), ("destination_origin", c_size_t * 3),
                ("destination_row_pitch_bytes", c_size_t), ("destination_slice_pitch_bytes", c_size_t)]


class Text(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("text", c_char_p), ("size_bytes", c_size_t)]


class Define(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class ProgramDesc(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("sources", ctypes.POINTER(Text)),
                ("source_count", c_size_t), ("headers", ctypes.POINTER(Text)), ("header_count", c_size_t),
                ("binary", c_void_p), ("binary_size_bytes", c_size_t), ("spirv", c_void_p),
                ("spirv_size_bytes", c_size_t), ("defines", ctypes.POINTER(Define)), ("define_count", c_size_t),
                ("options", c_char_p)]


class ProqueOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("device_filter", c_char_p), ("device", c_void_p),
                ("context", c_void_p), ("source_file", c_char_p), ("options", c_char_p),
                ("defines", ctypes.POINTER(Define)), ("define_count", c_size_t), ("queue_flags", c_uint32),
                ("dims", c_uint32), ("size", c_size_t * 3)]


class GemmDesc(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("type", c_int32), ("layout", c_int32),
                ("transpose_a", c_int32), ("transpose_b", c_int32), ("m", c_int64), ("n", c_int64), ("k", c_int64),
                ("lda", c_int64), ("ldb", c_int64), ("ldc", c_int64), ("a_offset", c_int64), ("b_offset", c_int64),
                ("c_offset", c_int64), ("batch_count", c_int64), ("a_stride", c_int64), ("b_stride", c_int64),
                ("c_stride", c_int64), ("alpha_real", c_double), ("alpha_imag", c_double), ("beta_real", c_double),
                ("beta_imag", c_double), ("backend", c_char_p), ("b_type", c_int32), ("c_type", c_int32), ("compute", c_int32),
                ("activation", c_int32), ("bias", c_int32), ("bias_type", c_int32), ("bias_buffer", c_void_p), ("bias_offset", c_int64),
                ("output_scale", c_double), ("residual", c_void_p), ("residual_offset", c_int64), ("residual_ld", c_int64),
                ("residual_stride", c_int64), ("group_rows", c_void_p), ("group_count", c_size_t)]


class TuneOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("type", c_int32), ("max_size", c_uint32), ("backend", c_char_p),
                ("seconds", c_double)]


class ProfileOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("max_records", c_uint64)]


class ArrayView(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("buffer", c_void_p), ("type", c_int32),
                ("ndim", c_uint32), ("offset_bytes", c_size_t), ("shape", c_uint64 * 16),
                ("strides_bytes", c_int64 * 16)]


class MatmulOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("alpha_real", c_double), ("alpha_imag", c_double),
                ("beta_real", c_double), ("beta_imag", c_double), ("backend", c_char_p), ("compute", c_int32),
                ("reserved", c_uint32)]


STRUCTURES = {"gpuc_arg": Arg, "gpuc_launch": Launch, "gpuc_rect": Rect, "gpuc_text": Text, "gpuc_define": Define,
              "gpuc_program_desc": ProgramDesc, "gpuc_proque_options": ProqueOptions, "gpuc_gemm_desc": GemmDesc,
              "gpuc_profile_options": ProfileOptions, "gpuc_tune_options": TuneOptions, "gpuc_array_view": ArrayView,
              "gpuc_matmul_options": MatmulOptions}
NUL_TERMINATED = c_size_t(-1).value
LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


@functools.lru_cache(maxsize=None)
def declarations():
    """{function: (result, [parameter types])} and {constant: value}, from the cdef."""
    text = re.sub(r"/\*.*?\*/", "", CDEF.read_text(), flags=re.S)
    functions = {}
    for result, name, parameters in re.findall(r"^([\w *]+?)(gpuc_\w+)\(([^)]*)\);$", text, re.M):
        types = [re.sub(r"\w+$", "", parameter.strip()).strip() for parameter in parameters.split(",")]
        functions[name] = (result.strip(), [] if parameters == "void" else types)
    constants = {name: eval(value.replace("u", ""))  # pylint: disable=eval-used
                 for name, value in re.findall(r"^\s+(GPUC_\w+) = ([-\du <]+),?$", text, re.M)}
    return functions, constants


def ctypes_type(text):
    if text == "void":
        return None
    if text == "const char *":
        return c_char_p
    if "*" in text or text == "gpuc_log_callback":
        return c_void_p
    plain = {"uint32_t": c_uint32, "int32_t": c_int32, "uint64_t": c_uint64, "int64_t": c_int64, "size_t": c_size_t}
    return plain.get(text, c_int32)  # what is left are enumerations


class GpucError(Exception):
    def __init__(self, library):
        self.status = library.gpuc_last_error_status()
        self.name = library.gpuc_status_name(self.status).decode()
        self.message = library.gpuc_last_error_message().decode()
        self.detail = library.gpuc_last_error_detail().decode()
        super().__init__(f"{self.name}: {self.message}")


class Library:
    """lib.gpuc_buffer_create(...) is the plain call; lib.buffer_create(...) raises GpucError if it fails."""

    def __init__(self, path):
        self.dll = ctypes.CDLL(str(path))
        functions, constants = declarations()
        for name, (result, parameters) in functions.items():
            function = getattr(self.dll, name)
            function.restype = ctypes_type(result)
            function.argtypes = [ctypes_type(parameter) for parameter in parameters]
            setattr(self, name, function)
            if result == "gpuc_status":
                setattr(self, name[len("gpuc_"):], self.checked(function))
        for name, value in constants.items():
            setattr(self, name, value)

    def checked(self, function):
        def call(*arguments):
            if function(*arguments) != 0:
                raise GpucError(self)
        return call

    def give(self, name, *arguments):
        """Calls a function whose last parameter is an out handle, and returns the handle."""
        handle = c_void_p()
        getattr(self, name)(*arguments, ctypes.byref(handle))
        return handle.value

    def number(self, name, *arguments, kind=c_uint64):
        value = kind()
        getattr(self, name)(*arguments, ctypes.byref(value))
        return value.value

    def text(self, name, *arguments):
        """A string result: its size first, then the text."""
        needed = c_size_t()
        getattr(self, name)(*arguments, None, 0, ctypes.byref(needed))
        buf = ctypes.create_string_buffer(needed.value)
        getattr(self, name)(*arguments, buf, needed, ctypes.byref(needed))
        return buf.value.decode()

    def structure(self, name, **members):
        """A structure set up by its _init function."""
        made = STRUCTURES["gpuc_" + name]()
        getattr(self, name + "_init")(ctypes.byref(made), ctypes.sizeof(made))
        for member, value in members.items():
            setattr(made, member, value)
        return made

    def proque(self, source, size=None, **members):
        options = self.structure("proque_options", **members)
        if size is not None:
            options.dims = 1
            options.size[0] = size
        return self.give("proque_create", source.encode(), NUL_TERMINATED, ctypes.byref(options))

    def arguments(self, *values):
        """A gpuc_arg array: ("buffer", handle), ("f32", 1.5), ("null", None), ..."""
        args = (Arg * len(values))()
        for arg, (kind, value) in zip(args, values):
            if kind == "buffer":
                arg.kind = self.GPUC_ARG_BUFFER
                arg.value.buffer = value
            elif kind == "local":
                arg.kind = self.GPUC_ARG_LOCAL
                arg.size_bytes = value
            elif kind == "bytes":
                arg.kind = self.GPUC_ARG_BYTES
                arg.size_bytes = len(value)
                arg.value.bytes = ctypes.cast(c_char_p(value), c_void_p)
            elif kind == "null":
                arg.kind = self.GPUC_ARG_NULL
            else:
                arg.kind = self.GPUC_ARG_SCALAR
                arg.type = getattr(self, "GPUC_TYPE_" + kind.upper())
                setattr(arg.value, kind, value)
        return args


@functools.lru_cache(maxsize=None)
def load():
    return Library(library_path())
