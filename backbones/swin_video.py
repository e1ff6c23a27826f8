"""Swin for clips (Video Swin Transformer, https://arxiv.org/abs/2106.13230), inflated from a Swin for images.

A clip of one repeated frame gives the features of that frame under ``Swin(img_size=None)``, whatever its length:
windows in time shrink to short clips, and frames added to fill a window are hidden from the queries.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from timm.models.swin_transformer import PatchMerging
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ConfigError, MaskError
from ..registry import MODELS
from .swin import resolve_arch
from .swin_trunk import SwinBlock, SwinTrunk
from .window import attend_in_windows

__all__ = ["SwinVideo", "inflate"]


class ClipPatchEmbed(nn.Module):
    """(B, 3, T, H, W) -> (B, ceil(T / t), ceil(H / p), ceil(W / p), C): a convolution and a norm.

    An edge is padded with zeros, as in the plane; the end of the clip with its last frame, so that a still clip stays
    still.
    """

    def __init__(self, in_chans: int, dim: int, patch: tuple[int, int, int]) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv3d(in_chans, dim, patch, patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Embed a batch of clips."""
        frames, height, width = (-length % side for length, side in zip(x.shape[2:], self.patch, strict=True))
        if frames:
            x = torch.cat([x, x[:, :, -1:].expand(-1, -1, frames, -1, -1)], 2)
        x = self.proj(functional.pad(x, (0, width, 0, height)))
        output: Tensor = self.norm(x.permute(0, 2, 3, 4, 1))
        return output


