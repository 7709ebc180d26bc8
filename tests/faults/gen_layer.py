#!/usr/bin/env python3
"""Generate the wrappers of the fault layer from the installed CL/cl_icd.h.

The header is run through the C preprocessor; every `typedef RESULT (*cl_api_NAME)(PARAMETERS)` that has a slot in
`struct _cl_icd_dispatch` becomes one wrapper. A wrapper does, in this order:

  1. layer_enter(): count the call and ask whether a rule fails it;
  2. objects_check*(): refuse a call that names an object which was already released;
  3. the call of the next layer or the driver (or of an override written by hand in layer_objects.c);
  4. objects_*(): note what was created, retained or released.

Usage: gen_layer.py --cc gcc --output layer_wrappers.c
"""
import argparse
import re
import subprocess
from dataclasses import dataclass

OLD_API_VERSIONS = ("1_0", "1_1", "1_2", "2_0", "2_1", "2_2")

# OpenCL type -> object kind of layer_core.h
KINDS = {
    "cl_context": "KIND_CONTEXT",
    "cl_command_queue": "KIND_QUEUE",
    "cl_mem": "KIND_MEM",
    "cl_program": "KIND_PROGRAM",
    "cl_kernel": "KIND_KERNEL",
    "cl_event": "KIND_EVENT",
    "cl_sampler": "KIND_SAMPLER",
}

# Functions whose call of the driver is written by hand (override_NAME in layer_objects.c).
OVERRIDES = {"clCreateKernelsInProgram", "clWaitForEvents", "clGetEventInfo"}

# Without these the header was not understood.
ESSENTIAL = {"clGetPlatformIDs", "clCreateContext", "clCreateBuffer", "clEnqueueNDRangeKernel", "clWaitForEvents", "clFinish"}

# Functions that cannot fail in a way that a caller could act upon; "any" never means these.
INFALLIBLE = re.compile(r"cl(Retain|Release|Unload|SVMFree$|GetExtensionFunctionAddress)")


@dataclass
class Parameter:
    type: str  # without the name; "" for a function pointer
    name: str
    declaration: str


@dataclass
class Function:
    name: str
    result: str
    parameters: list


