"""Stand-in for ``mmcv._ext``, the compiled module behind ``mmcv.ops``.

:mod:`simmim_eval.compat.finder` loads this file under that name. Signatures are those that the Python files of
mmcv-lite 2.1.0 call: results go into buffers made by the caller, options are keywords. Any other public name is
answered, because ``mmcv.ops`` asserts at import that its 112 ops exist, by a function that refuses to run.
"""

from collections.abc import Callable
from typing import NoReturn

from simmim_eval.compat.bbox_overlaps import bbox_overlaps
from simmim_eval.compat.carafe import carafe_backward, carafe_forward, carafe_naive_backward, carafe_naive_forward
from simmim_eval.compat.deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
)
from simmim_eval.compat.deform_roi_pool import deform_roi_pool_backward, deform_roi_pool_forward
from simmim_eval.compat.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from simmim_eval.compat.masked_conv import masked_col2im_forward, masked_im2col_forward
from simmim_eval.compat.missing import missing_op
from simmim_eval.compat.modulated_deform_conv import modulated_deform_conv_backward, modulated_deform_conv_forward
from simmim_eval.compat.ms_deform_attn import ms_deform_attn_backward, ms_deform_attn_forward
from simmim_eval.compat.nms import nms, nms_match
from simmim_eval.compat.psa_mask import psamask_backward, psamask_forward
from simmim_eval.compat.roi_align import roi_align_backward, roi_align_forward
from simmim_eval.compat.roi_pool import roi_pool_backward, roi_pool_forward
from simmim_eval.compat.soft_nms import softnms
from simmim_eval.compat.softmax_focal_loss import softmax_focal_loss_backward, softmax_focal_loss_forward
from simmim_eval.compat.sync_bn import (
    sync_bn_backward_data,
    sync_bn_backward_param,
    sync_bn_forward_mean,
    sync_bn_forward_output,
    sync_bn_forward_var,
)
from simmim_eval.compat.tin_shift import tin_shift_backward, tin_shift_forward

__all__ = [
    "bbox_overlaps",
    "carafe_backward",
    "carafe_forward",
    "carafe_naive_backward",
    "carafe_naive_forward",
    "deform_conv_backward_input",
    "deform_conv_backward_parameters",
    "deform_conv_forward",
    "deform_roi_pool_backward",
    "deform_roi_pool_forward",
    "masked_col2im_forward",
    "masked_im2col_forward",
    "modulated_deform_conv_backward",
    "modulated_deform_conv_forward",
    "ms_deform_attn_backward",
    "ms_deform_attn_forward",
    "nms",
    "nms_match",
    "psamask_backward",
    "psamask_forward",
    "roi_align_backward",
    "roi_align_forward",
    "roi_pool_backward",
    "roi_pool_forward",
    "sigmoid_focal_loss_backward",
    "sigmoid_focal_loss_forward",
    "softmax_focal_loss_backward",
    "softmax_focal_loss_forward",
    "softnms",
    "sync_bn_backward_data",
    "sync_bn_backward_param",
    "sync_bn_forward_mean",
    "sync_bn_forward_output",
    "sync_bn_forward_var",
    "tin_shift_backward",
    "tin_shift_forward",
]


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith("_"):  # the import system probes for __path__ and the like
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return missing_op(name)
