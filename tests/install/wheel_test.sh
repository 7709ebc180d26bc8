#!/bin/sh
# The Python package: an sdist, a wheel built from nothing but that, and the wheel in an environment with nothing else. Arguments: a Python
# interpreter that has `build`, a folder to work in, the folder that both files go to.
set -eu
python=$1 work=$2 dist=$3
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
rm -rf "$work"
mkdir -p "$work/sdist" "$work/wheel" "$work/elsewhere"

"$python" -m build --sdist --outdir "$work/sdist" "$source"
for archive in "$work"/sdist/gpucompute-*.tar.gz; do break; done
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work/wheel" "$archive"
for wheel in "$work"/wheel/gpucompute-*.whl; do break; done

"$python" -m venv "$work/env"
"$work/env/bin/pip" install --quiet --disable-pip-version-check "$wheel"
cd "$work/elsewhere"
env -u PYTHONPATH -u LD_LIBRARY_PATH GPUC_CACHE=0 "$work/env/bin/python" - "$work/env" "$source" <<'END'
import os, sys
environment, source = sys.argv[1:]
import gpucompute, numpy

def inside(path, folder):
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)

# What runs comes from the wheel: the package, the library, and what the library stands on.
assert inside(gpucompute.__file__, environment), gpucompute.__file__
assert inside(gpucompute.library_path(), environment), gpucompute.library_path()
with open("/proc/self/maps") as maps:
    loaded = {line.split()[-1] for line in maps if ".so" in line}
for name in ("libclblast", "libmd"):
    paths = [path for path in loaded if os.path.basename(path).startswith(name + ".so")]
    assert paths and all(inside(path, environment) for path in paths), (name, paths)
assert not any(inside(path, os.path.join(source, "build")) and not inside(path, environment) for path in loaded), loaded
for name in ("py.typed", "_gpucompute.pyi", "loader/libOpenCL.so.1"):
    assert os.path.exists(os.path.join(os.path.dirname(gpucompute.__file__), name)), name

x = numpy.random.default_rng(7).standard_normal(1000, dtype=numpy.float32)
buffer = gpucompute.Buffer(x.nbytes)
buffer.write(x)
gpucompute.Program("kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }").twice(None, 1000, None, buffer)
assert numpy.array_equal(buffer.read(numpy.empty_like(x)), 2 * x)
print("the wheel computes on", gpucompute.default_device().name)
END
cp "$archive" "$wheel" "$dist/"
