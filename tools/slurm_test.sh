#!/usr/bin/env bash
# Evaluate in one Slurm job. Usage: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [ARGUMENT...]
# GPUS and what else the environment may say: tools/slurm_run.sh.
set -euo pipefail

usage="usage: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [ARGUMENT...]"
exec "$(dirname "$0")/slurm_run.sh" test "${1:?$usage}" "${2:?$usage}" "${3:?$usage}" "${4:?$usage}" "${@:5}"
