#!/bin/sh
# Runs the tests that use a device on every Vulkan driver of this machine, one after the other.
#
#   tests/drivers/run.sh [--validate | --gpuav] BUILD [DRIVER.json ...]
#
# BUILD is a build folder; without drivers, all manifests that are installed are tried. A driver that offers no
# device here is named and passed over. --validate adds the validation layer's core, synchronization and best-practice
# checks, --gpuav its checks of addresses on the device: one message fails the test that caused it.
set -eu

mode=
case ${1:-} in
--validate)
    mode=$1
    export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_VALIDATION_VALIDATE_SYNC=true
    export VK_VALIDATION_SYNCVAL_SHADER_ACCESSES_HEURISTIC=true VK_VALIDATION_VALIDATE_BEST_PRACTICES=true
    export VK_VALIDATION_REPORT_FLAGS=error,warn,perf
    shift
    ;;
--gpuav)
    mode=$1
    export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_VALIDATION_VALIDATE_CORE=false
    export VK_VALIDATION_GPUAV_ENABLE=true
    shift
    ;;
esac
[ $# -ge 1 ] || { sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 2; }
build=$1
shift
[ $# -gt 0 ] || set -- /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json

failed=0 ran=0
for driver; do
    [ -f "$driver" ] || continue
    export VK_DRIVER_FILES="$driver" VK_ICD_FILENAMES="$driver"
    name=$("$build/bin/emend" list devices 2>/dev/null | sed -n 's/^ *[0-9][0-9]* *//p' | head -n 1)
    if [ -z "$name" ]; then
        echo "$driver: no device here"
        continue
    fi
    echo "== $driver $mode: $name"
    ran=$((ran + 1))
    ctest --test-dir "$build" --output-on-failure -R '^(gpu|ops|session|golden|experiment)' |
        grep -E 'Failed|failed|ERROR|FAILED|tests passed' || true
    ctest --test-dir "$build" --rerun-failed -N | grep -q 'Total Tests: 0' || failed=$((failed + 1))
done
echo "$ran drivers, $failed with failures"
[ "$ran" -gt 0 ] && [ "$failed" -eq 0 ]
