"""The plug: backbones of every family behind one contract (:class:`Backbone`)."""

from .base import Backbone
from .swin import Swin
from .swin_video import SwinVideo

__all__ = ["Backbone", "Swin", "SwinVideo"]
