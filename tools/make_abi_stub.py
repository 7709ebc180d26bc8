#!/usr/bin/env python3
"""Prints a C library with every function of gpucompute.h, empty: what abidiff compares, without the library's inside."""
import header


def main():
    print("#include <gpucompute/gpucompute.h>\n")
    for function in header.functions():
        parameters = ", ".join(f"{p.type} {p.name}" for p in function.parameters) or "void"
        uses = "".join(f" (void){p.name};" for p in function.parameters)
        gives = "" if function.returns == "void" else " return 0;"
        print(f"{function.returns} {function.name}({parameters}) {{{uses}{gives} }}")


if __name__ == "__main__":
    main()
