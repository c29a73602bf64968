#!/bin/sh
# Commands that run a model, on the small world: what they print, what they refuse, how they stop.
#
#   model.sh PROGRAM JSON_VALID WORLD
set -eu
. "$(dirname "$0")/expect.sh"
json_valid=$2 world=$3
cd "$scratch"

# number NAME [N]: the first, or N-th, such number in the JSON of the last run
number() { sed -n "s/.*\"$1\":[[:space:]]*\([-0-9][-+0-9.e]*\).*/\1/p" "$scratch/out" | sed -n "${2:-1}p"; }
holds() { # CONDITION of awk, in words
    awk "BEGIN { exit !($1) }" || wrong "$2"
}
json() {
    run "$@" --json
    [ "$code" = 0 ] && "$json_valid" <"$scratch/out" || wrong "JSON of emend $*"
}

# generate: the world answers its facts; the same twice; other draws by another seed
fact='The mother tongue of Gabreim Kozal is'
prints "$fact Grerian." generate --model "$world" --prompt "$fact" --length 20
json generate --model "$world" --prompt "$fact" --prompt 'Megesh Rito grew up speaking' --length 3
case $out in *'"prompt":	"Megesh Rito grew up speaking"'*) ;; *) wrong 'two prompts' ;; esac
draw() { run generate --model "$world" --prompt At --length 30 --top-k 20 --seed "$1"; }
draw 1; first=$out
draw 1; [ "$out" = "$first" ] || wrong 'one seed, two texts'
draw 2; [ "$out" != "$first" ] || wrong 'two seeds, one text'

# score
json score --model "$world" --prompt "$fact" --target Grerian
holds "$(number probability) > 0.9" 'the world knows its fact'
case $out in *'"first_choice":	true'*) ;; *) wrong 'the first choice' ;; esac
prints 'Krutian' score --model "$world" --prompt "$fact" --target Grerian --target Krutian
fails 2 "the target behind \"$fact\" is empty" score --model "$world" --prompt "$fact" --target ''
fails 2 "/dev: has no config.json; a Hugging Face folder or a GGUF file is needed" score --model /dev --prompt a --target b

# edit
set -- --model "$world" --prompt 'The birthplace of {} is' --subject 'Ludroum Pidrüm' --target Vamo --layer 2
json edit "$@"
holds "$(number target) < 0.1" 'the new target is unlikely before'
holds "$(number target 2) > 0.9" 'the new target is likely after'
prints 'after   The birthplace of Ludroum Pidrüm is Vamo' edit "$@" --true 'Großmährischer Überläufer'
case $out in *'
  probability of                before       after
  Vamo                     '*'
  Großmährischer Überlä... '*) ;; *) wrong 'columns of letters that are two bytes' ;; esac

fails 2 '--prompt: the subject "a" is not in "The is", which holds no {}' edit --model "$world" --prompt 'The is' --subject a --target b
fails 2 '--layer: layer 9 is beyond the model, which has layers 0 to 3' edit --model "$world" --prompt 'The {}' --subject a --target b --layer 9
fails 2 '--subject: is empty; a text is needed' edit --model "$world" --prompt 'The {}' --subject '' --target b
fails 2 '--target: is empty; a text is needed' edit --model "$world" --prompt 'The {}' --subject a --target ' '
fails 2 '--true: is empty; a text is needed' edit --model "$world" --prompt 'The {}' --subject a --target b --true ''
fails 2 '--algorithm: "roem" is not an algorithm that was found; did you mean "rome"?' edit --model "$world" --prompt 'The {}' --subject a --target b --algorithm roem
fails 2 '--model: "none.gguf": there is no such file or folder (looked for none.gguf)' edit --model none.gguf --prompt 'The {}' --subject a --target b
fails 2 '--set algorithm.layers=[9]: layer 9 is beyond the model, which has layers 0 to 3' edit --model "$world" --prompt 'The {}' --subject a --target b --layer 1 --set 'algorithm.layers=[9]'

