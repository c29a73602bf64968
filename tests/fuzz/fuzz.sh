#!/bin/sh
# Builds the fuzz targets with clang's libFuzzer and the address and undefined-behaviour sanitizers,
# and runs each for SECONDS (60), in a folder that keeps the build, the corpora and what was found
# from run to run. A target begins with good files of its kind and with a dictionary of their words.
# The suite runs the same targets for a moment, without clang: mutate.c.
#
#   fuzz.sh FOLDER [SECONDS [TARGET...]]
set -eu
tests=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:?fuzz.sh FOLDER [SECONDS [TARGET...]]}
seconds=${2:-60}
if [ $# -gt 2 ]; then
    shift 2
else # shellcheck disable=SC2046 # names without spaces
    set -- $(cd "$tests/fuzz" && find model session experiment -name '*.c' | sed 's/.*\///; s/\.c$//')
fi

mkdir -p "$folder"
cd "$folder"
cmake -S "$tests/.." -B build -DEMEND_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS='-O2 -g' >build.log
cmake --build build --target fuzz -j 2 >>build.log 2>&1 || { tail -n 40 build.log; exit 1; }

TMPDIR=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)/fuzz.XXXXXX")
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR
rm -rf seeds
"$tests/fuzz/seeds.sh" build/bin seeds

for target; do
    echo "== $target"
    mkdir -p "corpus/$target"
    { # words of the good files
        echo '"null"'
        strings -n 3 seeds/"$target"/* | grep -oE '[A-Za-z_.]{3,32}|"[a-z_]{2,32}"' | sort -u |
            head -n 400 | sed 's/"/\\"/g; s/.*/"&"/'
    } >"$target.dict"
    ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=8:max_malloc_fill_size=64 \
        "build/bin/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=64 \
        -dict="$target.dict" -print_final_stats=1 -artifact_prefix="$target-" \
        "corpus/$target" "seeds/$target" 2>"$target.log" || { tail -n 40 "$target.log"; exit 1; }
    grep -E '^#[0-9]+[[:space:]]+DONE' "$target.log"
    grep -E 'stat::peak_rss_mb' "$target.log"
done
