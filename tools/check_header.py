#!/usr/bin/env python3
"""Checks that the C header is a complete manual, and that capi/abi/exports.txt lists what it declares.

    check_header.py                  report what is wrong; exit status 1 if anything is
    check_header.py --write-exports  write capi/abi/exports.txt, then check

A doc block has, in this order: what the function does, @param for every parameter (several may share one), @return,
@thread, @async, @since.
"""
import argparse
import re
import sys

import header

NAMES = re.compile(r"(?P<direction>\[(in|out|in,out)\])\s+(?P<names>\w+(\s+\[\w+\])?(\s*,\s*\w+(\s+\[\w+\])?)*)")
ORDER = ["what", "param", "return", "thread", "async", "since"]
ASYNC_PARAMETERS = ["waits", "wait_count", "out_event"]


def documented_parameters(function, problem):
    """Name -> (direction, mark) of the @param tags."""
    found = {}
    for tag, text in function.tags:
        if tag != "param":
            continue
        match = NAMES.match(text)
        if not match:
            problem(f"cannot read '@param{text.splitlines()[0]}'")
            continue
        for piece in match["names"].split(","):
            name, _, mark = piece.strip().partition(" ")
            if name in found:
                problem(f"@param {name} is there twice")
            found[name] = (match["direction"].strip("[]"), mark.strip().strip("[]"))
    return found


def check_parameters(function, handles, problem):
    documented = documented_parameters(function, problem)
    declared = [parameter.name for parameter in function.parameters]
    for name in declared:
        if name not in documented:
            problem(f"no @param {name}")
    for name in documented:
        if name not in declared:
            problem(f"@param {name} is not a parameter")
    in_both = [name for name in documented if name in declared]
    if in_both != [name for name in declared if name in documented]:
        problem("@param tags are not in the order of the parameters")

    for parameter in function.parameters:
        if parameter.name not in documented:
            continue
        direction, mark = documented[parameter.name]
        if parameter.name.startswith("out_") and direction != "out":
            problem(f"@param {parameter.name} must be [out]")
        if parameter.name not in ("items", "buf", "capacity") and not parameter.name.startswith("out_") \
                and direction == "out" and ("*" not in parameter.type or parameter.type.startswith("const")):
            problem(f"@param {parameter.name} cannot be [out]: it is a {parameter.type}")
        base = parameter.type.replace("const", "").split("*")[0].strip()
        if base in handles:
            gives = parameter.name.startswith("out_") or parameter.name == "items"
            allowed = ["give"] if gives else ["take"] if function.name.endswith("_release") else ["keep"]
            if mark not in allowed:
                problem(f"@param {parameter.name} is a handle: mark it [{allowed[0]}]")


def check_return(function, handles, problem):
    """@return must be there where the shape of the function shows that more than the common statuses apply."""
    text = function.tag("return")
    names = [parameter.name for parameter in function.parameters]
    if function.returns == "void":
        if text is not None:
            problem("@return on a function that returns nothing")
        return
    if "*" in function.returns:
        if text is None:
            problem("no @return: say whether the pointer can be NULL and how long it is valid")
        return
    if function.returns != "gpuc_status":
        return
    refers = text is not None and re.search(r"\b[Aa]s gpuc_\w+", text)
    needed = []
    if "key" in names or "flags" in names or "struct_size" in names:
        needed.append("GPUC_ERROR_INVALID_ARGUMENT")
    if {"buf", "capacity", "out_needed"} <= set(names):
        needed.append("GPUC_ERROR_BUFFER_TOO_SMALL")
    taken = [p for p in function.parameters if p.type.split("*")[0].strip() in handles
             and not p.name.startswith("out_") and p.name != "items"]
    if len(taken) > 1 and not function.name.startswith("gpuc_proque_"):
        needed.append("GPUC_ERROR_CONTEXT_MISMATCH")
    for status in needed:
        if not refers and status not in (text or ""):
            problem(f"@return does not say when {status} comes")


