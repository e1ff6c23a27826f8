"""The two halves of a convolution that is computed at chosen cells only.

Guided anchoring predicts with it (Wang et al., "Region Proposal by Guided Anchoring",
https://arxiv.org/abs/1901.03278): the patches of the M chosen cells become columns, mmcv multiplies them by the weight,
and the results return to their cells. Stride 1, batch 1, prediction only: mmcv defines no gradient.
"""

import torch
from torch import Tensor
from torch.nn import functional

from simmim_eval.errors import ConfigError

__all__ = ["masked_col2im_forward", "masked_im2col_forward"]


def masked_im2col_forward(
    features: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    data_col: Tensor,
    *,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """Fill ``data_col`` with the patch of each chosen output cell.

    Args:
        features: (1, C, H, W).
        mask_h_idx: (M,) int64 rows of the output.
        mask_w_idx: (M,) int64 columns of the output.
        data_col: (C * kernel_h * kernel_w, M), filled.
        kernel_h: Rows of a patch.
        kernel_w: Columns of a patch.
        pad_h: Zeros above the map; output row 0 begins there.
        pad_w: Zeros at its left.
    """
    right, below = max(kernel_w - 1 - pad_w, 0), max(kernel_h - 1 - pad_h, 0)
    padded = functional.pad(features[0], (pad_w, right, pad_h, below))
    rows = mask_h_idx + torch.arange(kernel_h, device=mask_h_idx.device)[:, None, None]
    columns = mask_w_idx + torch.arange(kernel_w, device=mask_w_idx.device)[:, None]
    data_col.copy_(padded[:, rows, columns].reshape(data_col.shape))


def masked_col2im_forward(
    data_col: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    output: Tensor,
    *,
    height: int,
    width: int,
    channels: int,
) -> None:
    """Put each of the M columns into its cell of ``output``; the other cells are left as they are.

    Args:
        data_col: (channels, M).
        mask_h_idx: (M,) int64 rows.
        mask_w_idx: (M,) int64 columns.
        output: (1, channels, height, width), filled at the chosen cells.
        height: Rows of the output.
        width: Columns of the output.
        channels: Channels of the output.

    Raises:
        ConfigError: A chosen cell lies outside the output, which is smaller than the mask.
    """
    bottom, right = int(mask_h_idx.max()), int(mask_w_idx.max())
    if bottom >= height or right >= width:
        raise ConfigError(
            f"masked convolution: the mask reaches row {bottom} and column {right}, the output is {height} x {width}. "
            "Give the layer padding=(kernel_size - 1) // 2, so that output and mask have one size."
        )
    output[0, :, mask_h_idx, mask_w_idx] = data_col.to(output.dtype)
