"""Fine-tune on one task; the same as ``simmim-eval transfer``.

Example:
  python tools/train.py classification/cls_swin-nano_1xb32-250i_demo.py --init random --data-root data/demo
"""

from simmim_eval.cli.tool import run_tool

if __name__ == "__main__":
    run_tool("transfer")
