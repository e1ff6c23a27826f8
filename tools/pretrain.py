"""Pre-train a backbone; the same as ``simmim-eval pretrain``.

Example:
  python tools/pretrain.py pretrain/simmim_swin-nano_1xb32-900i_demo.py --data-root data/demo
"""

from simmim_eval.cli.tool import run_tool

if __name__ == "__main__":
    run_tool("pretrain")
