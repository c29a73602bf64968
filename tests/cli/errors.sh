#!/bin/sh
# Every way to get a command wrong: its message and exit code 2; no device: 3.
#
#   errors.sh PROGRAM
set -eu
. "$(dirname "$0")/expect.sh"

# commands and arguments
fails 2 'unknown command "rn"; did you mean "run"? (see "emend help")' rn experiment.json
fails 2 'unknown command "zzzzzz" (see "emend help")' zzzzzz
fails 2 'run needs FILE (see "emend help run")' run
fails 2 'run: "b" is one argument too many (see "emend help run")' run a b
fails 2 'list: "modles" is no list; did you mean "models"?' list modles
fails 2 'bench: "speed" is no benchmark; allowed: value, forward, covariance, run' bench speed
fails 2 'fetch needs NAME... (see "emend help fetch")' fetch
fails 2 '"rnu" is no command, algorithm or metric; did you mean "run"? (see "emend help", "emend list algorithms", "emend list metrics")' help rnu
fails 2 '"efficasy" is no command, algorithm or metric; did you mean "efficacy"? (see "emend help", "emend list algorithms", "emend list metrics")' help efficasy

# options
fails 2 'unknown option --devise of run; did you mean --device? (see "emend help run")' run x --devise 3
fails 2 'unknown option --devise of run; did you mean --device? (see "emend help run")' run x --devise=3
fails 2 'unknown option --device (see "emend help")' --device 3 run x
fails 2 'unknown option -z of run (see "emend help run")' run x -z
fails 2 'unknown option -m of generate; did you mean --model? (see "emend help generate")' generate -m x.gguf
fails 2 'unknown option -qv (see "emend help")' -qv
fails 2 '--out needs a value: run folder, else runs/NAME' run x --out
fails 2 '--json takes no value' run x --json=1
fails 2 '--matmul: "gpu" is none of: auto, host, shader' run x --matmul gpu
fails 2 '--format: "GGUF" is none of: delta, hf' export runs/demo --out x --format GGUF
fails 2 '--length: "ten" is not a whole number' generate --length ten
fails 2 '--length: "" is not a whole number' generate --length=
fails 2 '--length: 0 is outside 1 to 4096' generate --length 0
fails 2 '--top-k: 99999999999999999999 is outside 1 to 64' generate --top-k 99999999999999999999
fails 2 'generate needs --model M: a .gguf file, a Hugging Face folder, a name in its cache, or a known name' generate
fails 2 'edit needs --subject TEXT: whom or what it is about' edit --model m --prompt '{} is'
fails 2 'score: 2 prompts and 1 target do not make pairs; give one --target for each --prompt, or one --prompt' score --model m --prompt a --prompt b --target c
fails 2 "plugin folder $scratch/none does not exist (--plugins, EMEND_PLUGIN_PATH)" list metrics --plugins "$scratch/none"
EMEND_PLUGIN_PATH="$scratch/none2"
export EMEND_PLUGIN_PATH
fails 2 "plugin folder $scratch/none2 does not exist (--plugins, EMEND_PLUGIN_PATH)" list metrics
unset EMEND_PLUGIN_PATH

# reports
fails 2 'report needs RUN... (see "emend help report")' report
fails 2 "$scratch/none: there is no such folder; a report is made of run folders, such as runs/quickstart, and of sweep folders" report "$scratch/none"
fails 2 'a report on 2 folders needs a place of its own: --out DIR' report "$scratch/a" "$scratch/b"

# models and devices
fails 2 '"smolm2" is neither a file, nor a folder, nor a known model; did you mean "smollm2"?' fetch smolm2
fails 2 '"smolm2" is neither a file, nor a folder, nor a known model; did you mean "smollm2"?' generate --model smolm2 --prompt a
run device --device nonsense
[ "$code" = 2 ] || wrong 'a device that is not there'
case $err in 'emend: no Vulkan device "nonsense": '*) ;; *) wrong 'a device that is not there' ;; esac
export VK_DRIVER_FILES="$scratch/none" VK_ICD_FILENAMES="$scratch/none"
fails 3 'no Vulkan device was found: install a driver (for a GPU its own; without one "apt-get install mesa-vulkan-drivers" brings a device that runs on the CPU)' device
unset VK_DRIVER_FILES VK_ICD_FILENAMES

# results that cannot be written
code=0
"$program" list models >/dev/full 2>"$scratch/err" || code=$?
checks=$((checks + 1)) out='' err=$(cat "$scratch/err")
if [ "$code" != 1 ] || [ "$err" != 'emend: standard output could not be written: No space left on device' ]; then
    wrong 'a full disk'
fi
code=0 # more than is held back
"$program" schema >/dev/full 2>"$scratch/err" || code=$?
checks=$((checks + 1)) err=$(cat "$scratch/err")
case $code:$err in '1:emend: standard output could not be written'*) ;; *) wrong 'a full disk' ;; esac

finish
