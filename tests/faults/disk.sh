#!/bin/sh
# Disks that are full and disks that can only be read, beneath a run's folder, its cache, a report
# and an export: what cannot be written is named, what is not needed is gone without, and with room
# again the same command ends with the files of a run that had it from the beginning.
#
#   disk.sh PROGRAM WORLD
#
# The disks are small ones in memory, which only root can mount, or one whom the system lets be root
# in a namespace of its own.
set -eu

if [ "${3:-}" != mounts ]; then
    for as in '' -r; do
        # shellcheck disable=SC2086 # no option at all, or one
        if unshare $as -m mount -t tmpfs none /mnt 2>/dev/null; then
            exec unshare $as -m "$0" "$1" "$2" mounts
        fi
    done
    echo 'skipped: no disk can be mounted here'
    exit 77
fi

program=$1 world=$2
scratch=$(mktemp -d)
trap 'umount "$scratch/disk" 2>/dev/null; rm -rf "$scratch"' EXIT
export HOME="$scratch/home" LC_ALL=C XDG_CACHE_HOME="$scratch/cache"
mkdir -p "$HOME" "$scratch/disk"
. "${0%/*}/../kill/modes.sh"
sed -i 's/"count": 5/"count": 2/' "$scratch/sequential.json"
checks=0

wrong() { # WHAT
    echo "wrong: $1; its end was $code"
    cat "$scratch/said"
    exit 1
}

emend() {
    code=0
    "$program" "$@" >"$scratch/out" 2>"$scratch/said" || code=$?
}

mounted() { # OPTIONS: an empty disk
    umount "$scratch/disk" 2>/dev/null || true
    mount -t tmpfs -o "$1" none "$scratch/disk"
}

# STATUS TEXT: how the command ended, and what it said; a failure is one line.
ended() {
    checks=$((checks + 1))
    [ "$code" = "$1" ] || wrong "another end than $1"
    [ -z "$2" ] || grep -qF -- "$2" "$scratch/said" || wrong "it does not say: $2"
    [ "$code" = 0 ] || [ "$(grep -c '^emend: ' "$scratch/said")" = 1 ] || wrong 'more than one error'
    left=$(find "$scratch/disk" -name '*.part-*')
    [ -z "$left" ] || wrong "$left is left"
}

same() { # FOLDER: as the run that had room
    diff -r -x timing.json -x log.txt -x 'report.html*' -x 'table.*' -x 'sweep.csv*' -x figures \
        "$scratch/run" "$1" >"$scratch/said" || wrong 'the files differ'
}

run="run $scratch/sequential.json"
emend $run --out "$scratch/run"
[ "$code" = 0 ] || wrong 'the run fails'
disk="$scratch/disk"
no_space='No space left on device' read_only='Read-only file system'

# a run folder on a disk that takes only so many files: in the set-up, in the journals, at the end
for files in 4 9 13; do
    mounted "size=8m,nr_inodes=$files"
    emend $run --out "$disk/run"
    ended 1 "$no_space"
    mount -o remount,nr_inodes=1000 "$disk"
    emend $run --out "$disk/run"
    ended 0 ''
    same "$disk/run"
done
mounted size=64k
emend $run --out "$disk/run"
ended 2 'make room, or choose another place with --out'
mounted size=8m
mount -o remount,ro "$disk"
emend $run --out "$disk/run"
ended 2 "$read_only; choose another with --out"

# a finished run on a disk that can only be read since: it is shown, without a report
mounted size=8m
emend $run --out "$disk/run"
rm "$disk/run/report.html"
mount -o remount,ro "$disk"
emend $run --out "$disk/run"
ended 0 "there is no report: $disk/run/"
grep -q 'ES   efficacy' "$scratch/out" || wrong 'no results are shown'
same "$disk/run"

# a cache without room: the run goes on without
for options in size=16k nr_inodes=3; do
    mounted "$options"
    XDG_CACHE_HOME=$disk emend $run --out "$scratch/again"
    ended 0 "$no_space; goes on, and keeps nothing for later runs"
    same "$scratch/again"
    rm -r "$scratch/again"
done
mount -o remount,ro "$disk"
XDG_CACHE_HOME=$disk emend $run --out "$scratch/again"
ended 0 "$read_only; goes on, and keeps nothing for later runs"
same "$scratch/again"

# a report and an export
for what in report export; do # a page says where its runs are from there
    "$program" $what "$scratch/run" --out "$scratch/$what/made" >"$scratch/out"
done
dead=$(sh -c 'echo $$')
for what in report export; do
    case $what in report) full=size=32k ;; export) full=nr_inodes=2 ;; esac # it is small
    mounted "$full"
    emend $what "$scratch/run" --out "$disk/made"
    ended 1 "$no_space"
    mount -o remount,size=8m,nr_inodes=1000 "$disk"
    # of one that was killed while it wrote
    case $what in report) left=made/report.html ;; export) left=made ;; esac
    mkdir -p "$disk/$left.part-$dead"
    emend $what "$scratch/run" --out "$disk/made"
    ended 0 ''
    diff -r "$scratch/$what/made" "$disk/made" >"$scratch/said" || wrong "the $what differs"
    mount -o remount,ro "$disk"
    emend $what "$scratch/run" --out "$disk/another"
    ended 1 "$read_only"
done
echo "$checks ends on full and read-only disks"
