"""From features to pixels (SimMIM, arXiv 2111.09886, section 3.3): a linear layer is enough."""

from torch import Tensor, nn

from simmim_eval.registry import MODELS

__all__ = ["LinearHead"]


@MODELS.register_module()
class LinearHead(nn.Module):
    """One 1x1 convolution to ``3 * encoder_stride ** 2`` channels, then a pixel shuffle.

    Args:
        in_chans: Channels of the backbone's last map.
        encoder_stride: Input pixels per cell of that map (32 for Swin with four stages).
    """

    def __init__(self, in_chans: int, encoder_stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_chans, 3 * encoder_stride**2, kernel_size=1)
        self.shuffle = nn.PixelShuffle(encoder_stride)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_chans, h, w)`` to pixels ``(B, 3, h * encoder_stride, w * encoder_stride)``."""
        pixels: Tensor = self.shuffle(self.proj(x))
        return pixels
