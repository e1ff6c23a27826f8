#!/usr/bin/env bash
# Pre-train in one Slurm job. Usage: tools/slurm_pretrain.sh PARTITION JOB_NAME CONFIG WORK_DIR [ARGUMENT...]
# GPUS and what else the environment may say: tools/slurm_run.sh.
set -euo pipefail

usage="usage: tools/slurm_pretrain.sh PARTITION JOB_NAME CONFIG WORK_DIR [ARGUMENT...]"
exec "$(dirname "$0")/slurm_run.sh" pretrain "${1:?$usage}" "${2:?$usage}" "${3:?$usage}" \
    --work-dir "${4:?$usage}" "${@:5}"
