#!/bin/sh
# The choice of a newer software driver: where it helps, what happens when it cannot be had. The
# package tools are stand-ins of our own; nothing is fetched.
#
#   driver.sh PROGRAM JSON_VALID SCRIPT
set -eu
script=$3
. "$(dirname "$0")/expect.sh"
for device in /dev/dri/renderD* /dev/nvidia0 /dev/dxg; do
    [ ! -e "$device" ] || exit 77 # there is a GPU here
done
unset VK_DRIVER_FILES VK_ICD_FILENAMES EMEND_DRIVER

tools=$scratch/tools choice=$HOME/.cache/emend/driver/choice
mkdir "$tools"
PATH=$tools:$PATH
tool() { # NAME BODY
    printf '#!/bin/sh\n%s\n' "$2" >"$tools/$1"
    chmod +x "$tools/$1"
}

# Debian 12's Mesa, and an archive that has a newer one
begin() {
    rm -rf "$HOME/.cache"
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    tool dpkg-query 'echo 22.3.6-1'
    tool dpkg 'case $4 in 24) case $2 in 22*) exit 0 ;; esac ;; esac; exit 1'
    tool apt-get "case \"\$*\" in
        indextargets*) echo 'http://archive.invalid/debian/ $release main' ;;
        *download*) touch mesa-vulkan-drivers_25.deb ;;
        esac"
    tool dpkg-deb 'mkdir -p "$3/usr/lib"; touch "$3/usr/lib/libvulkan_lvp.so"'
    program=$tools/program
    tool program '[ -n "$VK_DRIVER_FILES" ]'
}

choose() { # PATH MESSAGE: what is printed, and the end of what is said
    checks=$((checks + 1)) code=0
    sh "$script" "$program" >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
    out=$(cat "$scratch/out") err=$(cat "$scratch/err")
    case "$code $out $err" in "0 $1 "*"$2") ;; *)
        wrong "driver.sh"
        printf '  expected: %s and %s\n' "$1" "$2" ;;
    esac
}

begin
choose "$HOME/.cache/emend/driver/lvp.json" 'declines)'
[ -z "$(find "$HOME/.cache" -name 'work.*')" ] || wrong 'left in the cache'
tool apt-get 'echo never again; exit 1'
choose "$HOME/.cache/emend/driver/lvp.json" ''
[ -z "$err" ] || wrong 'said twice'

tool dpkg-query 'echo 25.0.7'
choose '' '' # the system has its own new one
EMEND_DRIVER=system
export EMEND_DRIVER
tool dpkg-query 'echo 22.3.6-1'
choose '' ''
unset EMEND_DRIVER

begin
tool apt-get "case \"\$*\" in
    indextargets*) echo 'http://archive.invalid/debian/ $release main' ;;
    *) echo 'E: no such archive'; exit 100 ;;
    esac"
choose '' "(E: no such archive); the system's older one is used ($HOME/.cache/emend/driver: remove it to try again)"
choose '' ''
[ -z "$err" ] || wrong 'tried again'

begin
tool program 'exit 3'
choose '' "it does not run on this system; the system's older one is used ($HOME/.cache/emend/driver: remove it to try again)"
[ "$(cat "$choice")" = system ] || wrong 'a driver that does not run is chosen'

begin
tool apt-get ''
choose '' "is not known; the system's older one is used ($HOME/.cache/emend/driver: remove it to try again)"

finish
