"""One file a view; each shows the same :class:`simmim_eval.results.Table`."""

from simmim_eval.results.views.csv import to_csv
from simmim_eval.results.views.json import to_json
from simmim_eval.results.views.markdown import to_markdown
from simmim_eval.results.views.terminal import print_table
from simmim_eval.results.views.writing import write_tables

__all__ = ["print_table", "to_csv", "to_json", "to_markdown", "write_tables"]
