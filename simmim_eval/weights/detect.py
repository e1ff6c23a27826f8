"""Which format a checkpoint has, told by the names and shapes of its tensors."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from simmim_eval.errors import CheckpointError
from simmim_eval.weights.dino_vit import DINOViT
from simmim_eval.weights.format import Format
from simmim_eval.weights.mae_vit import MAEViT
from simmim_eval.weights.mmaction_resnet import MMActionResNet
from simmim_eval.weights.mmaction_swin import MMActionSwin
from simmim_eval.weights.moco_v3 import MoCoResNet, MoCoViT
from simmim_eval.weights.openmmlab_resnet import OpenMMLabDeepResNet, OpenMMLabResNet
from simmim_eval.weights.openmmlab_swin import OpenMMLabSwin
from simmim_eval.weights.openmmlab_vit import OpenMMLabBEiT, OpenMMLabViT
from simmim_eval.weights.own import OwnSwin, OwnSwinV2, OwnViT
from simmim_eval.weights.resnet import BareResNet
from simmim_eval.weights.simmim_swin import SimMIMSwin
from simmim_eval.weights.simmim_swin_v2 import SimMIMSwinV2
from simmim_eval.weights.simmim_vit import SimMIMViT
from simmim_eval.weights.spark_resnet import SparKResNet
from simmim_eval.weights.timm_beit import TimmBeit
from simmim_eval.weights.timm_swin import TimmSwin
from simmim_eval.weights.timm_swin_v2 import TimmSwinV2
from simmim_eval.weights.timm_vit import TimmViT

__all__ = ["FORMATS", "detect_format", "guess_family"]

SWINS: tuple[Format, ...] = (OwnSwin(), TimmSwin(), SimMIMSwin(), OpenMMLabSwin(), MMActionSwin())
SWINS_V2: tuple[Format, ...] = (OwnSwinV2(), TimmSwinV2(), SimMIMSwinV2())
VITS: tuple[Format, ...] = (
    OwnViT(),
    TimmBeit(),
    SimMIMViT(),
    TimmViT(),
    MAEViT(),
    DINOViT(),
    MoCoViT(),
    OpenMMLabBEiT(),
    OpenMMLabViT(),
)
RESNETS: tuple[Format, ...] = (
    BareResNet(),
    OpenMMLabResNet(),
    OpenMMLabDeepResNet(),
    MoCoResNet(),
    SparKResNet(),
    MMActionResNet(),
)
FORMATS = SWINS + SWINS_V2 + VITS + RESNETS

# What betrays a family; the first that fits wins.
FAMILY_MARKS = (
    ("SwinV2", ("attn.logit_scale", "attn.w_msa.logit_scale")),
    ("Swin", ("layers.0.blocks.0.attn.qkv.weight", "stages.0.blocks.0.attn.w_msa.qkv.weight")),
    ("ViT", ("blocks.0.attn.qkv.weight", "layers.0.attn.qkv.weight")),
    ("ResNet", ("layer1.0.conv1.weight", "layer1.0.conv1.conv.weight")),
)


def detect_format(state: Mapping[str, Tensor]) -> Format:
    """The one format that claims these tensors.

    Raises:
        CheckpointError: no format claims them, or more than one does.
    """
    shapes = {name: tensor.shape for name, tensor in state.items()}
    claimed = [known for known in FORMATS if known.detect(shapes)]
    if len(claimed) == 1:
        return claimed[0]
    first = ", ".join(sorted(state)[:5])
    if claimed:
        raise CheckpointError(
            f"fits more than one format ({', '.join(known.name for known in claimed)}); its first tensors: {first}. "
            "Save the backbone's state_dict() alone."
        )
    family = guess_family(state)
    looks = f"looks like a {family}, but it has" if family else "has"
    names = ", ".join(known.name for known in FORMATS if family in (None, known.family))
    raise CheckpointError(
        f"{looks} none of the known formats ({names}); its first tensors: {first}. "
        "Give a file with one backbone in one of these formats."
    )


def guess_family(names: Iterable[str]) -> str | None:
    """The family that the names of tensors look like, None if none that we know of."""
    listed = list(names)
    for family, marks in FAMILY_MARKS:
        if any(name.endswith(marks) for name in listed):
            return family
    return None
