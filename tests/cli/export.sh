#!/bin/sh
# What a run leaves for other programs: the change alone, the edited model, and what is refused.
#
#   export.sh PROGRAM JSON_VALID WORLD
set -eu
. "$(dirname "$0")/expect.sh"
json_valid=$2 world=$3
cd "$scratch"

number() { sed -n "s/.*\"$1\":[[:space:]]*\([-0-9][-+0-9.e]*\).*/\1/p" "$scratch/out" | sed -n "${2:-1}p"; }
heading() { dd if="$1" bs=1 skip=8 count=2000 2>/dev/null | tr -d '\0' | sed 's/}}.*/}}/'; }

cat >demo.json <<EOF
{
  "name": "demo",
  "model": "$world",
  "data": { "path": "$world/facts.json", "count": 3 },
  "covariance": { "corpus": "$world/corpus.txt" },
  "algorithm": { "name": "rome", "layers": [2] },
  "metrics": ["efficacy"],
  "run": { "mode": "sequential" },
  "evaluate": { "before": false, "texts": 0 }
}
EOF
prints 'ES   efficacy' run demo.json --quiet
prints 'ES   efficacy' run demo.json --quiet --out single --set run.mode=single

# the change of all, of one
prints 'model.layers.2.mlp.down_proj, rank 3' export runs/demo --out delta
heading delta/delta.safetensors >heading
for text in '"model.layers.2.mlp.down_proj.left":{"dtype":"F32","shape":[64,3]' \
    '"model.layers.2.mlp.down_proj.right":{"dtype":"F32","shape":[3,176]' '"algorithm":"rome"' \
    '"base_sha256":"'"$(sha256sum "$world/model.safetensors" | cut -d' ' -f1)"; do
    grep -qF "$text" heading || wrong "no $text in $(cat heading)"
done
run export runs/demo --out second --batch 2 --json
"$json_valid" <"$scratch/out" || wrong 'JSON of emend export'
[ "$(number facts)/$(number rank)" = 1/1 ] || wrong 'one batch'
prints 'rank 1' export single --out deep/third/ --batch 3
[ -s deep/third/delta.safetensors ] && [ "$(ls deep)" = third ] || wrong 'a folder in a folder'

# the edited model answers as the run left it
prompt=$(sed -n '1,/"prompt"/s/.*"prompt": *"\([^"]*\)".*/\1/p' "$world/facts.json")
subject=$(sed -n '1,/"subject"/s/.*"subject": *"\([^"]*\)".*/\1/p' "$world/facts.json")
target=$(sed -n '1,/"str"/s/.*"str": *"\([^"]*\)".*/\1/p' "$world/facts.json")
asked=${prompt%%\{\}*}$subject${prompt#*\{\}}
prints 'changed by' export runs/demo --out model --format hf
prints 'changed by' export runs/demo --out whole --format hf --precision f32
grep -q '"algorithm":"rome"' whole/emend.json || wrong 'no emend.json'
left=$(sed -n '1s/.*"rewrite_prompts_probs":\[{"target_new":\([^,]*\),.*/\1/p' runs/demo/retained.jsonl)
for edited in model whole; do
    run score --model "$edited" --prompt "$asked" --target "$target" --json
    awk "BEGIN { d = $(number nll) - ${left:-0}; if (d < 0) d = -d; exit !(d < 1e-2) }" ||
        wrong "the run left $left, $edited has $(number nll)"
done
run score --model "$world" --prompt "$asked" --target "$target" --json
awk "BEGIN { exit !($(number nll) > $left + 1) }" || wrong 'the unedited model says so too'

# refused
fails 2 'single: ran in mode "single", which takes each batch'"'"'s edits back before the next; --batch N exports those of one of its 3 batches' export single --out refused
fails 2 '--batch 4: runs/demo has 3 batches' export runs/demo --out refused --batch 4
fails 2 '--batch 2: was edited on top of the batches before it, so that there is no model with it alone; leave --batch out, or take --format delta' export runs/demo --out refused --batch 2 --format hf
fails 2 '--out delta: is not empty; name a folder that is not there yet' export runs/demo --out delta
fails 2 "--format gguf is not offered: make a Hugging Face folder with --format hf and convert it with llama.cpp's convert_hf_to_gguf.py" export runs/demo --out refused --format gguf
fails 2 'none: there is no such folder; a run folder is needed, such as runs/quickstart' export none --out refused
fails 2 'delta: has no experiment.json: it is no run folder' export delta --out refused
fails 2 'runs/demo: was not made on model: the run'"'"'s model had other weights; --model says where that one is' export runs/demo --out refused --model model
mv runs/demo/summary.json kept
# shellcheck disable=SC2016 # no expansion
fails 2 'runs/demo: this run is not finished; `emend run` goes on with it' export runs/demo --out refused
mv kept runs/demo/summary.json
cp runs/demo/edits/000000.safetensors runs/demo/edits/000001.safetensors
fails 2 'runs/demo/edits/000001.safetensors: does not go on from the batch before it; has the file been replaced?' export runs/demo --out refused
[ -z "$(find . -name 'refused*')" ] || wrong 'a refusal left something'

finish
