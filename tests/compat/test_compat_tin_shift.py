"""tin_shift of mmcv.ops against its definition written out, and its gradient by finite differences."""

import pytest
import torch
from torch import Tensor

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv.ops import tin_shift

SHIFT = torch.tensor([[1, 0, -2], [5, -1, 2]], dtype=torch.int32)


def naive_shift(clips: Tensor, shift: Tensor) -> Tensor:
    """Each frame of each channel is put where its group's shift sends it."""
    output = torch.zeros_like(clips)
    batch, frames, channels, _ = clips.shape
    for b in range(batch):
        for c in range(channels):
            for t in range(frames):
                to = t + int(shift[b, c * shift.shape[1] // channels])
                if 0 <= to < frames:
                    output[b, to, c] = clips[b, t, c]
    return output


def test_is_the_definition_with_its_gradient() -> None:
    clips = torch.randn(2, 4, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.equal(tin_shift(clips, SHIFT), naive_shift(clips, SHIFT))
    assert torch.autograd.gradcheck(lambda x: tin_shift(x, SHIFT), clips)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_and_strided(dtype: torch.dtype) -> None:
    clips = torch.randn(6, 4, 5, 2).to(dtype).permute(3, 1, 0, 2).requires_grad_()
    assert torch.equal(tin_shift(clips, SHIFT), naive_shift(clips, SHIFT))
    grad = torch.randn(5, 6, 4, 2).to(dtype).permute(3, 2, 1, 0)
    (gradient,) = torch.autograd.grad(tin_shift(clips, SHIFT), clips, grad)
    assert torch.equal(gradient, naive_shift(grad, -SHIFT))