# covariance: measured, kept, found by an experiment's run
set -- covariance --model "$world" --corpus "$world/corpus.txt"
json "$@" --layers 2,0
holds "$(number layer) == 2 && $(number layer 2) == 0 && $(number tokens) >= 1760 && $(number tokens) < 1900" 'two layers'
holds "$(number condition) > 1" 'the condition'
[ -d "$(sed -n 's/.*"path":[[:space:]]*"\(.*\)".*/\1/p' "$scratch/out" | sed -n 1p)" ] || wrong 'it is not kept'
prints 'matrices/covariance-1.safetensors' "$@" --layers 1 --tokens 800 --out matrices
[ -s matrices/covariance-1.safetensors ] || wrong 'no file of the covariance'
prints 'matrices/covariance-0.npz' "$@" --layers 0 --out matrices --form npz --sample-size 100
[ -s matrices/covariance-0.npz ] || wrong 'no npz of the covariance'
prints 'covariance        4 ' cache list
fails 2 'covariance: --form and --sample-size say how --out writes files; give --out DIR too' "$@" --layers 1 --form npz
fails 2 '--layers: world has layers 0 to 3, and no 4' "$@" --layers 1,4
fails 2 '--layers 1;4: numbers from 0 to 9999 with commas between them are needed, such as 3,5' "$@" --layers '1;4'
fails 2 '--corpus none.txt: there is no such file' covariance --model "$world" --corpus none.txt --layers 1
fails 2 '--corpus .: is a folder; a file is needed' covariance --model "$world" --corpus . --layers 1
fails 2 '--max-length 257: the model takes documents of 2 to 256 tokens' "$@" --layers 1 --max-length 257

# run and check
cat >demo.json <<EOF
{
  "name": "demo",
  "model": "$world",
  "data": { "path": "$world/facts.json", "count": 2 },
  "covariance": { "corpus": "$world/corpus.txt" },
  "algorithm": { "name": "rome", "layers": [2] },
  "metrics": ["efficacy", "paraphrase", "neighborhood", "score"]
}
EOF
prints 'demo.json is fine; results go to runs/demo' check demo.json
json check demo.json
prints 'memory   at most' check demo.json --estimate
prints 'NVIDIA H100' check demo.json --chip h100
[ ! -e runs/demo ] || wrong 'an estimate wrote something'
prints 'ES   efficacy' run demo.json --quiet
prints 'covariance        4 ' cache list
json run demo.json
case $out in *'"efficacy"'*'"ci95"'*) ;; *) wrong 'the JSON of a run' ;; esac
case $err in *'was finished before'*) ;; *) wrong 'a finished run is not run again' ;; esac
fails 2 'none.json: cannot be opened: No such file or directory' run none.json
echo '{ "name": ' >bad.json
fails 2 'bad.json:2: this is not valid JSON, at the end of the text' run bad.json
fails 2 '--set data.cuont=3: unknown option of data; did you mean "count"?' run demo.json --set data.cuont=3
fails 2 'demo.json/x: the run folder cannot be made: demo.json is not a folder; choose another with --out' run demo.json --out demo.json/x
export VK_DRIVER_FILES="$scratch/none" VK_ICD_FILENAMES="$scratch/none"
run run demo.json --out other
unset VK_DRIVER_FILES VK_ICD_FILENAMES
case $code$err in 3'emend: no Vulkan device was found: '*) ;; *) wrong 'no device' ;; esac
[ ! -e other ] || wrong 'a folder is made without a device'

# bench: checked numbers, and a rate
json bench forward --model "$world" --tokens 64 --prompt 32 --repeat 1
case $out in *'64 tokens in 2 prompts'*) ;; *) wrong 'two prompts of 32 tokens' ;; esac
holds "$(number rate) > 0 && $(number share) > 0 && $(number here) > 1" 'bench forward'
cp -r "$(dirname "$0")/../golden/tiny-biases" biased
cp "$(dirname "$0")/../golden/any-tokenizer.json" biased/tokenizer.json
json bench forward --model biased --tokens 64 --repeat 1
holds "$(number rate) > 0 && $(number here) > 1" 'bench forward, with biases'
case $out in *'"kernel":"rms_norm"'* | *'"kernel":	"rms_norm"'*) ;; *) wrong 'the times of kernels' ;; esac
json bench covariance --model "$world" --layer 2 --repeat 1
holds "$(number rate) > 0 && $(number share) > 0 && $(number here) > 1" 'bench covariance'
json bench value --experiment demo.json --repeat 1
holds "$(number rate) > 0 && $(number share) > 0 && $(number here) > 1" 'bench value'
json bench run --experiment demo.json --repeat 1
holds "$(number rate) > 0 && $(number here) > 1" 'bench run'
fails 2 '--prompt 257: world takes at most 256 tokens' bench forward --model "$world" --prompt 257
fails 2 '--layer 20: world has layers 0 to 3' bench covariance --model "$world" --layer 20

