#!/usr/bin/env bash
# Pre-train on several GPUs of this machine. Usage: tools/dist_pretrain.sh CONFIG GPUS [ARGUMENT...]
set -euo pipefail

config=${1:?usage: tools/dist_pretrain.sh CONFIG GPUS [ARGUMENT...]}
gpus=${2:?usage: tools/dist_pretrain.sh CONFIG GPUS [ARGUMENT...]}
exec "$(dirname "$0")/dist_run.sh" pretrain "$gpus" "$config" "${@:3}"
