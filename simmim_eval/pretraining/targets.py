"""What is predicted and how the error is counted (SimMIM, arXiv 2111.09886, section 3.4).

The target is the normalised image itself; only hidden pixels count.
"""

from torch import Tensor

__all__ = ["expand_mask", "hidden_pixel_l1", "hidden_pixel_l1_per_image"]

_EPSILON = 1e-5  # of the official code: keeps an empty mask finite


def expand_mask(mask: Tensor, mask_stride: int) -> Tensor:
    """Mask of cells ``(B, h, w)`` to a mask of pixels ``(B, 1, h * mask_stride, w * mask_stride)``, same dtype."""
    return mask.repeat_interleave(mask_stride, 1).repeat_interleave(mask_stride, 2).unsqueeze(1)


def hidden_pixel_l1(prediction: Tensor, target: Tensor, pixel_mask: Tensor) -> Tensor:
    """Mean absolute error over the hidden pixels of a whole batch; 0 where nothing is hidden.

    Args:
        prediction: float ``(B, C, H, W)``.
        target: float ``(B, C, H, W)``, the normalised images.
        pixel_mask: bool ``(B, 1, H, W)``, True = hidden.

    Returns:
        A scalar: sum of errors / (number of hidden pixels + 1e-5) / C.
    """
    hidden = pixel_mask.to(prediction.dtype)
    error = (target - prediction).abs() * hidden
    return error.sum() / (hidden.sum() + _EPSILON) / target.shape[1]


def hidden_pixel_l1_per_image(prediction: Tensor, target: Tensor, pixel_mask: Tensor) -> Tensor:
    """:func:`hidden_pixel_l1` of every image by itself: ``(B,)``."""
    hidden = pixel_mask.to(prediction.dtype)
    error = (target - prediction).abs() * hidden
    return error.sum(dim=(1, 2, 3)) / (hidden.sum(dim=(1, 2, 3)) + _EPSILON) / target.shape[1]