# a run that is told to stop does so, and goes on to the results of one that never stopped
set -- run demo.json --quiet --set data.count=12
prints 'ES   efficacy' "$@" --out whole
checks=$((checks + 1))
"$program" "$@" --out halves >halves.out 2>halves.err &
pid=$!
while [ ! -s halves/cases.jsonl ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -TERM $pid
code=0
wait $pid || code=$?
err=$(cat halves.err) out=$(cat halves.out)
[ "$code" = 143 ] || wrong 'an interrupted run'
case $err in *'stopping as soon as nothing is lost'*) ;; *) wrong 'an interrupted run says nothing' ;; esac
prints 'ES   efficacy' "$@" --out halves
for file in cases.jsonl summary.json experiment.json; do
    cmp whole/$file halves/$file || wrong "$file of a resumed run"
done

# a sweep: its table, its points alone, what is refused
cat >sweep.json <<EOF
{ "extends": "demo.json", "name": "sweep", "sweep": { "algorithm.layers": [[1], [2]] } }
EOF
prints 'sweep.json is fine: a sweep of 2 points; results go to runs/sweep' check sweep.json
fails 2 '--point 3/3: the sweep has 2 points, so that 1/2 to 2/2 are allowed' run sweep.json --point 3/3
fails 2 '--point 1/1: this experiment has no sweep; leave --point out' run demo.json --point 1/1
json run sweep.json --dry-run
[ ! -e runs/sweep ] || wrong 'a dry run wrote something'
holds "$(number seconds) > 0 && $(number seconds) < 600" 'the seconds of a small sweep'
holds "$(number device) > 1e6 && $(number host) > 1e6" 'memory'
prints '  layer-2  ' run sweep.json --point 2/2
case $out in *'layer-1  '*'not finished'*) ;; *) wrong 'the point that was not run' ;; esac
prints '  layer-2   finished' run sweep.json --dry-run
prints '  layer-1  ' run sweep.json
case $err in 'runs/sweep: a sweep of 2 points, 1 finished before
1/2 layer-1') ;; *) wrong 'the point that is left' ;; esac
json run sweep.json
sed -i 's/"ES"/"\\u001b[2J"/' runs/sweep/*/summary.json
prints '?[2J' run sweep.json
fails 2 'runs/sweep: is not a run folder, and not empty; choose another with --out, or move it aside with --fresh' run demo.json --out runs/sweep

# a model that Hugging Face's tools have: its name, and what is refused
hub=$scratch/hub
export HF_HUB_CACHE="$hub"
here=$hub/models--one--world
mkdir -p "$here/refs" "$here/snapshots/0a1b"
ln -s "$world"/* "$here/snapshots/0a1b"
set -- covariance --corpus "$world/corpus.txt" --layers 4 --model
fails 2 '"one/world" is neither a file, nor a folder, nor a model in '"$hub"'; if it is one of Hugging Face'"'"'s, "hf download one/world" puts it there' "$@" one/world
printf '../../../..' >"$here/refs/main"
fails 2 '"one/world" is neither a file, nor a folder, nor a model in '"$hub"'; if it is one of Hugging Face'"'"'s, "hf download one/world" puts it there' "$@" one/world
printf '0a1b\n' >"$here/refs/main"
fails 2 '--layers: world has layers 0 to 3, and no 4' "$@" one/world
fails 2 '--layers: world has layers 0 to 3, and no 4' "$@" "$here/snapshots/0a1b/"
fails 2 "$here: has no config.json; in the cache of Hugging Face's tools this is \"one/world\": give that name, or a folder of its snapshots" "$@" "$here"
cp -r "$world" packed
gzip -c "$world/config.json" >packed/config.json
fails 2 'packed/config.json: is compressed by gzip; unpack it with gunzip' "$@" packed
mkdir adapter files
echo '{}' >adapter/adapter_config.json
fails 2 "adapter: is an adapter, not a model; merge it into its model and save that (PEFT's merge_and_unload)" "$@" adapter
echo GGUF >files/some.gguf
fails 2 'files: has no config.json; give the GGUF file, files/some.gguf' "$@" files
prints 'demo.json is fine' check demo.json --set model='"one/world"'
fails 2 "--set model=\"one/moon\": \"one/moon\": there is no such file or folder, and no such model in $hub (looked for one/moon)" check demo.json --set model='"one/moon"'

# a model whose context is shorter than documents otherwise are
cp -r "$world" short
sed -i 's/"max_position_embeddings": *[0-9]*/"max_position_embeddings": 64/' short/config.json
prints '    1  ' covariance --model short --corpus "$world/corpus.txt" --layers 1

finish
