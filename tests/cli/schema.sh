#!/bin/sh
# The JSON Schema of experiments: it knows every member that the help knows, and every plugin; where
# Python has jsonschema, the presets are valid and mistakes are not.
#
#   schema.sh PROGRAM JSON_VALID EXPERIMENTS
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/expect.sh"
json_valid=$2 experiments=$3

run schema
"$json_valid" <"$scratch/out" || wrong 'JSON of emend schema'
cp "$scratch/out" "$scratch/schema.json"
holds() { grep -q "\"$1\":" "$scratch/schema.json" || wrong "the schema has no \"$1\""; }

prints 'extends ' help experiment
members=$(sed -n 's/^  \([a-z_]*\)  *.*/\1/p; s/^\([a-z]*\): .*/\1/p' "$scratch/out" | sort -u)
[ "$(echo "$members" | wc -l)" -gt 30 ] || wrong 'the help names few members'
for member in $members; do holds "$member"; done
for kind in algorithm metric; do
    run list ${kind}s
    for name in $(cut -d' ' -f1 "$scratch/out"); do
        holds "$kind-$name"
        run help "$name"
        for option in $(sed -n '/^Options/,$s/^  \([a-z_]*\)  *.*/\1/p' "$scratch/out"); do
            [ "$option" = none ] || holds "$option"
        done
    done
done

if python3 -c 'import jsonschema' 2>/dev/null; then
    checks=$((checks + 1))
    python3 "$here/schema.py" "$scratch/schema.json" "$experiments"/*.json || wrong 'validation'
fi

finish
