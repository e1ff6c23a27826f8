"""The plug: backbones of every family behind one contract (:class:`Backbone`).

Imports inside are relative, so that ``import backbones`` from the checkout fails instead of registering all twice.
"""

from .base import Backbone
from .swin import Swin
from .swin_video import SwinVideo

__all__ = ["Backbone", "Swin", "SwinVideo"]