class ClipWindowAttention(nn.Module):
    """Attention inside a window of ``frames`` x ``side`` x ``side`` cells, with a table of relative positions.

    The table has (2 frames - 1) (2 side - 1)^2 rows, time slowest. A window of fewer frames uses its central offsets.
    """

    def __init__(self, dim: int, num_heads: int, frames: int, side: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.frames = frames
        self.side = side
        rows = (2 * frames - 1) * (2 * side - 1) ** 2
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B * windows, cells, C), mask (windows, cells, cells) or None -> (B * windows, cells, C)."""
        count, cells, dim = x.shape
        query, key, value = self.qkv(x).view(count, cells, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        index = relative_position_index(cells // self.side**2, self.frames, self.side, x.device)
        table = self.relative_position_bias_table
        bias = table[index.flatten()].view(cells, cells, -1).permute(2, 0, 1)
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1) + bias
        if mask is not None:
            logits = (logits.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        output: Tensor = self.proj((logits.softmax(-1) @ value).transpose(1, 2).reshape(count, cells, dim))
        return output


@lru_cache(maxsize=16)
def relative_position_index(frames: int, table_frames: int, side: int, device: torch.device) -> Tensor:
    """Row of the table for each pair of cells: (cells, cells) long, for windows of ``frames`` x ``side`` x ``side``."""
    with torch.inference_mode(False):
        axes = [torch.arange(length, device=device) for length in (frames, side, side)]
        time, row, col = (grid.flatten() for grid in torch.meshgrid(*axes, indexing="ij"))
        steps = [place[:, None] - place[None, :] for place in (time, row, col)]
        span = 2 * side - 1
        return ((steps[0] + table_frames - 1) * span + steps[1] + side - 1) * span + steps[2] + side - 1


class ClipBlock(SwinBlock):
    """A block whose window in time is no longer than the clip."""

    def attend(self, x: Tensor) -> Tensor:
        """(B, T', H', W', C) -> the same; a clip that fits in the window is one window in time, not shifted."""
        window, shift = self.window, self.shift
        if x.shape[1] <= window[0]:
            window, shift = (x.shape[1], *window[1:]), (0, *shift[1:])
        return attend_in_windows(x, self.attn, window, shift, hide_padding=(True, False, False))


class ClipMerging(PatchMerging):
    """Patch merging of every frame: (B, T', H', W', C) -> (B, T', ceil(H' / 2), ceil(W' / 2), 2C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Merge each frame as an image's map."""
        output: Tensor = super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return output


@MODELS.register_module()
class SwinVideo(SwinTrunk):
    """Swin for clips: (B, 3, T, H, W) -> (B, C, T', H', W') of the last stage, bare, as mmaction's heads want it.

    In the plane it follows the rule of ``Swin(img_size=None)``.

    .. code-block:: python

        backbone = dict(type="simmim_eval.SwinVideo", arch="tiny", patch_size_t=2, window_size_t=8)

    Args:
        arch: As for :class:`Swin`.
        patch_size_t: Frames per patch.
        window_size_t: Window in time, in patches.
        keep_motion_filters: How :meth:`inflate` fills the patch weight. Plain inflation makes all its frames equal,
            blind to the direction of time; with this the differences between the frames of the present weight (random,
            zero in sum) are added. A still clip has the features of its image either way.
        window_size: Window in the plane, in patches, for all stages or one per stage; default: the architecture's.
        in_chans: Input channels.
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        frozen_stages: See :class:`Backbone`, as for the next three.
        norm_eval: No effect here: Swin has no batch norm.
        with_cp: Recompute blocks in the backward pass.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        patch_size_t: int = 2,
        window_size_t: int = 8,
        keep_motion_filters: bool = False,
        window_size: int | Sequence[int] | None = None,
        in_chans: int = 3,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        sizes = resolve_arch(arch, window_size)
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        super().__init__(sizes, (len(sizes.depths) - 1,), **plug)
        if min(patch_size_t, window_size_t) < 1:
            raise ConfigError(
                f"backbone.patch_size_t is {patch_size_t} and window_size_t is {window_size_t}; expected at least 1."
            )
        self.patch_size_t = patch_size_t
        self.window_size_t = window_size_t
        self.keep_motion_filters = keep_motion_filters
        patch = (patch_size_t, sizes.patch_size, sizes.patch_size)
        self.patch_embed = ClipPatchEmbed(in_chans, sizes.embed_dim, patch)
        self.build_layers(drop_path_rate)
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, 3, T, H, W) -> (B, C, ceil(T / patch_size_t), ceil(H / s), ceil(W / s)); clips are never masked."""
        if mask is not None:
            raise MaskError("mask given, but SwinVideo does not hide parts of a clip. Remove mask, or use Swin.")
        (output,) = self.stage_outputs(self.patch_embed(x))
        return output.permute(0, 4, 1, 2, 3).contiguous()

    def inflate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of a :class:`Swin` with this backbone's sizes, for this backbone."""
        clip = inflate(state, self.patch_size_t, self.window_size_t)
        name = "patch_embed.proj.weight"
        if self.keep_motion_filters and name in clip:
            present = self.get_parameter(name).detach()
            clip[name] = clip[name] + (present - present.mean(2, keepdim=True)).to(clip[name])
        return clip

    def _block(self, stage: int, shifted: bool, drop_path: float) -> SwinBlock:
        dim, side, frames = self.arch.dims[stage], self.arch.windows[stage], self.window_size_t
        attention = ClipWindowAttention(dim, self.arch.num_heads[stage], frames, side)
        shift = (frames // 2, side // 2, side // 2) if shifted else (0, 0, 0)
        return ClipBlock(dim, attention, (frames, side, side), shift, self.arch.mlp_ratio, drop_path)

    def _merging(self, dim: int) -> nn.Module:
        return ClipMerging(dim)


def inflate(state: Mapping[str, Tensor], patch_size_t: int = 2, window_size_t: int = 8) -> dict[str, Tensor]:
    """The state of a :class:`SwinVideo` that gives a still clip the features of its frame.

    As in Video Swin, section 3.3: the patch weight is repeated over time and divided by the number of frames; each
    table is repeated for every offset in time. Everything else stays.

    Args:
        state: A :class:`Swin`'s, with timm's names.
        patch_size_t: Frames per patch.
        window_size_t: Window in time, in patches.
    """
    clip = dict(state)
    for name, value in state.items():
        if name == "patch_embed.proj.weight":
            clip[name] = value[:, :, None].repeat(1, 1, patch_size_t, 1, 1) / patch_size_t
        elif name.endswith("relative_position_bias_table"):
            clip[name] = value.repeat(2 * window_size_t - 1, 1)
    return clip
