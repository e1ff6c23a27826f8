"""Evaluate a checkpoint; the same as ``simmim-eval evaluate``.

Example:
  python tools/test.py [CONFIG] CHECKPOINT --data-root data/demo
"""

from simmim_eval.cli.tool import run_tool

if __name__ == "__main__":
    run_tool("evaluate")
