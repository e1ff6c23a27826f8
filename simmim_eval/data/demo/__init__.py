"""The demo data set: real garments over real photographs, in the formats of the four benchmarks.

A demonstration, not evidence: 56 to 128 pixels, and five photographs behind everything that is reported.
"""

from simmim_eval.data.demo.garments import BASE_CLASSES, CLASSES, KINDS, TRANSFER_CLASSES
from simmim_eval.data.demo.make import DEMO_VERSION, make_demo
from simmim_eval.data.demo.motion import MIDDLE_FRAME, MOTIONS, NUM_FRAMES, OPPOSITE
from simmim_eval.data.demo.photographs import PHOTOGRAPHS, Photograph
from simmim_eval.data.demo.plan import PICTURE_SIZE, SCENE_SIZE, VIDEO_SIZE
from simmim_eval.data.demo.scene import LABEL_MAP_CLASSES

__all__ = [
    "BASE_CLASSES",
    "CLASSES",
    "DEMO_VERSION",
    "KINDS",
    "LABEL_MAP_CLASSES",
    "MIDDLE_FRAME",
    "MOTIONS",
    "NUM_FRAMES",
    "OPPOSITE",
    "PHOTOGRAPHS",
    "PICTURE_SIZE",
    "SCENE_SIZE",
    "TRANSFER_CLASSES",
    "VIDEO_SIZE",
    "Photograph",
    "make_demo",
]
