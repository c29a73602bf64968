#!/bin/sh
# Runs that are killed or told to stop at random moments, and go on by the same command, end with
# the files of one that was not: byte for byte, in every mode, in the host's BLAS and in shaders.
#
#   kill.sh PROGRAM DIE_LIBRARY WORLD KILLS [SEED]
#
# Half of the kills come at a random change of a file, within a write too. The others come after a
# random time, two of three as SIGTERM or SIGINT: such a run says how to go on, and ends with 143 or
# 130. Some runs are killed again while they go on. A printed SEED makes the same kills at files
# again.
set -eu

program=$1 die=$2 world=$3 kills=$4 seed=${5:-$(date +%s)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home" LC_ALL=C
export MESA_SHADER_CACHE_DIR="$scratch/driver"
mkdir -p "$HOME"
echo "$kills kills, seed $seed"

# A sanitizer does not run behind another preloaded library.
preload=$die
if ldd "$program" | grep -q 'lib.san'; then preload=; fi

draws=0
random() { # N: one of 0 to N - 1, as $drawn
    draws=$((draws + 1))
    drawn=$(awk -v seed="$seed" -v draw="$draws" -v most="$1" \
        'BEGIN { srand(seed * 1000 + draw); rand(); print int(rand() * most) }')
}

. "${0%/*}/modes.sh"

begin() { # FOLDER VARIABLE=VALUE...: the run of $mode and $matmul, in the background, as $pid
    folder=$1
    shift
    env --default-signal=INT XDG_CACHE_HOME="${folder%/run}/cache" DIE_UNDER="${folder%/run}" "$@" "$program" run \
        "$scratch/$mode.json" --out "$folder" --matmul "$matmul" >"$scratch/said" 2>&1 &
    pid=$!
}

finish() { # FOLDER VARIABLE=VALUE...: lets the run go on to its end
    begin "$@"
    if wait "$pid"; then return; fi
    echo "wrong: the run of mode $mode, matmul $matmul failed; seed $seed"
    cat "$scratch/said"
    exit 1
}

now() { date +%s%N; }

# A run that is left alone: its folder, how long it took (ms), and how often it changed a file.
reference() {
    whole="$scratch/whole-$mode-$matmul/run"
    if [ ! -d "$scratch/warm-$matmul" ]; then # the driver compiles the shaders once, for long
        mkdir "$scratch/warm-$matmul"
        finish "$scratch/warm-$matmul/run"
    fi
    if [ ! -d "$whole" ]; then
        mkdir -p "${whole%/run}"
        started=$(now)
        finish "$whole" DIE_COUNT="$whole.count" LD_PRELOAD="$preload"
        echo $((($(now) - started) / 1000000)) >"$whole.time"
    fi
    time=$(cat "$whole.time")
}

# What was told to stop, and heard it, says how to go on.
check_end() {
    case $signal$code in
    KILL137 | TERM143 | INT130) ;;
    *0) how="$how (too late)" ;;
    *)
        echo "wrong: mode $mode, $how: it ended with $code; seed $seed"
        cat "$scratch/said"
        exit 1
        ;;
    esac
    if [ "$code" != 0 ] && grep -q 'stopping as soon' "$scratch/said" &&
        ! grep -q 'stopped; the same command goes on from here' "$scratch/said"; then
        echo "wrong: mode $mode, $how: it does not say how to go on; seed $seed"
        exit 1
    fi
}

# Begins or goes on with a run and kills it; it may be done before.
kill_once() { # FOLDER
    signal=KILL
    random 2
    if [ -n "$preload" ] && [ "$drawn" = 0 ]; then
        random "$(cat "$whole.count")"
        at=$((drawn + 1))
        how="at file change $at"
        begin "$1" DIE_AT="$at" LD_PRELOAD="$preload"
    else
        random 3
        case $drawn in 0) signal=KILL ;; 1) signal=TERM ;; 2) signal=INT ;; esac
        random "$time"
        how="after $drawn ms by $signal"
        begin "$1"
        sleep "$(awk -v ms="$drawn" 'BEGIN { print ms / 1000 }')"
        kill -"$signal" "$pid" 2>/dev/null || true
    fi
    code=0
    wait "$pid" 2>/dev/null || code=$?
    done=$((done + 1))
    check_end
    echo "  $done: $mode, matmul $matmul, killed $how, with $(cat "$1"/cases.jsonl 2>/dev/null | wc -l) cases"
}

done=0 turn=0
while [ "$done" -lt "$kills" ]; do # every mode, both ways to multiply
    case $((turn % 4)) in
    0) mode=sequential-batched ;; 1) mode=batch ;; 2) mode=sequential ;; 3) mode=single ;;
    esac
    case $(((turn + turn / 4) % 2)) in 0) matmul=host ;; 1) matmul=shader ;; esac
    turn=$((turn + 1))
    reference
    folder="$scratch/$turn/run"
    mkdir -p "$scratch/$turn"
    kill_once "$folder"
    random 3
    [ "$drawn" != 0 ] || kill_once "$folder"
    finish "$folder"
    # the report is made anew of these files by each command, and says how long a run took
    if ! diff -r -x timing.json -x log.txt -x 'report.html*' -x 'table.*' -x 'sweep.csv*' \
        -x figures "$whole" "$folder"; then
        echo "wrong: mode $mode, matmul $matmul: the files differ; seed $seed"
        exit 1
    fi
    rm -rf "${folder%/run}"
done
echo "$done kills: the files are the same"
