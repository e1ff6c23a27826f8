"""``verify``: checkpoints made here, their numbers computed by other means first."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer

from simmim_eval.engine.initialisation import InitSource  # noqa: F401  (engine before the libraries below)

CLASSIFICATION = "classification/cls_swin-nano_1xb32-250i_demo.py"
MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def timm_nano(num_classes=5):
    """timm's Swin in the sizes of the demo's, its head drawn wide, so that its answers differ."""
    torch.manual_seed(0)
    model = SwinTransformer(
        48, 4, embed_dim=32, depths=(1, 1, 2), num_heads=(1, 2, 4), window_size=6, num_classes=num_classes
    )
    torch.nn.init.normal_(model.head.fc.weight, std=0.5)
    return model.eval()


def top1_by_hand(model, folder, size, resized):
    """Top-1 (%) of a model over class folders, by Pillow and torch alone; bilinear, centre crop."""
    hits = []
    for label, place in enumerate(sorted(path for path in folder.iterdir() if path.is_dir())):
        for path in sorted(place.iterdir()):
            image = Image.open(path).convert("RGB")
            scale = resized / min(image.size)
            image = image.resize([round(scale * side) for side in image.size], Image.Resampling.BILINEAR)
            left, top = ((side - size) // 2 for side in image.size)
            pixels = torch.tensor(np.asarray(image.crop((left, top, left + size, top + size))).copy()).float()
            with torch.no_grad():
                hits.append(int(model(((pixels - MEAN) / STD).permute(2, 0, 1)[None]).argmax()) == label)
    return 100 * float(np.mean(hits))


@pytest.fixture
def nano(tmp_path):
    model = timm_nano()
    save_file(model.state_dict(), tmp_path / "nano.safetensors")
    return model, tmp_path / "nano.safetensors"


def test_a_timm_file_through_our_model(nano, cli, demo_root):
    model, path = nano
    expected = top1_by_hand(model, demo_root / "imagenet" / "val", 48, 56)
    outcome = cli("verify", "classification", path, demo_root, "--config", CLASSIFICATION, "--expect", expected)
    assert outcome.code == 0, outcome
    assert f"measured {expected:.2f} (95 %:" in outcome.out and "difference +0.00" in outcome.out
    assert "timm Swin" in outcome.out and outcome.out.rstrip().endswith("agrees")
    assert "measured over 15 samples, published over 50,000" in outcome.out


def test_another_number_differs(nano, cli, demo_root):
    model, path = nano
    expected = top1_by_hand(model, demo_root / "imagenet" / "val", 48, 56) + 1
    outcome = cli("verify", "classification", path, demo_root, "--config", CLASSIFICATION, "--expect", expected)
    assert outcome.code == 1 and "difference -1.00, allowed 0.30" in outcome.out


@pytest.mark.parametrize(
    "task",
    [
        "classification",
        "segmentation",
        pytest.param("detection", marks=pytest.mark.slow),
        pytest.param("recognition", marks=pytest.mark.slow),
    ],
)
def test_our_own_file_gives_its_record(task, cli, transfer, demo_root, tmp_path):
    assert transfer(task).code == 0
    (record,) = (tmp_path / "work" / "records").glob("*.json")
    content = json.loads(record.read_text())
    value = next(metric["value"] for metric in content["metrics"] if metric["primary"])
    checkpoint = tmp_path / "work" / content["artifacts"]["checkpoint"]
    outcome = cli("verify", task, checkpoint, demo_root, "--expect", value)
    assert outcome.code == 0 and "difference +0.00" in outcome.out, outcome
    wrong = "detection" if task != "detection" else "segmentation"
    cli("verify", wrong, checkpoint, demo_root, "--expect", 1).refuses("is a recipe of", task)


SEGMENTOR = """
default_scope = "mmseg"
data_root = "data/ade/"
custom_imports = dict(imports=["simmim_eval.compat"])
norm_cfg = dict(type="BN")
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="SegDataPreProcessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True, pad_val=0, seg_pad_val=255, size_divisor=32),
    pretrained="open-mmlab://resnet18_v1c",
    backbone=dict(type="ResNetV1c", depth=18, norm_cfg=norm_cfg),
    decode_head=dict(type="FCNHead", in_channels=512, channels=8, num_convs=1, num_classes=150, norm_cfg=norm_cfg,
        loss_decode=dict(type="CrossEntropyLoss")),
    test_cfg=dict(mode="whole"),
)
test_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ADE20KDataset", data_root=data_root,
        data_prefix=dict(img_path="images/training", seg_map_path="annotations/training"),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(64, 48), keep_ratio=True),
            dict(type="LoadAnnotations", reduce_zero_label=True),
            dict(type="PackSegInputs"),
        ]),
)
test_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_cfg = dict(type="TestLoop")
"""


@pytest.fixture
def segmentor(tmp_path, data_dir):
    """A stock config of mmseg, a checkpoint of its model, and mmseg's own mIoU on the miniature."""
    from mmengine.config import Config
    from mmengine.runner import Runner

    import simmim_eval.compat  # noqa: F401

    (tmp_path / "stock.py").write_text(SEGMENTOR)
    config = Config.fromfile(tmp_path / "stock.py")
    config.model.pretrained = None
    config.test_dataloader.dataset.data_root = str(data_dir / "mini_ade20k")
    config.work_dir, config.experiment_name = str(tmp_path / "stock"), "stock-segmentor"
    runner = Runner.from_cfg(config)
    torch.manual_seed(0)
    runner.model.init_weights()
    for module in runner.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    torch.nn.init.normal_(runner.model.decode_head.conv_seg.weight, std=1.0)
    state = {name: value.clone() for name, value in runner.model.state_dict().items()}
    torch.save({"state_dict": state, "meta": {}}, tmp_path / "stock.pth")
    return tmp_path / "stock.py", tmp_path / "stock.pth", runner.test()["mIoU"]


