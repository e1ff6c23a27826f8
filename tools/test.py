"""Evaluate a checkpoint; the same as ``simmim-eval evaluate``.

Example:
  python tools/test.py CHECKPOINT --config classification/cls_swin-nano_1xb32-250i_demo.py --data-root data/demo
"""

import sys

from simmim_eval.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "evaluate")
    main()
