"""Stand-in for ``mmcv._ext``, the compiled module behind ``mmcv.ops``.

:mod:`simmim_eval.compat.finder` loads this file under that name. Signatures are those that the Python files of
mmcv-lite 2.1.0 call: results go into buffers made by the caller, options are keywords. Any other public name is
answered, because ``mmcv.ops`` asserts at import that its 112 ops exist, by a function that refuses to run.
"""

from collections.abc import Callable
from typing import NoReturn

from simmim_eval.compat.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from simmim_eval.compat.missing import missing_op
from simmim_eval.compat.nms import nms
from simmim_eval.compat.roi_align import roi_align_backward, roi_align_forward
from simmim_eval.compat.soft_nms import softnms

__all__ = [
    "nms",
    "roi_align_backward",
    "roi_align_forward",
    "sigmoid_focal_loss_backward",
    "sigmoid_focal_loss_forward",
    "softnms",
]


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith("_"):  # the import system probes for __path__ and the like
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return missing_op(name)
