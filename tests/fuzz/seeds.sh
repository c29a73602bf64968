#!/bin/sh
# Writes the good files that fuzz targets begin with, a folder a target: seeds.sh PROGRAMS FOLDER
set -eu
tests=$(cd "$(dirname "$0")/.." && pwd)
programs=$(cd "$1" && pwd)
for source in "$tests"/fuzz/*/*.c; do mkdir -p "$2/$(basename "$source" .c)"; done
cd "$2"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$programs/fuzz_seeds" .

cp "$tests/parsers/data/numpy.npz" npz/numpy
cp "$tests/golden/tokens/tokenizer.json" tokenizer/sentencepiece
cp "$tests/golden/tokens/tokenizer.gguf" gguf/sentencepiece

# data files behind the byte that says their format, as data.c reads it
good=$tests/experiment/data/files
data() { { printf '%b' "$2" && cat "$good/$1"; } >"data/$1$3"; }
data multi_counterfact.json '\0000' ''
data facts.jsonl '\0001' ''
data zsre.json '\0002' ''
data zsre.json '\0104' .alt
data mquake.json '\0003' ''
data facts.csv '\0004' ''
printf '\005[{"relation_id": "a", "target_id": "b", "samples": [{"text": "one"}]}]' >data/snippets
cp "$good/order.json" order/

# FILE...: one behind another, as fuzz_split takes them apart
join() {
    cat "$1"
    shift
    for file; do printf '\n====\n' && cat "$file"; done
}
for kind in batches sequential hostile; do
    "$programs/make_fixture" "$kind" "$made/$kind"
    point=$(find "$made/$kind" -name summary.json | sort | head -n 1)
    point=${point%/*}
    head -n 3 "$point/cases.jsonl" >"$made/cases"
    for sweep in "$made/$kind/sweep.json" /dev/null; do
        join "$sweep" "$point/summary.json" "$made/cases" "$point/timing.json" \
            "$point/experiment.json" >"report/$kind-${sweep##*/}"
    done
done

printf 'algorithm.layers[0]=3\nmetrics[1]=norm\n' >"$made/sets"
for file in "$tests/../experiments"/*.json; do
    join "$file" "$made/sets" >"spec/$(basename "$file")"
done
