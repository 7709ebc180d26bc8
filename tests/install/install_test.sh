#!/bin/sh
# One test of the installation: install_test.sh NAME. CMakeLists.txt beside this sets the environment.
set -eu
: "$SOURCE" "$BUILD" "$WORK" "$CMAKE" "$CC" "$CXX" "$LIBDIR" "$SONAME" "$VERSION"
here=$SOURCE/tests/install
prefix=$WORK/prefix
library=$prefix/$LIBDIR/libgpucompute.so
out=$WORK/$1

fail() { echo "FAILED: $*"; exit 1; }
exports() { cut -d ' ' -f 1 "$SOURCE/capi/abi/exports.txt" | LC_ALL=C sort; }

# Configures, builds and runs a consumer: consumer FOLDER [cmake arguments]
consumer() {
  folder=$1
  shift
  "$CMAKE" -S "$here/$folder" -B "$out" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" "$@"
  "$CMAKE" --build "$out"
  "$out/consumer"
}

prefix() {
  rm -rf "$prefix"
  "$CMAKE" --install "$BUILD" --prefix "$prefix"
  grep -rlE "$SOURCE|$BUILD" "$prefix" --include='*.cmake' --include='*.pc' && fail "paths of the source or build tree"
  if grep -rn '/lib/.*lib\(md\|clblast\|OpenCL\)\.' "$prefix" --include='*.cmake' --include='*.pc'; then
    fail "paths of libraries on this machine"
  fi
  for file in include/gpucompute/gpucompute.h "$LIBDIR/libgpucompute.so" "$LIBDIR/libgpucompute_core.a" \
    "$LIBDIR/pkgconfig/gpucompute.pc" "$LIBDIR/cmake/gpucompute/gpucompute-config.cmake" share/doc/gpucompute/LICENSE; do
    [ -s "$prefix/$file" ] || fail "not installed: $file"
  done
}

headers() {
  for standard in c99 c11; do
    echo '#include <gpucompute/gpucompute.h>' |
      "$CC" -std=$standard -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$prefix/include" -x c -
  done
  for file in "$prefix"/include/gpucompute/*.h*; do
    echo "#include <gpucompute/$(basename "$file")>" |
      "$CXX" -std=c++17 -pedantic -Wall -Wextra -Werror -DCL_TARGET_OPENCL_VERSION=300 -fsyntax-only -I "$prefix/include" -x c++ - ||
      fail "$(basename "$file") does not compile alone"
  done
}

symbols() {
  mkdir -p "$out"
  readelf -d "$library" >"$out/dynamic"
  grep -q "SONAME.*\[$SONAME\]" "$out/dynamic" || fail "SONAME is not $SONAME: $(grep SONAME "$out/dynamic")"
  if grep -E 'R(UN)?PATH|TEXTREL' "$out/dynamic"; then fail "the library has a search path or text relocations"; fi
  exports >"$out/expected"
  # A is the version node of the linker map itself.
  nm -D --defined-only --format=posix "$library" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | LC_ALL=C sort >"$out/exported"
  diff "$out/expected" "$out/exported" || fail "exports differ from capi/abi/exports.txt (< expected, > exported)"
  echo "$SONAME exports $(wc -l <"$out/exported") symbols, needs:"
  sed -n 's/.*NEEDED.*\[\(.*\)\]/  \1/p' "$out/dynamic"
}

link_all() {
  mkdir -p "$out"
  python3 "$SOURCE/tools/make_link_test.py" >"$out/link_all.c"
  "$CC" -std=c99 -pedantic -Wall -Wextra -Werror -I "$prefix/include" "$out/link_all.c" -o "$out/link_all" \
    -L "$(dirname "$library")" -lgpucompute -Wl,-rpath,"$(dirname "$library")"
  "$out/link_all"
}

cmake_c() { consumer cmake_c -DEXPECTED_VERSION="$VERSION"; }

cmake_core() { consumer cmake_core; }

# The .pc file finds its own place, so a moved installation works too.
pkg_config() {
  rm -rf "$out"
  mkdir -p "$out"
  cp -R "$prefix" "$out/moved"
  export PKG_CONFIG_PATH="$out/moved/$LIBDIR/pkgconfig"
  [ "$(pkg-config --modversion gpucompute)" = "$VERSION" ] || fail "version $(pkg-config --modversion gpucompute)"
  # shellcheck disable=SC2046  # a list of arguments
  "$CC" -std=c99 -pedantic -Wall -Wextra -Werror "$here/consumer.c" -o "$out/consumer" $(pkg-config --cflags --libs gpucompute)
  readelf -d "$out/consumer" | grep -q "NEEDED.*\[$SONAME\]" || fail "the program does not need $SONAME"
  LD_LIBRARY_PATH="$out/moved/$LIBDIR" "$out/consumer"
}

case $1 in
  prefix | headers | symbols | link_all | cmake_c | cmake_core | pkg_config) "$1" ;;
  *) fail "no test called $1" ;;
esac
