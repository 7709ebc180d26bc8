#!/usr/bin/env python3
"""Writes what notes the status of every call that a test makes, for check_statuses.py --produced.

    make_status_recorder.py SOURCE.c OPTIONS

SOURCE.c puts a function around each function of the C ABI that gives a status; OPTIONS, given to the linker as @OPTIONS,
make the test call those. At the end of a process the pairs that came up are written to a file of its own in the folder
that GPUC_STATUS_RECORD names, a line each: function, value of the status.
"""
import sys
from pathlib import Path

import header

TEMPLATE = """/* Made from gpucompute.h by tools/make_status_recorder.py. */
#include <gpucompute/gpucompute.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {{ FUNCTIONS = {count}, VALUES = {values} }};
static const char *const names[FUNCTIONS] = {{
{names}
}};
static atomic_uchar seen[FUNCTIONS][VALUES];

static gpuc_status noted(int function, gpuc_status status) {{
  if (status >= 0 && status < VALUES) atomic_store_explicit(&seen[function][status], 1, memory_order_relaxed);
  return status;
}}

__attribute__((destructor)) static void write_down(void) {{
  const char *folder = getenv("GPUC_STATUS_RECORD");
  char path[4096];
  FILE *file;
  int function, value;
  if (!folder || snprintf(path, sizeof path, "%s/%ld.txt", folder, (long)getpid()) >= (int)sizeof path) return;
  file = fopen(path, "a");
  if (!file) return;
  for (function = 0; function < FUNCTIONS; function++)
    for (value = 0; value < VALUES; value++)
      if (atomic_load_explicit(&seen[function][value], memory_order_relaxed))
        fprintf(file, "%s %d\\n", names[function], value);
  fclose(file);
}}
"""

WRAPPER = """
gpuc_status __real_{name}({parameters});
gpuc_status __wrap_{name}({parameters});
gpuc_status __wrap_{name}({parameters}) {{ return noted({number}, __real_{name}({arguments})); }}
"""


def main():
    source, options = map(Path, sys.argv[1:])
    functions = header.fallible()
    text = TEMPLATE.format(count=len(functions), values=max(header.statuses().values()) + 1,
                           names=",\n".join(f'    "{function.name}"' for function in functions))
    for number, function in enumerate(functions):
        text += WRAPPER.format(name=function.name, number=number,
                               parameters=", ".join(f"{p.type} {p.name}" for p in function.parameters) or "void",
                               arguments=", ".join(p.name for p in function.parameters))
    source.write_text(text)
    options.write_text("".join(f"-Wl,--wrap={function.name}\n" for function in functions))


if __name__ == "__main__":
    main()
