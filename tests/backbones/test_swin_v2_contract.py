"""SwinV2 keeps the contract under both rules, with extra norms, and with windows of another pre-training."""

from backbone_contract import BackboneContract

NANO = {"type": "simmim_eval.SwinV2", "arch": "nano"}


class TestOpenMMLabRule(BackboneContract):
    config = NANO
    stem = "patch_embed.proj.weight"


class TestOfficialRule(BackboneContract):
    config = {**NANO, "img_size": 48, "pretrained_window_sizes": (8, 8, 4)}
    stem = "patch_embed.norm.bias"


class TestExtraNorms(BackboneContract):
    """Two stages, patches of 2 pixels, windows of 2 cells, then of 3; each second block of a stage has a third norm."""

    config = {
        "type": "simmim_eval.SwinV2",
        "arch": {
            "embed_dim": 8,
            "depths": [2, 3],
            "num_heads": [1, 4],
            "window_size": [2, 3],
            "patch_size": 2,
            "extra_norm_period": 2,
        },
    }
    stem = "patch_embed.proj.bias"