def preprocess(compiler):
    command = [compiler, "-E", "-P", "-DCL_TARGET_OPENCL_VERSION=300"]
    command += [f"-DCL_USE_DEPRECATED_OPENCL_{version}_APIS" for version in OLD_API_VERSIONS]
    text = subprocess.run(command + ["-x", "c", "-"], input="#include <CL/cl_icd.h>\n", text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    text = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", text)
    return re.sub(r"\s+", " ", text)


def split_parameters(text):
    """Split at the commas that are not inside the parentheses of a function pointer."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    parts = [part.strip() for part in parts + [current]]
    return [] if parts in ([""], ["void"]) else parts


def parse_parameter(text, index):
    function_pointer = re.fullmatch(r"(.*?\( ?\*) ?(\w*) ?(\) ?\(.*\))", text)
    if function_pointer:
        before, name, after = function_pointer.groups()
        name = name or f"arg{index}"
        return Parameter("", name, f"{before}{name}{after}")
    text = re.sub(r"^(.*?)(\w+) ?\[\d*\]$", r"\1*\2", text)  # an array parameter is a pointer
    words = re.fullmatch(r"((?:const |unsigned |struct )*\w+(?: const)?)((?: ?\*)*) ?(\w*)", text)
    if not words:
        raise SystemExit(f"gen_layer.py: cannot read the parameter '{text}'")
    base, stars, name = words.groups()
    stars = stars.replace(" ", "")
    name = name or f"arg{index}"
    kind = f"{base} {stars}".strip()
    return Parameter(kind, name, f"{base} {stars}{name}")


def parse_functions(text):
    table = re.search(r"typedef struct _cl_icd_dispatch ?\{(.*?)\} ?cl_icd_dispatch ?;", text).group(1)
    slots = re.findall(r"cl_api_\w+ (\w+) ?;", table)
    prototypes = {}
    for typedef in re.findall(r"typedef ([^;{}]*?\( ?\* ?cl_api_\w+ ?\)[^;]*);", text):
        result, name, parameters = re.fullmatch(r"(.*?) ?\( ?\* ?cl_api_(\w+) ?\) ?\((.*)\) ?", typedef).groups()
        prototypes[name] = read_function(name, result, parameters)
    # Headers from 2023-12 on: a type of the function in cl.h, and a pointer to that type.
    for function, name in re.findall(r"typedef (\w+)_t ?\* ?cl_api_(\w+) ?;", text):
        typedef = re.search(rf"typedef ([^;{{}}()]*?) ?\b{function}_t ?\(([^;]*)\) ?;", text)
        if typedef:
            prototypes[name] = read_function(name, *typedef.groups())
    missing = ESSENTIAL - prototypes.keys()
    if missing:
        raise SystemExit(f"gen_layer.py: CL/cl_icd.h has no {', '.join(sorted(missing))} that can be read")
    return [prototypes[name] for name in slots if name in prototypes]  # the others are not available on this system


def read_function(name, result, parameters):
    parameters = [parse_parameter(part, i) for i, part in enumerate(split_parameters(parameters))]
    return Function(name, result.strip(), parameters)


def handle_checks(function):
    """The conditions that refuse a released object: handles, and arrays of handles after their count."""
    checks = []
    if re.match(r"cl(Retain|Release)", function.name):
        return checks  # objects_retain() and objects_release() look themselves
    previous = None
    for parameter in function.parameters:
        array = re.fullmatch(r"const (\w+) \*", parameter.type)
        if parameter.type in KINDS:
            checks.append(f"objects_check({KINDS[parameter.type]}, {parameter.name})")
        elif array and array.group(1) in KINDS and previous and previous.type == "cl_uint":
            checks.append(f"objects_check_list({KINDS[array.group(1)]}, {previous.name}, "
                          f"(const void *const *){parameter.name})")
        previous = parameter
    return checks


def emit_wrapper(function):
    name, result, parameters = function.name, function.result, function.parameters
    status = result == "cl_int"
    errcode = next((p.name for p in parameters if p.type in ("cl_int *", "int *") and p.name != "binary_status"
                    and p is parameters[-1]), None)
    new_event = next((p.name for p in parameters if p.type == "cl_event *"), None)
    arguments = ", ".join(p.name for p in parameters)
    call = f"override_{name}({arguments})" if name in OVERRIDES else f"layer_target.{name}({arguments})"

    lines = [f"static {result} CL_API_CALL wrap_{name}({', '.join(p.declaration for p in parameters) or 'void'}) {{"]
    if result == "void":
        return lines + [f"  (void)layer_enter(FUNCTION_{name});", f"  {call};", "}"]

    lines.append(f"  cl_int code = layer_enter(FUNCTION_{name});")
    for check in handle_checks(function):
        lines.append(f"  if (code == CL_SUCCESS) code = {check};")
    if status:
        lines.append("  if (code != CL_SUCCESS) return code;")
    else:
        lines.append("  if (code != CL_SUCCESS) {")
        if errcode:
            lines.append(f"    if ({errcode}) *{errcode} = code;")
        lines += ["    return NULL;", "  }"]

    lifetime = re.match(r"cl(Retain|Release)(\w+)$", name)
    if lifetime and len(parameters) == 1 and parameters[0].type in KINDS:
        kind, handle = KINDS[parameters[0].type], parameters[0].name
        verb = lifetime.group(1).lower()
        # Before the call, because the driver may give the address of a released object to another thread.
        lines += [f"  code = objects_{verb}({kind}, {handle});",
                  "  if (code != CL_SUCCESS) return code;",
                  f"  {result} result = {call};",
                  f"  if (result != CL_SUCCESS) objects_undo_{verb}({kind}, {handle});"]
    else:
        lines.append(f"  {result} result = {call};")
        if result in KINDS:
            lines.append(f"  objects_created({KINDS[result]}, result);")
        succeeded = "result == CL_SUCCESS" if status else "result"
        if new_event:
            lines.append(f"  if ({succeeded} && {new_event}) objects_enqueued(*{new_event});")
        names = [p.name for p in parameters]
        if re.match(r"clGet\w+Info$", name) and "param_name" in names and parameters[0].type in KINDS:
            lines.append(f"  if ({succeeded}) objects_seen(param_name, param_value_size, param_value);")
    return lines + ["  return result;", "}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="cc", help="the C compiler, used as preprocessor")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    functions = parse_functions(preprocess(options.cc))
    lines = ["// Generated by gen_layer.py from CL/cl_icd.h. Do not edit.", '#include "layer_core.h"', "", "enum {"]
    lines += [f"  FUNCTION_{function.name}," for function in functions]
    lines += ["  FUNCTION_COUNT", "};", "", "struct layer_function layer_functions[] = {"]
    lines += [f'    {{.name = "{f.name}", .fallible = {int(not INFALLIBLE.match(f.name))}}},' for f in functions]
    lines += ["};", "const int layer_function_count = FUNCTION_COUNT;", ""]
    for function in functions:
        lines += emit_wrapper(function) + [""]
    lines.append("void layer_fill_dispatch(cl_icd_dispatch *dispatch) {")
    lines += [f"  if (layer_target.{f.name}) dispatch->{f.name} = wrap_{f.name};" for f in functions]
    lines.append("}")
    with open(options.output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
