"""Stock configs that need a stand-in, shrunk: one training step and one prediction each, and the stand-in has run.

Widths, depths, images and numbers of proposals are cut, nothing else.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

import simmim_eval.compat  # noqa: F401  before the libraries

# isort: split
from mmcv import _ext as stand_in
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SIZE = 64
DETECTORS = {
    "carafe/faster-rcnn_r50_fpn-carafe_1x_coco.py": ["carafe_forward", "carafe_backward"],
    "dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco.py": ["deform_conv_forward", "deform_conv_backward_parameters"],
    "dcn/faster-rcnn_r50_fpn_dpool_1x_coco.py": ["deform_roi_pool_forward", "deform_roi_pool_backward"],
    "dcnv2/faster-rcnn_r50-mdconv-group4-c3-c5_fpn_1x_coco.py": [
        "modulated_deform_conv_forward",
        "modulated_deform_conv_backward",
    ],
    "dcnv2/faster-rcnn_r50_fpn_mdpool_1x_coco.py": ["deform_roi_pool_forward", "deform_roi_pool_backward"],
    "guided_anchoring/ga-retinanet_r50_fpn_1x_coco.py": ["masked_im2col_forward", "deform_conv_backward_input"],
    "pisa/faster-rcnn_r50_fpn_pisa_1x_coco.py": ["nms_match"],
    "dyhead/atss_r50_fpn_dyhead_1x_coco.py": ["modulated_deform_conv_backward"],
    "deformable_detr/deformable-detr_r50_16xb2-50e_coco.py": [],  # mmcv has a path of its own on the CPU
}
SMALL = {
    "num_classes": 3,
    "fc_out_channels": 32,
    "stacked_convs": 1,
    "num_layers": 1,
    "num_queries": 20,
    "nms_pre": 50,
    "max_per_img": 40,
}
WIDTHS = ("in_channels", "out_channels", "feat_channels", "conv_out_channels", "output_channels")


def stock_model(library: str, path: str) -> ConfigDict:
    """The model of a config that the wheel ships, without weights from the network and without a process group."""
    root = Path(import_module(library).__file__).parent / ".mim" / "configs"
    model = Config.fromfile(root / path).model
    for node in nodes(model):
        if "pretrained" in str(node.get("init_cfg")).lower():
            del node["init_cfg"]
        node.pop("pretrained", None)
        if node.get("type") == "SyncBN":
            node["type"] = "BN"
    return model


def nodes(node: object) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from nodes(value)


def shrink_detector(model: ConfigDict) -> None:
    """A quarter of the width, few layers and classes, few proposals."""
    is_detr = "DETR" in model.type
    model.backbone.base_channels = 16
    pyramid = model.neck[0] if isinstance(model.neck, list) else model.neck
    pyramid.in_channels = [width // 4 for width in pyramid.in_channels]
    for node in nodes(model):
        node.update({key: value for key, value in SMALL.items() if key in node})
        if not is_detr:
            node.update({key: 64 for key in WIDTHS if node.get(key) == 256})
        if "DeformRoIPool" in str(node.get("type")):
            node["deform_fc_channels"] = 16
        if node.get("num") in (256, 512):  # of a sampler
            node["num"] = 8


def step_and_predict(model: nn.Module, training: dict, test: dict) -> None:
    model.train()
    loss, _ = model.parse_losses(model(**model.data_preprocessor(training, True), mode="loss"))
    assert loss.isfinite()
    loss.backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)
    model.eval()
    with torch.no_grad():
        assert len(model(**model.data_preprocessor(test, False), mode="predict")) == 1


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the stand-ins that were called; mmcv looks them up at each call."""
    called: list[str] = []

    def recorded(name: str, op):
        def call(*args, **kwargs):
            called.append(name)
            return op(*args, **kwargs)

        return call

    for name in stand_in.__all__:
        monkeypatch.setattr(stand_in, name, recorded(name, getattr(stand_in, name)))
    torch.manual_seed(0)
    return called


@pytest.mark.parametrize("path", DETECTORS)
def test_mmdet(path: str, calls: list[str]) -> None:
    import_module("mmdet.models")
    from mmdet.registry import MODELS
    from mmdet.testing import demo_mm_inputs

    model = stock_model("mmdet", path)
    shrink_detector(model)
    with DefaultScope.overwrite_default_scope("mmdet"):
        detector = MODELS.build(model)
        detector.init_weights()  # until then the level embeddings of DETR are uninitialised memory
        batches = [demo_mm_inputs(n, [[3, SIZE, SIZE]] * n, num_items=[2] * n, num_classes=3) for n in (2, 1)]
        step_and_predict(detector, *batches)
    assert set(DETECTORS[path]) <= set(calls)


def test_mmseg_psanet(calls: list[str]) -> None:
    import_module("mmseg.models")
    from mmengine.structures import PixelData
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample

    model = stock_model("mmseg", "psanet/psanet_r50-d8_4xb2-40k_cityscapes-512x1024.py")
    model.backbone.base_channels = 16
    model.data_preprocessor.size = (SIZE, SIZE)
    model.decode_head.update(in_channels=512, channels=32, mask_size=(5, 7))
    model.auxiliary_head.update(in_channels=256, channels=32)
    samples = []
    for _ in range(2):
        samples.append(SegDataSample(metainfo={key: (SIZE, SIZE) for key in ("ori_shape", "img_shape", "pad_shape")}))
        samples[-1].gt_sem_seg = PixelData(data=torch.randint(0, 5, (1, SIZE, SIZE)))
        samples[-1].set_metainfo({"padding_size": [0] * 4})
    images = [torch.randint(0, 255, (3, SIZE, SIZE), dtype=torch.uint8) for _ in samples]
    with DefaultScope.overwrite_default_scope("mmseg"):
        segmentor = MODELS.build(model)
        step_and_predict(
            segmentor,
            {"inputs": images, "data_samples": samples},
            {"inputs": images[:1], "data_samples": samples[:1]},
        )
    assert {"psamask_forward", "psamask_backward"} <= set(calls)


def test_mmaction_tin(calls: list[str]) -> None:
    import_module("mmaction.models")
    from mmaction.registry import MODELS
    from mmaction.structures import ActionDataSample

    model = stock_model("mmaction", "recognition/tin/tin_imagenet-pretrained-r50_8xb6-1x1x8-40e_sthv1-rgb.py")
    samples = [ActionDataSample().set_gt_label(torch.tensor([label])) for label in range(2)]
    clips = [torch.randint(0, 255, (8, 3, 32, 32), dtype=torch.uint8) for _ in samples]
    with DefaultScope.overwrite_default_scope("mmaction"):
        recognizer = MODELS.build(model)
        step_and_predict(
            recognizer, {"inputs": clips, "data_samples": samples}, {"inputs": clips[:1], "data_samples": samples[:1]}
        )
    assert {"tin_shift_forward", "tin_shift_backward"} <= set(calls)
