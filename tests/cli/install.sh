#!/bin/sh
# An installed emend finds its plugins and data wherever it stands, has its manual and completions,
# and a plugin built against it from outside the tree is loaded, whether pkg-config or CMake found it.
#
#   install.sh BUILD CC
set -eu
build=$1 cc=$2
. "$(dirname "$0")/expect.sh"

cmake --install "$build" --prefix "$scratch/first" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
mv "$scratch/first" "$scratch/moved"
program=$scratch/moved/bin/emend

prints 'rome ' list algorithms
prints "$scratch/moved/lib/emend/metrics/efficacy.so" list metrics --json
[ -s "$scratch/moved/share/emend/experiments/quickstart.json" ] || wrong 'no experiments'

share=$scratch/moved/share
for page in man1/emend.1 man1/emend-run.1 man1/emend-export.1 man5/emend-experiment.5; do
    head -1 "$share/man/$page" | grep -q '^.TH EMEND' || wrong "no $page"
done
[ "$(find "$share/man/man1" -name 'emend-*.1' | wc -l)" = "$("$program" help | grep -c '^  [a-z]*  *[A-Z][a-z]')" ] ||
    wrong 'a page for each command'
for file in bash-completion/completions/emend zsh/site-functions/_emend fish/vendor_completions.d/emend.fish; do
    grep -q 'alphaedit' "$share/$file" || wrong "$file knows no algorithm"
done

mkdir "$scratch/plugins"
cat >"$scratch/always.c" <<'PLUGIN'
#include <emend/plugin.h>

static const char *const reads[] = {"rewrite", NULL};
static const struct em_option options[] = {{0}};

static bool measure(const void *unused, const struct em_case *c, double *out)
{
    (void) unused, (void) c;
    *out = 1;
    return true;
}

const struct em_metric em_metric = {
    .abi = EM_ABI(struct em_metric),
    .name = "always",
    .label = "A1",
    .summary = "one, whatever the model says",
    .reference = "",
    .scope = EM_PER_CASE,
    .reads = reads,
    .options = options,
    .measure = measure,
};
PLUGIN
PKG_CONFIG_PATH=$(dirname "$(find "$scratch/moved" -name emend.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # flags
"$cc" -std=c11 -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags emend) "$scratch/always.c" -o "$scratch/plugins/always.so"
prints 'A1    one, whatever the model says' list metrics --plugins "$scratch/plugins"
prints 'always, metric: one, whatever the model says' help always --plugins "$scratch/plugins"
mkdir "$scratch/project" "$scratch/again"
mv "$scratch/always.c" "$scratch/project/"
cat >"$scratch/project/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required(VERSION 3.22)
project(mine LANGUAGES C)
find_package(emend 0.1 REQUIRED)
emend_plugin(always always.c)
PROJECT
if cmake -S "$scratch/project" -B "$scratch/again" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$scratch/moved" \
    >"$scratch/log" 2>&1 && cmake --build "$scratch/again" >>"$scratch/log" 2>&1; then
    mkdir "$scratch/cmake-plugins"
    mv "$scratch/again/always.so" "$scratch/cmake-plugins/"
    prints 'A1    one, whatever the model says' list metrics --plugins "$scratch/cmake-plugins"
else
    cat "$scratch/log"
    wrong 'find_package(emend)'
fi
EMEND_PLUGIN_PATH=$scratch/plugins
export EMEND_PLUGIN_PATH
prints 'always ' list metrics

finish
