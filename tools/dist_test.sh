#!/usr/bin/env bash
# Evaluate on several GPUs of this machine. Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [ARGUMENT...]
set -euo pipefail

usage="usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [ARGUMENT...]"
exec "$(dirname "$0")/dist_run.sh" test "${3:?$usage}" "${1:?$usage}" "${2:?$usage}" "${@:4}"
