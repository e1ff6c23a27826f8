"""The plug: backbones of every family behind one contract (:class:`Backbone`).

Imports inside are relative, so that ``import backbones`` from the checkout fails instead of registering all twice.
"""

from .base import Backbone
from .frames import Frames
from .resnet import ResNet
from .resnet_slow_only import ResNetSlowOnly
from .swin import Swin
from .swin_v2 import SwinV2
from .swin_video import SwinVideo
from .timm_backbone import TimmBackbone
from .vit import ViT
from .vit_video import ViTVideo

__all__ = [
    "Backbone",
    "Frames",
    "ResNet",
    "ResNetSlowOnly",
    "Swin",
    "SwinV2",
    "SwinVideo",
    "TimmBackbone",
    "ViT",
    "ViTVideo",
]
