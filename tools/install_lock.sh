#!/usr/bin/env bash
# Install requirements.lock without resolution into the environment of the given Python, with one line of progress.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?usage: tools/install_lock.sh PYTHON}
total=$(grep -c '^[^#].*==' requirements.lock)
show() { if [ -t 1 ]; then printf '\r\033[K  %s' "$1"; else printf '  %s\n' "$1"; fi; }

echo "Installing $total packages (about 3 GB to fetch, 6.5 GB on disk)"
# A local index, where pip is told of one, draws a warning for each package that it lacks.
PYTHONUNBUFFERED=1 "$python" -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
    --progress-bar off -r requirements.lock \
    2> >(grep --line-buffered -v '^WARNING: Location' >&2) |
    {
        seen=0
        while read -r verb rest; do
            case "$verb $rest" in
                Collecting* | Processing* | "Requirement already satisfied"*)
                    seen=$((seen + 1))
                    name=${rest#already satisfied: }
                    name=${name%% *}
                    if [ -t 1 ] || ((seen % 20 == 0)); then show "[$seen/$total] ${name##*/}"; fi
                    ;;
                "Installing collected packages"*) show "unpacking (a minute or two)" ;;
            esac
        done
        show "$seen of $total packages are in place"
        if [ -t 1 ]; then echo; fi
    }
