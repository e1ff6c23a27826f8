"""The files in tests/data/checkpoints, written by the projects themselves, and the backbones that they fit."""

import json
from pathlib import Path
from typing import Any

from simmim_eval.backbones import Backbone, ResNet, ResNetSlowOnly, Swin, SwinV2, SwinVideo, ViT

CHECKPOINTS = Path(__file__).parents[1] / "data" / "checkpoints"
FILES: dict[str, dict[str, Any]] = {
    entry["file"]: entry for entry in json.loads((CHECKPOINTS / "index.json").read_text())["files"]
}
KEYS: dict[str, list[str]] = json.loads((CHECKPOINTS / "keys.json").read_text())
IMAGE_FILES = sorted(name for name, entry in FILES.items() if entry["family"] == "swin")
OTHER_FILES = sorted(name for name, entry in FILES.items() if entry["family"] in ("vit", "swinv2", "resnet"))
FORMAT_OF_PROJECT = {
    "microsoft/SimMIM": "official Swin",
    "microsoft/Swin-Transformer": "official Swin",
    "timm": "timm Swin",
    "open-mmlab/mmpretrain": "OpenMMLab Swin",
    "mmdet": "OpenMMLab Swin",
    "mmsegmentation": "OpenMMLab Swin",
    "mmaction2": "mmaction2 Video Swin",
}
FORMAT_OF_FILE = {
    "beit_vit_finetune.pth": "official SimMIM or BEiT ViT",
    "beit_vit_pretrain.pth": "official SimMIM or BEiT ViT",
    "ddp_resnet18.pth.tar": "torchvision or timm ResNet",
    "dino_vit_backbone.pth": "timm ViT",
    "dino_vit_training.pth": "DINO ViT",
    "mae_vit_finetune.pth": "timm ViT",
    "mae_vit_pretrain.pth": "MAE ViT",
    "mmaction_slowonly.pth": "mmaction2 ResNet",
    "mmdet_resnet_mask_rcnn.pth": "OpenMMLab ResNet",
    "mmpretrain_beit.pth": "OpenMMLab BEiT",
    "mmpretrain_mae_vit.pth": "OpenMMLab ViT",
    "mmpretrain_mocov3_vit.pth": "OpenMMLab ViT",
    "mmpretrain_resnet.pth": "OpenMMLab ResNet",
    "mmpretrain_vit_ema.pth": "OpenMMLab ViT",
    "mmseg_beit_upernet.pth": "OpenMMLab BEiT",
    "mmseg_mae_upernet.pth": "OpenMMLab ViT",
    "mocov3_resnet50_training.pth.tar": "MoCo v3 ResNet",
    "mocov3_vit_training.pth.tar": "MoCo v3 ViT",
    "simmim_swinv2_finetune.pth": "official SwinV2",
    "simmim_swinv2_pretrain.pth": "official SwinV2",
    "simmim_vit_finetune.pth": "official SimMIM or BEiT ViT",
    "simmim_vit_pretrain.pth": "official SimMIM or BEiT ViT",
    "spark_resnet50_spark_style.pth": "SparK ResNet",
    "spark_resnet50_timm_style.pth": "torchvision or timm ResNet",
    "swinv2_rpe_mlp_released.pth": "official SwinV2",
    "swinv2_supervised_training.pth": "official SwinV2",
    "timm_beit.pth": "timm Beit",
    "timm_resnet.safetensors": "torchvision or timm ResNet",
    "timm_swinv2.pth": "timm SwinV2",
    "timm_vit.safetensors": "timm ViT",
    "timm_vit_training.pth.tar": "timm ViT",
    "torchvision_resnet50.pth": "torchvision or timm ResNet",
}


def is_openmmlab(name: str) -> bool:
    return FORMAT_OF_PROJECT[FILES[name]["project"]] == "OpenMMLab Swin"


def arch_of(name: str) -> dict[str, Any]:
    return {word: FILES[name]["arguments"][word] for word in ("embed_dim", "depths", "num_heads")}


def swin_for(name: str, **changes: Any) -> Swin:
    """The backbone whose features the file's project computes, in eval mode."""
    arguments = FILES[name]["arguments"]
    words: dict[str, Any] = {
        "arch": arch_of(name),
        "window_size": arguments["window_size"],
        "img_size": None if is_openmmlab(name) else arguments["img_size"],
        "out_indices": None if is_openmmlab(name) else (3,),
    }
    return Swin(**{**words, **changes}).eval()


def video_for(name: str, **changes: Any) -> SwinVideo:
    arguments = FILES[name]["arguments"]
    return SwinVideo(**{"arch": arch_of(name), "window_size": arguments["window_size"], **changes}).eval()


def swin_v2_for(name: str, **changes: Any) -> SwinV2:
    arguments = FILES[name]["arguments"]
    words: dict[str, Any] = {
        "arch": arch_of(name),
        "window_size": arguments["window_size"],
        "img_size": arguments["img_size"],
        "pretrained_window_sizes": arguments.get("pretrained_window_sizes"),
        "out_indices": (3,),
    }
    return SwinV2(**{**words, **changes}).eval()


def vit_for(name: str, **changes: Any) -> ViT:
    """A ViT with all blocks' maps, and the final norm that the file has or has not."""
    arguments = FILES[name]["arguments"]
    relative = arguments.get("relative_positions") or ""
    names = {key.removeprefix(FILES[name]["prefix"]) for key in KEYS[name]}
    words: dict[str, Any] = {
        "arch": {word: arguments[word] for word in ("embed_dim", "depth", "num_heads")},
        "img_size": arguments["img_size"],
        "rel_pos": "shared" if "shared" in relative else "per_block" if relative else None,
        "abs_pos": arguments["absolute_positions"],
        "init_values": 0.1 if arguments["layer_scale"] else None,
        "final_norm": bool(names & {"norm.weight", "ln1.weight"}),
        "out_indices": range(arguments["depth"]),
    }
    return ViT(**{**words, **changes}).eval()


def resnet_words(name: str) -> dict[str, Any]:
    arguments = FILES[name]["arguments"]
    base = arguments.get("base_channels") or arguments["channels"][0]
    return {"depth": arguments["depth"], "stem_channels": arguments["stem_channels"], "base_channels": base}


def backbone_for(name: str, **changes: Any) -> Backbone:
    """The backbone of any family whose features the file's project computes, in eval mode."""
    family = FILES[name]["family"]
    if family == "resnet":
        return ResNet(**{**resnet_words(name), **changes}).eval()
    if family == "resnet3d":
        return ResNetSlowOnly(**{**resnet_words(name), **changes}).eval()
    build = {"swin": swin_for, "swinv2": swin_v2_for, "vit": vit_for}[family]
    return build(name, **changes)
