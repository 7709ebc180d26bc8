#!/usr/bin/env python3
"""Writes, from gpucompute.h, one C++ function for each function of the ABI that calls it with arguments of a World.

    gen_calls.py FILE

The rules go by the type and the name of a parameter. A parameter that no rule fits ends the run with an error, so that a new function of the
ABI is either reached by the fuzzer or named in BY_HAND with a function call_NAME in capi_fuzz.cpp.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_statuses  # noqa: E402
import header  # noqa: E402

# Native handles are believed, so that only living ones may be given, and one is the caller's own; the doctor looks through the whole system.
BY_HAND = {"gpuc_log_set", "gpuc_doctor", "gpuc_device_from_native", "gpuc_context_from_native", "gpuc_queue_from_native",
           "gpuc_event_from_native", "gpuc_buffer_from_native", "gpuc_program_from_native", "gpuc_kernel_create_native"}
# Blocks, or waits for memory that running commands hold, although its doc block does not have to say so.
MAY_WAIT = re.compile(r"_create|_trim|_gemm$|_matmul|_array_|_proque_|_slice")
SCALARS = {"size_t": "size", "uint32_t": "flags", "uint64_t": "wide", "int32_t": "number"}


class Unknown(Exception):
    pass


def bare(type_name):
    return type_name.replace("const ", "").replace("*const", "*").replace(" ", "")


class Call:
    """The body of one function, put together parameter by parameter."""

    def __init__(self, function, handles, structs):
        self.function, self.handles, self.structs = function, handles, structs
        self.first, self.second, self.after = [], [], []  # lines; host memory is made when the sizes are known
        self.arguments = []
        self.names = {parameter.name: parameter.type for parameter in function.parameters}

    def lines(self):
        for parameter in self.function.parameters:
            self.add(parameter.name, bare(parameter.type), parameter.type.startswith("const "))
        call = f"{self.function.name}({', '.join(self.arguments)})"
        if self.function.returns == "gpuc_status" and self.function.parameters:  # gpuc_last_error_status cannot fail
            call = f"const gpuc_status status = w.checked({call}, this_call)"
            # A failing call sets its out handles to NULL.
            self.after.insert(0, "(void)status;")
        elif self.function.returns != "void":
            call = f"w.use({call})"
        return self.first + self.second + [call + ";"] + self.after

    def add(self, name, kind, is_const):
        function = self.function.name
        argument = name
        match = re.fullmatch(r"(gpuc_\w+)(\**)", kind)
        if match and match[1] in self.handles:
            self.handle(name, match[1], match[2])
        elif match and match[1] in self.structs:
            # An init or pack function writes into the structure.
            if not is_const and function.endswith("_init"):
                self.second.append(f"auto *{name} = static_cast<{match[1]} *>(w.block(struct_size));")
            elif name == "args":
                self.first.append("const std::vector<gpuc_arg> args = w.args();")
                argument = "args.data()"
            else:
                self.first.append(f"{match[1]} *{name} = w.structure_{match[1]}();")
        elif kind == "char*" and name == "buf" or kind == "void*" and name == "buf":
            self.second.append("auto *buf = static_cast<char *>(w.block(capacity));")
        elif kind == "char*":
            self.first.append(f"const char *{name} = w.text_{name}();")
        elif kind == "void*" and name == "host":
            self.second.append(f"void *host = {self.host()};")
            self.second.append("if (!w.possible) return;")
        elif kind == "void*" and name == "pattern":
            self.second.append("void *pattern = w.host(pattern_size_bytes);")
        elif kind == "void*" and name in ("value", "start", "step"):
            self.first.append(f"const void *{name} = w.host(16);")
        elif kind == "void*" and name == "pointer":
            self.first.append("void *pointer = w.mapped();")
        elif kind == "void**":
            self.first.append(f"void *{name}_room = &w, **{name} = w.optional(&{name}_room);")
            if name == "out_pointer" and function == "gpuc_buffer_map":
                self.after.append(f"if (status == GPUC_OK) w.keep_mapped({name}_room, size_bytes);")
            elif name == "out_pointer" and function == "gpuc_buffer_map_async":
                self.after.append(f"if (status == GPUC_OK) w.keep_mapped({name}_room, 0);")
        elif kind == "size_t*" and name == "size":
            self.first.append("const size_t size_room[3] = {w.size(), w.size(), w.size()}, *size = w.optional(size_room);")
        elif re.fullmatch(r"\w+\*", kind) and (name.startswith("out_")):
            self.first.append(f"{kind[:-1]} {name}_room = {{}}, *{name} = w.optional(&{name}_room);")
            if name == "out_fd":
                self.after.append("if (status == GPUC_OK) close(out_fd_room);")
        elif name == "capacity" and "items" in self.names:
            self.first.append("const size_t capacity = w.few();")
        elif name == "capacity":
            self.first.append("const size_t capacity = w.capacity();")
        elif name == "struct_size":
            self.first.append(f"const size_t struct_size = w.struct_size(sizeof({self.structure()}));")
        elif name in ("wait_count", "event_count", "device_count"):
            argument = f"{self.list_name()}.size()"
        elif name == "arg_count":
            argument = "args.size()"
        elif name == "size_bytes" and "source" in self.names and "const char" in self.names["source"]:
            self.second.append("const size_t size_bytes = w.text_size(source);")
        elif name == "timeout_ns":
            self.first.append("const uint64_t timeout_ns = w.few() * 1000;")
        elif kind in SCALARS:
            self.first.append(f"const {kind} {name} = w.{SCALARS[kind]}();")
        elif re.fullmatch(r"gpuc_\w+", kind):  # an enumeration, which is an int32_t
            self.first.append(f"const {kind} {name} = w.choice();")
        else:
            raise Unknown(f"{function}: no rule for the parameter {name} of type {self.names[name]}")
        self.arguments.append(argument)

    def handle(self, name, handle, stars):
        function = self.function.name
        if stars == "*" and function.endswith("_release"):
            self.first.append(f"auto *{name} = w.take<{handle}>();")
        elif stars == "*":
            self.first.append(f"auto *{name} = w.handle<{handle}>();")
            if function.endswith("_retain"):
                self.after.append(f"if (status == GPUC_OK) w.retained({name});")
        elif name == "items":
            self.first.append(f"{handle} *items[8] = {{}};")
            self.after.append("w.given_list(items, status);")
        elif name.startswith("out_"):
            self.first.append(f"auto *{name}_room = reinterpret_cast<{handle} *>(&w), **{name} = w.optional(&{name}_room);")
            self.after.append(f"if ({name}) w.given({name}_room, status, this_call);")
            if function == "gpuc_event_create_user":
                self.after.append(f"if (status == GPUC_OK && {name}) w.keep_user_event({name}_room);")
        else:  # an array of handles
            self.first.append(f"const std::vector<{handle} *> {name}_room = w.handles<{handle}>();")
            self.first.append(f"{handle} *const *{name} = {name}_room.data();")

    def list_name(self):
        return next(name for name in ("waits", "events", "devices") if name in self.names) + "_room"

    def structure(self):
        return next(bare(kind)[:-1] for kind in self.names.values() if bare(kind).endswith("*"))

    # Memory as large as what the call may read or write there.
    def host(self):
        if "size_bytes" in self.names:
            return "w.host(size_bytes)"
        if "rect" in self.names:
            return f"w.host_of_rect(rect, {'true' if '_write' in self.function.name else 'false'})"
        if "view" in self.names:
            return "w.host_of_view(view)"
        return "w.host_of_buffer(buffer)"


def main():
    text = header.HEADER.read_text()
    functions = header.functions(text)
    handles = header.handle_types(text)
    structs = set(re.findall(r"^\} (gpuc_\w+);", header.blank_comments(text), re.M))
    documented = check_statuses.documented(functions)
    common = check_statuses.common_statuses(text)
    out = ["// Made from gpucompute.h by tests/fuzz/gen_calls.py.", ""]
    rows = []
    for function in functions:
        statuses = sorted({"GPUC_OK"} | common | documented.get(function.name, set()))
        out.append(f"static const Expected expected_{function.name} = {{\"{function.name}\", {{{', '.join(statuses)}}}}};")
        if function.name not in BY_HAND:
            waits = "blocks" in (function.tag("thread") or "") or MAY_WAIT.search(function.name)
            out.append(f"static void call_{function.name}(World &w) {{")
            out.append(f"  const Expected &this_call = expected_{function.name};")
            out.append("  (void)this_call;")
            if waits:
                out.append("  w.complete_user_events();")
            out += [f"  {line}" for line in Call(function, handles, structs).lines()] + ["}"]
        else:
            out.append(f"static void call_{function.name}(World &w);")
        rows.append(f"    call_{function.name},")
    out += ["static void (*const all_calls[])(World &) = {", *rows, "};"]
    Path(sys.argv[1]).write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Unknown as error:
        sys.exit(f"gen_calls.py: {error}")
