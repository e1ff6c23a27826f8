"""Swin keeps the contract under both of its rules."""

from backbone_contract import BackboneContract

NANO = {"type": "simmim_eval.Swin", "arch": "nano"}


class TestOpenMMLabRule(BackboneContract):
    config = NANO
    stem = "patch_embed.proj.weight"


class TestOfficialRule(BackboneContract):
    config = {**NANO, "img_size": 48}
    stem = "patch_embed.norm.bias"


class TestOtherSizes(BackboneContract):
    """Two stages, patches of 2 pixels, windows of 2 cells, then of 3."""

    config = {
        "type": "simmim_eval.Swin",
        "arch": {"embed_dim": 8, "depths": [2, 3], "num_heads": [1, 4], "window_size": [2, 3], "patch_size": 2},
    }
    stem = "patch_embed.proj.bias"
