#!/usr/bin/env bash
# What the dist_*.sh share: a tool in several processes of this machine, one a GPU, or on CPUs where there is none.
# Usage: tools/dist_run.sh TOOL PROCESSES [ARGUMENT...]
# NNODES, NODE_RANK, MASTER_ADDR and PORT join several machines; without NNODES a free port is found. PYTHON: python.
set -euo pipefail

tool=${1:?usage: tools/dist_run.sh TOOL PROCESSES [ARGUMENT...]}
processes=${2:?usage: tools/dist_run.sh TOOL PROCESSES [ARGUMENT...]}
shift 2

if [ "${NNODES:-1}" -gt 1 ]; then
    meeting=(--nnodes "$NNODES" --node-rank "${NODE_RANK:-0}"
        --master-addr "${MASTER_ADDR:?NNODES is $NNODES: say where the first one is}" --master-port "${PORT:-29500}")
else
    meeting=(--standalone)
fi
exec "${PYTHON:-python}" -m torch.distributed.run "${meeting[@]}" --nproc-per-node "$processes" \
    "$(dirname "$0")/$tool.py" "$@" --launcher pytorch
