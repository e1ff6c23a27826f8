"""The table as GitHub's Markdown."""

import re

from simmim_eval.results.table import Table
from simmim_eval.results.views.words import Words, difference_words, right_from, table_words

__all__ = ["to_markdown"]


def to_markdown(table: Table) -> str:
    """Heading, cells, differences if they have intervals, footer and notes as one Markdown text."""
    blocks = [f"**{_escape(table.heading)}**", _grid(table_words(table))]
    differences = difference_words(table)
    if differences is not None:
        blocks.append(_grid(differences))
    blocks.append(_escape(table.footer))
    if table.notes:
        blocks.append("\n".join(f"- {_escape(note)}" for note in table.notes))
    return "\n\n".join(blocks) + "\n"


def _grid(words: Words) -> str:
    rule = ["---:" if right else "---" for right in right_from(words)]
    lines = [map(_escape, words.header), rule, *(map(_escape, row) for row in words.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Names come from records: they may not end a cell or become markup."""
    text = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
