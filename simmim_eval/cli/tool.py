"""The commands behind ``tools/``, spoken to as OpenMMLab's tools are."""

import sys
from collections.abc import Sequence

from simmim_eval.cli.main import main

__all__ = ["run_tool", "translate"]

MANY = "--cfg-options"


def run_tool(command: str) -> None:
    """Run ``simmim-eval COMMAND`` on this process's own arguments, and exit."""
    sys.argv[1:] = [command, *translate(command, sys.argv[1:])]
    main()


def translate(command: str, arguments: Sequence[str]) -> list[str]:
    """OpenMMLab's way of writing arguments in ours.

    ``--cfg-options a=1 b=2`` becomes ``--cfg-options a=1 --cfg-options b=2``, and ``test.py CONFIG CHECKPOINT`` becomes
    ``evaluate CHECKPOINT --config CONFIG``.
    """
    words: list[str] = []
    inside = False  # the values of --cfg-options
    for word in arguments:
        if inside and not word.startswith("-") and "=" in word:
            words += [MANY, word]
            continue
        inside = word == MANY
        if not inside:
            words.append(word)
    if command == "evaluate" and len(words) > 1 and not any(word.startswith("-") for word in words[:2]):
        words[:2] = [words[1], "--config", words[0]]
    return words
