"""What a recipe would cost, told without data and without a GPU."""

from simmim_eval.engine.dry_run.groups import ParameterGroup
from simmim_eval.engine.dry_run.input_size import InputSize
from simmim_eval.engine.dry_run.length import DataSize, Length
from simmim_eval.engine.dry_run.memory import Memory
from simmim_eval.engine.dry_run.run import TRAINING_PASSES, DryRun, dry_run, inspect

__all__ = [
    "TRAINING_PASSES",
    "DataSize",
    "DryRun",
    "InputSize",
    "Length",
    "Memory",
    "ParameterGroup",
    "dry_run",
    "inspect",
]
