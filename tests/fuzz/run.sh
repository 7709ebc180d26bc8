#!/bin/sh
# Builds the fuzz targets and lets them run for a while, all at the same time; called by ./dev fuzz.
#
#   run.sh ROOT JOBS [TARGET,TARGET...|all [SECONDS]]
#
# New inputs are kept in build/fuzz/work/TARGET, what ends a target in build/fuzz/crashes; corpus/TARGET is only read.
# With GPUC_FUZZ_SEED the random numbers are those of that seed, and what earlier runs found is left out.
set -eu
root=$1 jobs=$2 wanted=${3:-all} seconds=${4:-120}
targets="capi signature source_text disk_cache settings tuning_table exchange"

die() { printf 'fuzz: %s\n' "$*" >&2; exit 1; }
[ "$wanted" = all ] || wanted=$(echo "$wanted" | tr , ' ')
[ "$wanted" != all ] || wanted=$targets
for target in $wanted; do
  case " $targets " in
    *" $target "*) ;;
    *) die "no target '$target'; there are: $targets" ;;
  esac
done
build=$root/build/fuzz
mkdir -p "$build/crashes" "$build/work"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

# Python's importers run in the build of the preset dev, which has the package.
run_exchange() {
  export OCL_ICD_VENDORS="$root/build/dev/tests/fake_icd/vendors" GPUC_FAKE=two GPUC_DEVICE='' GPUC_DEVICE_ENFORCE='' GPUC_CACHE=0 \
    GPUC_BUILD_DIR="$root/build/dev" PYTHONDONTWRITEBYTECODE=1
  seed=${GPUC_FUZZ_SEED:-$(date +%s)}
  if "$root/.venv/bin/python" -X faulthandler "$root/tests/fuzz/exchange_fuzz.py" --seconds "$seconds" --seed "$seed"; then
    return 0
  fi
  echo "fuzz: exchange stopped. To run the case again, with the seed that is above:"
  echo "  OCL_ICD_VENDORS=$OCL_ICD_VENDORS GPUC_FAKE=two GPUC_CACHE=0 GPUC_BUILD_DIR=$GPUC_BUILD_DIR \\"
  echo "    $root/.venv/bin/python $root/tests/fuzz/exchange_fuzz.py --seed N --count 1"
  return 1
}

# Leaks are looked for when the corpus is run again, in ctest under a sanitizer: after each input it costs nine tenths of the speed.
run_libfuzzer() {
  work=$build/work/$1
  if [ -n "${GPUC_FUZZ_SEED:-}" ]; then
    work=$build/work/$1.seeded
    rm -rf "$work"
  fi
  mkdir -p "$work"
  log=$build/$1.log
  if "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=300 -rss_limit_mb=4096 -detect_leaks=0 -entropic=0 \
    ${GPUC_FUZZ_SEED:+"-seed=$GPUC_FUZZ_SEED"} -artifact_prefix="$build/crashes/$1-" -print_final_stats=1 \
    "$work" "$root/tests/fuzz/corpus/$1" >"$log" 2>&1; then
    return 0
  fi
  # From the first word of what is wrong on.
  grep -a -v 'NEW\|REDUCE\|pulse\|RELOAD' "$log" | sed -n '/runtime error\|ERROR: \|^fuzz: /,$p' | head -n 50
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  echo "fuzz: $1 stopped. To run it again: $build/tests/fuzz/fuzz_$1 $input"
  if [ -f "$input" ]; then
    echo "The input, for a machine that does not have it: echo '$(base64 -w 0 "$input")' | base64 -d >input"
  fi
  return 1
}

programs=
for target in $wanted; do
  [ "$target" = exchange ] || programs="$programs fuzz_$target"
done
# shellcheck disable=SC2086  # a list of words
[ -z "$programs" ] || cmake --build "$build" -j "$jobs" --target $programs

printf '\n== %s: %s s, all at the same time\n' "$wanted" "$seconds"
children=
trap 'kill $children 2>/dev/null || true; exit 130' INT TERM
for target in $wanted; do
  if [ "$target" = exchange ]; then
    run_exchange >"$build/exchange.out" 2>&1 &
  else
    run_libfuzzer "$target" >"$build/$target.out" 2>&1 &
  fi
  children="$children $!"
done
stopped=
for target in $wanted; do
  # shellcheck disable=SC2086
  set -- $children
  children=${children#" $1"}
  if wait "$1"; then
    cat "$build/$target.out"
  else
    stopped="$stopped $target"
  fi
  if [ "$target" = exchange ]; then
    inputs=$(sed -n 's/^\([0-9]*\) seeds in .*/\1/p' "$build/exchange.out")
  else
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
  fi
  case " $stopped " in
    *" $target "*) crashes=1 ;;
    *) crashes=0 ;;
  esac
  echo "figure: fuzzing $target | $seconds s | ${inputs:-unknown} inputs, $crashes crashes"
done
[ -n "$stopped" ] || exit 0
for target in $stopped; do
  cat "$build/$target.out"
done
die "stopped:$stopped"
