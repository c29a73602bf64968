#!/bin/sh
# driver.sh PROGRAM: prints the file of a newer software Vulkan driver than the system's, for
# VK_DRIVER_FILES, where that helps: on a Debian whose only device is the CPU and whose Mesa is older
# than 24 (its small operations take as long as the products). The driver comes from the release's
# backports into the user's cache; nothing of the system is changed. EMEND_DRIVER=system declines.

set -u
program=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/emend/driver
choice=$cache/choice # what was decided before: a path, or "system"

say() { printf 'emend: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

has_gpu() {
    for device in /dev/dri/renderD* /dev/nvidia0 /dev/dxg; do
        [ -e "$device" ] && return
    done
    return 1
}

is_slow() {
    have dpkg-query && have dpkg-deb && have apt-get &&
        version=$(dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null) &&
        [ -n "$version" ] && dpkg --compare-versions "$version" lt 24
}

give_up() {
    say "$1; the system's older one is used (${cache}: remove it to try again)"
    mkdir -p "$cache" && echo system >"$choice"
    exit 0
}

agrees() { # on a terminal it is asked for
    [ -t 0 ] && [ -t 2 ] || return 0
    printf 'emend: fetch it? [Y/n] ' >&2
    read -r answer || return 1
    case $answer in [nN]*) return 1 ;; esac
}

# apt-get with lists and archives of its own in $work.
private_apt() {
    apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root \
        "$@" >>"$work/log" 2>&1
}

# The release's name and the archive that it comes from, as the system's own sources have them.
find_archive() {
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    archive=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null | sed -n "s/ $release main\$//p" | head -n 1)
    [ -n "$release" ] && [ -n "$archive" ]
}

fetch() { # into $work
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$key" ] && signed="[signed-by=$key] " || signed=
    mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root" || return 1
    echo "deb $signed$archive $release-backports main" >"$work/sources.list"
    private_apt update && (cd "$work" && private_apt download mesa-vulkan-drivers) &&
        dpkg-deb -x "$work"/mesa-vulkan-drivers_*.deb "$work/root" >>"$work/log" 2>&1
}

# Leaves of it the one library, and the file that names it.
unpack() {
    library=$(find "$work/root" -name 'libvulkan_lvp.so' | head -n 1)
    [ -n "$library" ] && mv "$library" "$cache/libvulkan_lvp.so" &&
        printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' \
            "$cache/libvulkan_lvp.so" >"$cache/lvp.json"
}

[ "${EMEND_DRIVER:-}" = system ] || [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && exit
has_gpu && exit
is_slow || exit 0
if [ ! -e "$choice" ]; then
    say "Mesa $version is the only Vulkan driver here; a newer one of Debian's backports runs these" \
        "models twice as fast (11 MB into $cache, nothing of the system changes; EMEND_DRIVER=system declines)"
    find_archive || give_up 'the archive that this system installs from is not known'
    agrees || give_up 'not fetched'
    mkdir -p "$cache" && work=$(mktemp -d "$cache/work.XXXXXX") || exit 0
    trap 'rm -rf "$work"' EXIT
    fetch || give_up "it could not be fetched ($(tail -n 1 "$work/log"))"
    unpack || give_up 'there is no software driver in the package'
    VK_DRIVER_FILES=$cache/lvp.json "$program" device >/dev/null 2>&1 ||
        give_up 'it does not run on this system'
    echo "$cache/lvp.json" >"$choice"
fi
read -r path <"$choice"
[ "$path" = system ] || printf '%s\n' "$path"
