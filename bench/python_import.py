#!/usr/bin/env python3
"""The time that `import gpucompute` takes, beyond numpy's own, each in a new interpreter.

"import" is what a program pays that says `import gpucompute`; "everything" loads the library and all objects too (Device, Buffer, Kernel, ...), which a program
pays on first use. Neither touches a driver. The time of the interpreter's start is not in them: the child measures itself.
"""
import os
import subprocess
import sys

from python_harness import at_most, check, comparison, run

HEAD = "import time, numpy; begin = time.perf_counter(); "
TAIL = "; print(time.perf_counter() - begin)"
PROGRAMS = {
    "import": "import gpucompute",
    "everything": "import gpucompute; gpucompute.Device, gpucompute.Buffer, gpucompute.Kernel, gpucompute.ProQue, gpucompute.HostMemory",
    "pyopencl": "import pyopencl",
}


def seconds(program):
    done = subprocess.run([sys.executable, "-c", HEAD + program + TAIL], stdout=subprocess.PIPE, check=True, text=True, env=os.environ)
    return float(done.stdout)


def measure(bench):
    sides = {"import": lambda: seconds(PROGRAMS["import"]), "everything": lambda: seconds(PROGRAMS["everything"]), "80 ms": lambda: 0.08}
    try:
        import pyopencl  # noqa: F401
    except ImportError as error:
        bench.skip("PyOpenCL", str(error))
    else:
        sides["pyopencl"] = lambda: seconds(PROGRAMS["pyopencl"])
    check(seconds("pass") < seconds("import gpucompute.kernel"), "an import takes time")
    meaning = "time over time; lower is better"
    bench.measure("import, numpy being there", {"numpy": True}, "the modules load", sides, [
        comparison("everything / 80 ms", "everything", "80 ms", meaning, at_most(1)),
        comparison("import / 80 ms", "import", "80 ms", meaning, at_most(1)),
        comparison("everything / PyOpenCL", "everything", "pyopencl", meaning)])


if __name__ == "__main__":
    sys.exit(run("python_import", "Import time, beyond numpy's own", measure))
