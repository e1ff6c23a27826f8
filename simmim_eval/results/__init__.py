"""Records to tables: store, statistics, query, and one file a view. Needs neither torch nor mmengine."""

from simmim_eval.results.query import query
from simmim_eval.results.statistics import (
    PairedDifference,
    mean_and_std_error,
    paired_difference,
)
from simmim_eval.results.store import Store
from simmim_eval.results.table import Cell, Column, ColumnSpec, Difference, Row, Table
from simmim_eval.results.views import print_table, to_csv, to_json, to_markdown, write_tables

__all__ = [
    "Cell",
    "Column",
    "ColumnSpec",
    "Difference",
    "PairedDifference",
    "Row",
    "Store",
    "Table",
    "mean_and_std_error",
    "paired_difference",
    "print_table",
    "query",
    "to_csv",
    "to_json",
    "to_markdown",
    "write_tables",
]
