"""Pre-train a backbone; the same as ``simmim-eval pretrain``.

Example:
  python tools/pretrain.py pretrain/simmim_swin-nano_1xb32-900i_demo.py --data-root data/demo
"""

import sys

from simmim_eval.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "pretrain")
    main()
