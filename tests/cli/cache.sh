#!/bin/sh
# The user's cache: what is listed, what goes by age and kind, what never goes unasked.
#
#   cache.sh PROGRAM JSON_VALID
set -eu
. "$(dirname "$0")/expect.sh"
json_valid=$2
XDG_CACHE_HOME=$scratch/cache
export XDG_CACHE_HOME
kept=$XDG_CACHE_HOME/emend

prints "0.0 MB in $kept" cache list
[ ! -e "$kept" ] || wrong 'a list made the folder'
prints 'removed 0.0 MB' cache prune --all

mkdir -p "$kept/covariance/0a" "$kept/covariance/0b" "$kept/values/0c" "$kept/models"
name=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
for at in covariance/0a covariance/0b values/0c; do
    dd if=/dev/zero of="$kept/$at/$name" bs=1000 count=1500 2>/dev/null
done
touch -d '40 days ago' "$kept/covariance/0a/$name"
echo model >"$kept/models/one.gguf"
echo kernels >"$kept/pipelines-10de-1234"

prints 'covariance        2        3.0  40 days ago    today          second moments' cache list
prints '4.5 MB in' cache list
prints '1.5 MB in' cache list --older 30
run cache list --json
"$json_valid" <"$scratch/out" || wrong 'JSON of emend cache list'
prints 'would remove 1.5 MB' cache prune --older 30 --dry-run
[ -e "$kept/covariance/0a/$name" ] || wrong 'a dry run removed something'
prints 'removed 1.5 MB' cache prune --older 30
[ ! -e "$kept/covariance/0a" ] && [ -e "$kept/covariance/0b/$name" ] || wrong 'what was used stays'
prints 'removed 1.5 MB' cache prune --kind covariance
[ -e "$kept/values/0c/$name" ] || wrong 'another kind stays'
prints 'removed 1.5 MB' cache prune --all
[ ! -e "$kept/pipelines-10de-1234" ] || wrong 'pipelines stay'
[ -e "$kept/models/one.gguf" ] || wrong '--all took the models'
prints 'removed 0.0 MB' cache prune --kind models --older 1
[ -e "$kept/models/one.gguf" ] || wrong 'a young model went'
prints 'removed 0.0 MB' cache prune --kind models
[ ! -e "$kept/models/one.gguf" ] || wrong '--kind models'
mkdir -p "$kept/values/0d/lock"
run cache prune --all
[ "$code" = 1 ] && [ "$err" = "$kept/values/0d: cannot be removed: Is a directory
emend: 1 entry could not be removed from $kept" ] || wrong "what cannot be removed: $err"
rmdir "$kept/values/0d/lock"

fails 2 'cache prune: say what is to go: --older N (days), --kind K, or --all' cache prune
fails 2 '--kind covarianc: there is no such kind; did you mean "covariance"?' cache prune --kind covarianc
fails 2 'cache: "lst" is not what it does; did you mean "list"?' cache lst
fails 2 'cache list: --all and --dry-run belong to prune' cache list --all
fails 2 '--older: -1 is outside 0 to 100000' cache prune --older -1

finish
