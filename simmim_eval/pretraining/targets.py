"""What is predicted and how the error is counted (SimMIM, arXiv 2111.09886, section 3.4).

The target is the normalised image itself, for SwinV2 each pixel relative to a window around it; only hidden pixels
count.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

__all__ = ["expand_mask", "hidden_pixel_l1", "hidden_pixel_l1_per_image", "window_statistics"]

# Both of the official code.
_EPSILON = 1e-5  # keeps an empty mask finite
_VARIANCE_EPSILON = 1e-6  # and a flat window


def window_statistics(images: Tensor, window_size: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the window around each pixel, cut at the border, for each channel by itself.

    Args:
        images: float ``(B, C, H, W)``, at least two pixels each.
        window_size: Side in pixels, odd, from 3.

    Returns:
        ``(mean, deviation)``, both ``(B, C, H, W)`` float32. The deviation is the root of the unbiased variance plus
        1e-6. ``(images - mean) / deviation`` is the target of SwinV2 (there 47 pixels).
    """
    images = images.float()
    mean = _window_mean(images, window_size)
    rows, columns = (_window_count(length, window_size, images.device) for length in images.shape[-2:])
    count = rows[:, None] * columns
    variance = (_window_mean(images.square(), window_size) - mean.square()) * (count / (count - 1))
    return mean, (variance.clamp(min=0) + _VARIANCE_EPSILON).sqrt()


def _window_mean(x: Tensor, side: int) -> Tensor:
    """A window is rows times columns, wherever it is cut: two passes of one axis cost far less than one of two."""
    for kernel, margin in (((side, 1), (side // 2, 0)), ((1, side), (0, side // 2))):
        x = avg_pool2d(x, kernel, stride=1, padding=margin, count_include_pad=False)
    return x


def _window_count(length: int, side: int, device: torch.device) -> Tensor:
    """Places inside the window around each of ``length`` places: ``(length,)`` float."""
    place = torch.arange(length, device=device)
    first, last = (place - side // 2).clamp(min=0), (place + side // 2).clamp(max=length - 1)
    return (last - first + 1).float()


def expand_mask(mask: Tensor, mask_stride: int) -> Tensor:
    """Mask of cells ``(B, h, w)`` to a mask of pixels ``(B, 1, h * mask_stride, w * mask_stride)``, same dtype."""
    return mask.repeat_interleave(mask_stride, 1).repeat_interleave(mask_stride, 2).unsqueeze(1)


def hidden_pixel_l1(prediction: Tensor, target: Tensor, pixel_mask: Tensor) -> Tensor:
    """Mean absolute error over the hidden pixels of a whole batch; 0 where nothing is hidden.

    Args:
        prediction: float ``(B, C, H, W)``.
        target: float ``(B, C, H, W)``.
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
