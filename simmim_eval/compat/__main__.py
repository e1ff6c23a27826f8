"""Run a script with the stand-ins in place: ``python -m simmim_eval.compat tools/train.py CONFIG``.

For scripts that import ``mmcv.ops`` before they read a config, as mmdet's ``tools/train.py`` does, and that read
checkpoints of mmengine's ``Runner``, as ``tools/test.py`` and ``--resume`` do. Under several processes:
``torchrun --nproc_per_node N -m simmim_eval.compat tools/train.py CONFIG --launcher pytorch``.
"""

import runpy
import sys
from pathlib import Path

from simmim_eval.compat import install
from simmim_eval.compat.stock_checkpoints import allow_stock_checkpoints


def main() -> None:
    """Run the script named by the first argument as ``python`` would."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: python -m simmim_eval.compat SCRIPT [ARGUMENTS]; for example: tools/train.py CONFIG")
    install()
    allow_stock_checkpoints()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
