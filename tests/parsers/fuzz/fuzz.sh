#!/bin/sh
# Runs the fuzz targets with clang's libFuzzer and the sanitizers, each for SECONDS (60), in a folder
# that keeps what was found, corpus and crashes, from run to run.
#
#   fuzz.sh FOLDER [SECONDS [TARGET...]]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
parsers=$here/..
runtime=$here/../../../runtime
folder=${1:?fuzz.sh FOLDER [SECONDS [TARGET...]]}
seconds=${2:-60}
if [ $# -gt 2 ]; then
    shift 2
else
    set -- safetensors gguf npz tokenizer encode config data order
fi

flags="-std=c11 -D_GNU_SOURCE -g -O1 -ffp-contract=off -fno-sanitize-recover=all
       -I$parsers -I$parsers/weights -I$parsers/tokenizer -I$runtime -I$runtime/include -I$runtime/../shaders -DEMEND_VERSION=\"fuzz\" $(pkg-config --cflags cmocka)"
libraries="$(pkg-config --libs libcjson libpcre2-8 libutf8proc libcrypto cmocka) -lpthread -lm -ldl"
readers="$runtime/model/config.c $runtime/model/dequant/*.c $runtime/model/files/*.c
         $runtime/model/npz/*.c $runtime/model/tokenizer/*.c $runtime/base/*.c $runtime/base/*/*.c"
experiments="$runtime/experiment/data/*.c $runtime/experiment/data/format/*.c
             $runtime/experiment/read/*.c $runtime/plugin/*.c
             $runtime/base/*.c $runtime/base/*/*.c"
maker="$parsers/room.c $parsers/tokenizer/words.c"

mkdir -p "$folder"
cd "$folder"
# shellcheck disable=SC2086 # lists of words
{
    clang $flags -o seeds "$here/fuzz_seeds.c" "$parsers/weights/tiny.c" $maker $readers $libraries
    mkdir -p safetensors gguf npz tokenizer encode config data order
    ./seeds .
    cp "$parsers/data/numpy.npz" npz/numpy
    cp "$parsers/../golden/tokens/tokenizer.json" tokenizer/sentencepiece
    cp "$parsers/../golden/tokens/tokenizer.gguf" gguf/sentencepiece
    for target; do
        case $target in
        data | order) sources=$experiments ;;
        *) sources="$maker $readers" ;;
        esac
        clang $flags -fsanitize=fuzzer,address,undefined -o "fuzz_$target" "$here/fuzz_$target.c" \
            $sources $libraries
    done
}
# data files behind the byte that says their format, as fuzz_data.c reads it
good=$parsers/../experiment/data/files
seed() { { printf '%b' "$2"; cat "$good/$1"; } >"data/$1$3"; }
seed multi_counterfact.json '\0000' ''
seed facts.jsonl '\0001' ''
seed zsre.json '\0002' ''
seed zsre.json '\0104' .alt
seed mquake.json '\0003' ''
seed facts.csv '\0004' ''
printf '\005[{"relation_id": "a", "target_id": "b", "samples": [{"text": "one"}]}]' >data/snippets
cp "$good/order.json" order/
for target; do
    echo "== $target"
    "./fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$target-" "$target" 2>"$target.log" ||
        { tail -n 40 "$target.log"; exit 1; }
    grep -E 'stat::(number_of_executed_units|new_units_added|peak_rss_mb)' "$target.log"
done
