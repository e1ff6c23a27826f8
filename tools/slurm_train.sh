#!/usr/bin/env bash
# Fine-tune in one Slurm job. Usage: tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [ARGUMENT...]
# GPUS and what else the environment may say: tools/slurm_run.sh.
set -euo pipefail

usage="usage: tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [ARGUMENT...]"
exec "$(dirname "$0")/slurm_run.sh" train "${1:?$usage}" "${2:?$usage}" "${3:?$usage}" \
    --work-dir "${4:?$usage}" "${@:5}"