def test_a_stock_config_gives_what_its_library_gives(segmentor, cli, data_dir):
    config, checkpoint, expected = segmentor
    root = data_dir / "mini_ade20k"
    outcome = cli("verify", "segmentation", checkpoint, root, "--config", config, "--expect", expected)
    assert outcome.code == 0 and f"measured {expected:.2f}" in outcome.out, (outcome, expected)
    assert outcome.out.startswith("loaded     all ")


def test_a_stock_model_may_lack_no_tensor(segmentor, cli, data_dir, tmp_path):
    config, checkpoint, _ = segmentor
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    del state["decode_head.conv_seg.bias"]
    torch.save(state, tmp_path / "part.pth")
    arguments = ("verify", "segmentation", tmp_path / "part.pth", data_dir / "mini_ade20k", "--expect", 1)
    cli(*arguments, "--config", config).refuses("1 tensors differ", "decode_head.conv_seg.bias is missing", "--config")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """``hub("test_resnet.r160_in1k")`` lays random weights of timm's tiny model into a hub cache."""
    import timm

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def put(name):
        torch.manual_seed(0)
        model = timm.create_model(name, pretrained=False).eval()
        folder = tmp_path / "hub" / f"models--timm--{name}"
        (folder / "snapshots" / COMMIT).mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(COMMIT)
        save_file(model.state_dict(), folder / "snapshots" / COMMIT / "model.safetensors")
        return model

    return put


def test_classes_of_the_data_are_not_the_models(hub, cli, data_dir):
    hub("test_vit.r160_in1k")
    root = data_dir / "mini_imagenet"
    outcome = cli("verify", "classification", "timm:test_vit.r160_in1k", root, "--expect", 1)
    outcome.refuses("the model has 1000 classes, the data 2")


@pytest.mark.slow
def test_timms_own_model_as_timm_evaluates_it(hub, cli, tmp_path):
    """A thousand classes of one image each; timm's own data set, transform and loop give the number."""
    import timm

    name = "test_vit.r160_in1k"  # its head reads the class token, which our own classifier does not
    model = hub(name)
    rng = np.random.default_rng(0)
    for label in range(1000):
        folder = tmp_path / "data" / "val" / f"n{label:08d}"
        folder.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / "a.png")
    how = timm.data.resolve_data_config({}, model=model, use_test_size=True)
    dataset = timm.data.create_dataset("", tmp_path / "data" / "val", transform=timm.data.create_transform(**how))
    with torch.no_grad():
        hits = sum(
            (model(images).argmax(1) == labels).sum().item()
            for images, labels in torch.utils.data.DataLoader(dataset, 100)
        )
    outcome = cli("verify", "classification", f"timm:{name}", tmp_path / "data", "--expect", hits / 10)
    assert outcome.code == 0 and f"measured {hits / 10:.2f}" in outcome.out, (outcome, hits)


def test_faults(nano, cli, demo_root, data_dir, tmp_path):
    _, path = nano
    start = ("verify", "classification", path, demo_root)
    cli(*start, "--config", CLASSIFICATION).refuses("no cited number is known for it. Give --expect", "timm:resnet50")
    cli(*start, "--expect", 1).refuses("which model is it? Give --config")
    cli(*start, "--expect", 1, "--config", "nothing.py").refuses("nothing.py: no such config")
    cli(*start, "--expect", 1, "--config", "mmdet::swin/nothing.py").refuses("no such config is shipped")
    cli("verify", "classify", path, demo_root).refuses("no transfer task", "classification")
    cli("verify", "classification", tmp_path / "no.pth", demo_root, "--expect", 1).refuses("no such checkpoint file")
    pretrained = data_dir / "checkpoints" / "simmim_swin_pretrain.pth"
    cli("verify", "classification", pretrained, demo_root, "--expect", 1, "--config", CLASSIFICATION).refuses(
        "does not fit the backbone"
    )
    cli(*start[:3], tmp_path / "nowhere", "--expect", 1, "--config", CLASSIFICATION).refuses(
        "nowhere", "no such folder"
    )


def test_another_number_of_classes(cli, demo_root, tmp_path):
    save_file(timm_nano(7).state_dict(), tmp_path / "seven.safetensors")
    arguments = ("verify", "classification", tmp_path / "seven.safetensors", demo_root, "--expect", 1)
    cli(*arguments, "--config", CLASSIFICATION).refuses("its head has 7 classes, the recipe's 5")


@pytest.mark.slow
def test_a_stock_detector_on_the_miniature(cli, data_dir, tmp_path):
    """mmdet's Mask R-CNN by its shipped config, its weights random: nothing is found, and both APs are 0."""
    from mmengine.hub import get_config
    from mmengine.registry import MODELS, DefaultScope

    import simmim_eval.compat  # noqa: F401

    config = get_config("mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py")
    config.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope("mmdet"):
        state = MODELS.build(config.model).state_dict()
    name = "mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth"
    torch.save({"state_dict": state, "meta": {}}, tmp_path / name)
    outcome = cli("verify", "detection", tmp_path / name, data_dir / "mini_coco")
    assert outcome.code == 1 and "cited 38.20" in outcome.out and "cited 34.70" in outcome.out, outcome
    assert "mmdet 3.3.0, configs/mask_rcnn/metafile.yml" in outcome.out and "measured over 2 samples" in outcome.out
