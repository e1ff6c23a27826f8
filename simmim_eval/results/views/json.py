"""The table as JSON, with everything that the query found."""

import json
from dataclasses import asdict

from simmim_eval.results.table import Table

__all__ = ["to_json"]


def to_json(table: Table) -> str:
    """The fields of :class:`Table` as they are; rows, columns and baselines of differences are positions."""
    return json.dumps(asdict(table), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
