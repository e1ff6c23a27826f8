#!/usr/bin/env bash
# Fine-tune on several GPUs of this machine. Usage: tools/dist_train.sh CONFIG GPUS [ARGUMENT...]
set -euo pipefail

config=${1:?usage: tools/dist_train.sh CONFIG GPUS [ARGUMENT...]}
gpus=${2:?usage: tools/dist_train.sh CONFIG GPUS [ARGUMENT...]}
exec "$(dirname "$0")/dist_run.sh" train "$gpus" "$config" "${@:3}"
