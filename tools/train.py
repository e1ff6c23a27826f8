"""Fine-tune on one task; the same as ``simmim-eval transfer``.

Example:
  python tools/train.py classification/cls_swin-nano_1xb32-250i_demo.py --init random --data-root data/demo
"""

import sys

from simmim_eval.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "transfer")
    main()
