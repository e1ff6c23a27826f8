"""Evaluate a checkpoint; the same as ``simmim-eval evaluate``.

Example:
  python tools/test.py CHECKPOINT --data-root data/demo
"""

import sys

from simmim_eval.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "evaluate")
    main()
