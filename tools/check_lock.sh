#!/usr/bin/env bash
# Dry run of requirements.lock, wheels only, on every Python of 3.11 to 3.13 that is found; says which are absent.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() { # the interpreter of version $1: on PATH if it starts, else pyenv's newest
    local found root
    if found=$(command -v "python$1") && "$found" -c '' 2>/dev/null; then
        echo "$found"
    elif command -v pyenv >/dev/null && root=$(pyenv prefix "$(pyenv latest "$1" 2>/dev/null)" 2>/dev/null); then
        echo "$root/bin/python"
    fi
}

# A target of its own: pip then asks nothing of an interpreter that the system manages.
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
checked=0
absent=()
for version in 3.11 3.12 3.13; do
    python=$(find_python "$version")
    if [ -z "$python" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
        absent+=("$version${python:+ (no pip)}")
        continue
    fi
    echo "requirements.lock on Python $version: $("$python" -m pip --version | cut -d' ' -f1-2), dry run"
    "$python" -m pip install --quiet --quiet --disable-pip-version-check --dry-run --no-deps --ignore-installed \
        --target "$target" --only-binary :all: -r requirements.lock
    checked=$((checked + 1))
done
echo "requirements.lock: resolves on $checked of 3 Pythons; absent here: ${absent[*]:-none}"
[ "$checked" -gt 0 ]
