#!/usr/bin/env bash
# What the slurm_*.sh share: a tool as one Slurm job, waited for, one task a GPU.
# Usage: tools/slurm_run.sh TOOL PARTITION JOB_NAME [ARGUMENT...]
# GPUS (8), GPUS_PER_NODE (8, at most GPUS), CPUS_PER_TASK (5) and SRUN_ARGS say what to ask for. PYTHON: python.
set -euo pipefail

usage="usage: tools/slurm_run.sh TOOL PARTITION JOB_NAME [ARGUMENT...]"
tool=${1:?$usage} partition=${2:?$usage} job_name=${3:?$usage}
shift 3

gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-8}
if [ "$per_node" -gt "$gpus" ]; then per_node=$gpus; fi
read -r -a more <<<"${SRUN_ARGS:-}"

exec srun --partition="$partition" --job-name="$job_name" --gres="gpu:$per_node" --ntasks="$gpus" \
    --ntasks-per-node="$per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 "${more[@]}" \
    "${PYTHON:-python}" -u "$(dirname "$0")/$tool.py" "$@" --launcher slurm
