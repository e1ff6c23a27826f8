"""ViT for clips, inflated from a :class:`ViT`: joint attention over space and time on patches of some frames.

A clip of one repeated frame gives the features of that frame, whatever its length. Patches, attention and the fate of
the class token are joint space-time attention's (TimeSformer, https://arxiv.org/abs/2102.05095); tubelets are ViViT's
(https://arxiv.org/abs/2103.15691).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..errors import ConfigError, MaskError
from ..registry import MODELS
from .swin_video import ClipPatchEmbed
from .vit_arch import cell_grid, resolve_vit_arch
from .vit_relative import CLASS_ROWS
from .vit_trunk import ViTTrunk

__all__ = ["ViTVideo", "inflate"]

PATCH = "patch_embed.proj.weight"
TABLE = "relative_position_bias_table"


@MODELS.register_module()
class ViTVideo(ViTTrunk):
    """ViT for clips: (B, 3, T, H, W) -> (B, C, T', H', W') of the last block, bare, as mmaction's heads want it.

    .. code-block:: python

        backbone = dict(type="simmim_eval.ViTVideo", arch="base", rel_pos="per_block", init_values=0.1)

    Args:
        arch: As for :class:`ViT`, as are the other arguments that are not named here.
        num_frames: Length of the clips that positions in time are made for. Other lengths pass too: offsets beyond
            those of a table have the value of its edge, absolute positions in time are resampled linearly.
        patch_size_t: Frames per patch; the end of a clip is padded with its last frame.
        rel_pos: "shared", "per_block" or None.
        abs_pos: Absolute positions: the image's, and apart from them one for each step in time (``time_embed``).
        keep_motion_filters: How :meth:`inflate` fills the patch weight. Plain inflation makes all its frames equal,
            blind to the direction of time; with this the differences between the frames of the present weight (random,
            zero in sum) are added. A still clip has the features of its image either way.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "base",
        img_size: int | Sequence[int] = 224,
        num_frames: int = 16,
        patch_size: int = 16,
        patch_size_t: int = 2,
        rel_pos: Literal["shared", "per_block"] | None = None,
        abs_pos: bool = False,
        class_token: bool = True,
        init_values: float | None = None,
        final_norm: bool = True,
        keep_motion_filters: bool = False,
        drop_path_rate: float = 0.0,
        in_chans: int = 3,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        if min(patch_size_t, num_frames) < 1:
            raise ConfigError(
                f"backbone.patch_size_t is {patch_size_t} and num_frames is {num_frames}; expected at least 1."
            )
        if rel_pos not in (None, "shared", "per_block"):
            raise ConfigError(f"backbone.rel_pos is {rel_pos!r}; for clips expected 'shared', 'per_block' or None.")
        sizes, grid = resolve_vit_arch(arch), (-(-num_frames // patch_size_t), *cell_grid(img_size, patch_size))
        super().__init__(sizes, patch_size, grid, None, class_token, **plug)
        self.patch_size_t = patch_size_t
        self.keep_motion_filters = keep_motion_filters
        self.patch_embed = ClipPatchEmbed(in_chans, sizes.embed_dim, (patch_size_t, patch_size, patch_size))
        self.patch_embed.add_module("norm", nn.Identity())  # a ViT norms the blocks' input, not its patches
        self.build_tokens(abs_pos)
        self.build_blocks(rel_pos, init_values, drop_path_rate, final_norm)
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, 3, T, H, W) -> (B, C, ceil(T / patch_size_t), ceil(H / p), ceil(W / p)); clips are never masked."""
        if mask is not None:
            raise MaskError("mask given, but ViTVideo does not hide parts of a clip. Remove mask, or use ViT.")
        (output,) = self.block_outputs(self.patch_embed(x))
        return output.permute(0, 4, 1, 2, 3).contiguous()

    def inflate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of a :class:`ViT` with this backbone's sizes, for this backbone."""
        clip = inflate(state, self.patch_size_t, self.grid[0], self.cls_token is not None)
        if self.keep_motion_filters and PATCH in clip:
            present = self.get_parameter(PATCH).detach()
            clip[PATCH] = clip[PATCH] + (present - present.mean(2, keepdim=True)).to(clip[PATCH])
        return clip


def inflate(
    state: Mapping[str, Tensor], patch_size_t: int = 2, steps: int = 8, class_token: bool = True
) -> dict[str, Tensor]:
    """The state of a :class:`ViTVideo` that gives a still clip the features of its frame.

    The patch weight is repeated over time and divided by the number of frames; each table of relative positions is
    repeated for every offset in time, its rows of the class token once; absolute positions get a zero for each step in
    time beside them. Everything else stays.

    Args:
        state: A :class:`ViT`'s, or a part of it, with timm's names.
        patch_size_t: Frames per patch.
        steps: Steps in time that the positions are made for.
        class_token: Whether tables end in the rows of a class token.
    """
    clip = dict(state)
    for name, value in state.items():
        if name == PATCH:
            clip[name] = value[:, :, None].repeat(1, 1, patch_size_t, 1, 1) / patch_size_t
        elif name.endswith(TABLE):
            offsets = value[: len(value) - CLASS_ROWS * class_token]
            clip[name] = torch.cat([offsets.repeat(2 * steps - 1, 1), value[len(offsets) :]])
        elif name == "pos_embed" and steps > 1:
            clip["time_embed"] = value.new_zeros(1, steps, value.shape[2])
    return clip
