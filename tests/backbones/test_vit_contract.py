"""ViT keeps the contract with every kind of positions, with windows and without a class token."""

from typing import Any

from backbone_contract import BackboneContract

SMALL: dict[str, Any] = {
    "type": "simmim_eval.ViT",
    "arch": {"embed_dim": 16, "depth": 3, "num_heads": 2},
    "img_size": 48,
    "patch_size": 8,
    "out_indices": (0, 1, 2),
}


class ViTContract(BackboneContract):
    stem = "patch_embed.proj.weight"

    def test_the_mask_token_belongs_to_the_stem(self) -> None:
        """SimMIM's optimiser decays a ViT's mask token, though not a Swin's."""
        backbone = self.masked()
        assert backbone.layer_id("mask_token") == 0
        assert "mask_token" not in backbone.no_weight_decay()
        assert not self.build(use_mask_token=True, frozen_stages=0).mask_token.requires_grad


class TestPreTraining(ViTContract):
    """One table for all blocks, layer scale."""

    config = {**SMALL, "rel_pos": "shared", "init_values": 0.1}
    stem = "cls_token"


class TestTablesAndAbsolutePositions(ViTContract):
    """As mmseg's MAE has them; tables of a grid that is not square."""

    config = {**SMALL, "rel_pos": "per_block", "abs_pos": True, "img_size": (56, 40)}
    stem = "pos_embed"


class TestDetection(ViTContract):
    """ViTDet's windows, which divide no map here."""

    config = {
        **SMALL,
        "rel_pos": "decomposed",
        "abs_pos": True,
        "class_token": False,
        "window_size": 4,
        "global_blocks": (1,),
    }


class TestWindowsWithTables(ViTContract):
    config = {
        **SMALL,
        "rel_pos": "per_block",
        "class_token": False,
        "init_values": 1.0,
        "window_size": 3,
        "global_blocks": [2],
    }
