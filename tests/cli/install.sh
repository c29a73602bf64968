#!/bin/sh
# An installed emend finds its plugins and data wherever it stands, and a plugin built against it
# from outside the tree is loaded.
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
EMEND_PLUGIN_PATH=$scratch/plugins
export EMEND_PLUGIN_PATH
prints 'always ' list metrics

finish