def check_function(function, handles, newest, problem):
    if function.doc is None:
        problem("no doc block directly before it")
        return
    for tag, _ in function.tags:
        if tag not in ORDER:
            problem(f"unknown tag @{tag}")
    ranks = [ORDER.index(tag) for tag, _ in function.tags if tag in ORDER]
    if ranks != sorted(ranks):
        problem("tags are not in the order " + ", ".join(ORDER))
    for tag in ORDER:
        if tag != "param" and sum(1 for name, _ in function.tags if name == tag) > 1:
            problem(f"@{tag} is there twice")
    if not function.tag("what"):
        problem("no description")
    elif not re.search(r"[.:]$", function.tag("what").strip()):
        problem("the description does not end in a full stop")
    if not function.tag("thread"):
        problem("no @thread")

    check_parameters(function, handles, problem)
    check_return(function, handles, problem)

    names = [parameter.name for parameter in function.parameters]
    is_async = "waits" in names
    if is_async and ([name for name in names if name in ASYNC_PARAMETERS] != ASYNC_PARAMETERS
                     or names[-1] != "out_event"):
        problem("has waits, but not (waits, wait_count, ..., out_event) with out_event last")
    if is_async != (function.tag("async") is not None):
        problem("@async must be there exactly when it has (waits, wait_count, out_event)")
    if function.name.endswith("_async") and not is_async:
        problem("is called _async and takes no waits")
    if function.tag("async") is not None and "blocks" in (function.tag("thread") or ""):
        problem("is @async and says that it blocks")

    outs = [name.startswith("out_") for name in names]
    if outs != sorted(outs):
        problem("out parameters are not last")
    if function.name.endswith("_release") and function.returns != "void":
        problem("a release returns void")
    if function.since is None:
        problem("no @since MAJOR.MINOR")
    elif tuple(int(part) for part in function.since.split(".")) > newest[:2]:
        problem(f"@since {function.since} is newer than the header")


def check_statuses(text, problem):
    known = header.statuses(text)
    comments = " ".join(re.findall(r"/\*.*?\*/", text, re.S))
    named = set(re.findall(r"\bGPUC_ERROR_\w+\b", comments))
    for status in sorted(named - set(known) - {"GPUC_ERROR_UNKNOWN"}):
        problem(f"{status} is named and does not exist")
    for status in sorted(set(known) - named - {"GPUC_OK"}):
        problem(f"{status} is named by no function and no rule")
    values = list(known.values())
    if len(set(values)) != len(values):
        problem("two statuses have one value")


def check_exports(functions, problem):
    if not header.EXPORTS.exists():
        problem("missing: run tools/check_header.py --write-exports")
        return
    got = header.EXPORTS.read_text().splitlines()
    need = export_lines(functions)
    for line in sorted(set(need) - set(got)):
        problem(f"lacks '{line}'")
    for line in sorted(set(got) - set(need)):
        problem(f"has '{line}', which the header does not declare so")
    if set(got) == set(need) and got != need:
        problem("is not sorted, or has a line twice")


def export_lines(functions):
    return sorted(f"{function.name} {function.since or '?'}" for function in functions)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write-exports", action="store_true", help="write capi/abi/exports.txt first")
    arguments = parser.parse_args()

    text = header.HEADER.read_text()
    functions = header.functions(text)
    handles = header.handle_types(text)
    newest = header.version(text)
    problems = []

    path = header.HEADER.relative_to(header.ROOT)
    for function in functions:
        check_function(function, handles, newest,
                       lambda what, f=function: problems.append(f"{path}:{f.line}: {f.name}: {what}"))
    declared = len(re.findall(r"^GPUC_API\b", header.blank_comments(text), re.M))
    if declared != len(functions):
        problems.append(f"{path}: {declared} GPUC_API declarations, of which {len(functions)} can be read")
    names = [function.name for function in functions]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"{path}: {name} is declared twice")
    check_statuses(text, lambda what: problems.append(f"{path}: {what}"))

    if arguments.write_exports:
        header.EXPORTS.parent.mkdir(parents=True, exist_ok=True)
        header.EXPORTS.write_text("".join(line + "\n" for line in export_lines(functions)))
    check_exports(functions, lambda what: problems.append(f"{header.EXPORTS.relative_to(header.ROOT)}: {what}"))

    for line in problems:
        print(line)
    print(f"check_header: {len(functions)} functions, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
