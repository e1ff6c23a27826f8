"""Vision Transformer (https://arxiv.org/abs/2010.11929) as SimMIM pre-trains it (https://arxiv.org/abs/2111.09886).

It is of BEiT's line (https://arxiv.org/abs/2106.08254) and has timm's names for it. With absolute positions it is
MAE's and the supervised ViT; with windows and decomposed relative positions, ViTDet's
(https://arxiv.org/abs/2203.16527).
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import torch
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor

from ..errors import ConfigError, MaskError, nearest
from ..registry import MODELS
from .vit_arch import cell_grid, resolve_vit_arch
from .vit_attention import RelPos
from .vit_trunk import ViTTrunk

__all__ = ["ViT"]


@MODELS.register_module()
class ViT(ViTTrunk):
    """ViT for images of any size; an edge is padded with zeros to whole patches.

    .. code-block:: python

        # SimMIM's pre-training, its fine-tuning, four maps for a pyramid, and ViTDet
        dict(type="simmim_eval.ViT", arch="base", rel_pos="shared", init_values=0.1)
        dict(type="simmim_eval.ViT", arch="base", rel_pos="per_block", init_values=0.1, final_norm=False)
        dict(type="simmim_eval.ViT", arch="base", rel_pos="per_block", init_values=0.1, final_norm=False, img_size=512,
             out_indices=(3, 5, 7, 11))
        dict(type="simmim_eval.ViT", arch="base", rel_pos="decomposed", abs_pos=True, class_token=False,
             final_norm=False, img_size=1024, window_size=14, global_blocks=(2, 5, 8, 11))

    Args:
        arch: "nano", "tiny", "small", "base", "large", "huge", or a dict in timm's words (see :class:`ViTArch`).
        img_size: Side, or (height, width), in pixels, that position tables are made for. At other sizes they are
            resampled: absolute ones bicubically, relative tables as SimMIM does, decomposed ones linearly.
        patch_size: Side of a patch, in pixels.
        rel_pos: Relative positions: "shared", one table for all blocks (SimMIM's pre-training); "per_block", a table
            in every block (its fine-tuning); "decomposed" (ViTDet); None.
        abs_pos: Learned absolute positions (MAE, supervised ViTs).
        class_token: A class token takes part in the attention; it is in no map.
        init_values: First value of the layer scale (SimMIM: 0.1); None: no layer scale.
        final_norm: Norm of the last block's map. SimMIM has it in pre-training; in fine-tuning a norm follows the
            pooling instead (``fc_norm`` of the classifier), in dense tasks there is none.
        window_size: Side in cells of the windows of all blocks but ``global_blocks``. Their tables are as large.
        global_blocks: Blocks with global attention among windowed ones.
        out_indices: Blocks that give a map; default: the last.
        use_mask_token: Make the mask token (pre-training only: an unused parameter stops distributed training).
        drop_path_rate: Of the last block; rises linearly from 0 at the first.
        in_chans: Input channels.
        frozen_stages: See :class:`Backbone`, as for the next three; a stage is a block.
        norm_eval: No effect here: ViT has no batch norm.
        with_cp: Recompute blocks in the backward pass.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "base",
        img_size: int | Sequence[int] = 224,
        patch_size: int = 16,
        rel_pos: RelPos | None = None,
        abs_pos: bool = False,
        class_token: bool = True,
        init_values: float | None = None,
        final_norm: bool = True,
        window_size: int | None = None,
        global_blocks: Sequence[int] = (),
        out_indices: Sequence[int] | None = None,
        use_mask_token: bool = False,
        drop_path_rate: float = 0.0,
        in_chans: int = 3,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> None:
        plug = {"frozen_stages": frozen_stages, "norm_eval": norm_eval, "with_cp": with_cp, "init_cfg": init_cfg}
        sizes, grid = resolve_vit_arch(arch), (1, *cell_grid(img_size, patch_size))
        super().__init__(sizes, patch_size, grid, out_indices, class_token, **plug)
        _check_positions(rel_pos, class_token, window_size, global_blocks, sizes.depth)
        self.patch_embed = PatchEmbed(
            None, patch_size, in_chans, sizes.embed_dim, output_fmt="NHWC", dynamic_img_pad=True
        )
        self.build_tokens(abs_pos, use_mask_token)
        self.build_blocks(rel_pos, init_values, drop_path_rate, final_norm, window_size, global_blocks)
        self.complete()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B, 3, H, W), mask (B, ceil(H / p), ceil(W / p)) bool -> maps (B, C, ceil(H / p), ceil(W / p))."""
        cells = self.patch_embed(x)
        if mask is not None:
            self.check_mask(mask, x)
            if self.mask_token is None:
                raise MaskError("mask given, but this backbone has no mask token. Build it with use_mask_token=True.")
            cells = torch.where(mask[..., None], self.mask_token[None].to(cells.dtype), cells)
        maps = self.block_outputs(cells[:, None])
        return tuple(each.squeeze(1).permute(0, 3, 1, 2).contiguous() for each in maps)


def _check_positions(
    rel_pos: RelPos | None, class_token: bool, window_size: int | None, global_blocks: Sequence[int], depth: int
) -> None:
    if rel_pos not in (None, *get_args(RelPos)):
        raise ConfigError(f"backbone.rel_pos is {rel_pos!r}; {nearest(str(rel_pos), get_args(RelPos))}, or None.")
    if class_token and rel_pos == "decomposed":
        raise ConfigError(
            "backbone.rel_pos is 'decomposed', which gives a class token no position. Set class_token=False."
        )
    if window_size is None:
        if global_blocks:
            raise ConfigError(
                f"backbone.global_blocks is {tuple(global_blocks)}, but without window_size all blocks are global. "
                "Set window_size, or remove global_blocks."
            )
        return
    if window_size < 1:
        raise ConfigError(f"backbone.window_size is {window_size}; expected at least 1 cell, or None.")
    if class_token:
        raise ConfigError(
            f"backbone.window_size is {window_size}, and a class token lies in no window. Set class_token=False."
        )
    if rel_pos == "shared":
        raise ConfigError(
            "backbone.rel_pos is 'shared', but windowed and global blocks need tables of two sizes. "
            "Set rel_pos='per_block', or remove window_size."
        )
    if any(not 0 <= block < depth for block in global_blocks):
        raise ConfigError(
            f"backbone.global_blocks is {tuple(global_blocks)}; expected numbers of blocks, 0 to {depth - 1}."
        )
