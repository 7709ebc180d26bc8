#!/usr/bin/env python3
"""Prints a C program that refers to every function of capi/abi/exports.txt; it links only if all are there."""
import header


def main():
    names = [line.split()[0] for line in header.EXPORTS.read_text().splitlines() if line]
    print("#include <stddef.h>\n#include <stdio.h>\n#include <gpucompute/gpucompute.h>\n")
    print("typedef void (*any_function)(void);\n")
    print("static const any_function functions[] = {")
    for name in names:
        print(f"  (any_function){name},")
    print("};\n")
    print("int main(void) {")
    print("  size_t i, count = sizeof functions / sizeof functions[0];")
    print("  for (i = 0; i < count; i++) {")
    print("    if (!functions[i]) return 1;")
    print("  }")
    print('  printf("%d functions\\n", (int)count);')
    print(f"  return count == {len(names)} ? 0 : 1;")
    print("}")


if __name__ == "__main__":
    main()
