"""The ADE20K recipes: their values against mmseg's own files, their layers, windows and views, one step of each."""

import json

import numpy as np
import pytest
import torch
from dense_recipe_case import bound, build, meta_model, optimiser, recipe, recipes, run, shrunk
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS
from mmengine.utils import get_installed_path

from simmim_eval.weights import read_checkpoint

RECIPES = recipes("segmentation")
SINGLE = [name for name in RECIPES if not name.endswith("-ms.py")]
VIT = "segmentation/upernet_vit-base-p16_8xb2-160k_ade20k-512px.py"
STOCK = {
    "resnet50": "upernet/upernet_r50_4xb4-160k_ade20k-512x512",
    "swin-tiny-w7": "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "swin-base-w7": "swin/swin-base-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    "vit-base-p16": "beit/beit-base_upernet_8xb2-160k_ade20k-640x640",
}
STEM_SCALES = {"resnet50": 1.0, "swin-tiny": 0.95**13, "swin-base": 0.95**25, "vit-base": 0.0036972}


def named(key):
    return f"segmentation/upernet_{key}_8xb2-160k_ade20k-512px.py"


def stock(key):
    return Config.fromfile(f"{get_installed_path('mmseg')}/.mim/configs/{STOCK[key]}.py")


def plain(node):
    return json.loads(json.dumps(node))


@pytest.mark.parametrize("key", [key for key in STOCK if key != "vit-base-p16"])
def test_training_is_mmsegs(key):
    ours, theirs = recipe(named(key)), stock(key)
    assert plain(ours.optim_wrapper.optimizer) == plain(theirs.optim_wrapper.optimizer)
    assert plain(ours.param_scheduler) == plain(theirs.param_scheduler)
    assert ours.train_cfg.max_iters == theirs.train_cfg.max_iters
    assert ours.auto_scale_lr.base_batch_size == 16
    for part in ("decode_head", "auxiliary_head", "test_cfg", "data_preprocessor"):
        assert plain(ours.model[part]) == plain(theirs.model[part]), part


@pytest.mark.parametrize("key", STOCK)
def test_pictures_are_mmsegs(key):
    ours, theirs = recipe(named(key)), stock("resnet50")
    assert plain(ours.train_dataloader.dataset.pipeline[2:]) == plain(theirs.train_dataloader.dataset.pipeline[2:])
    assert ours.test_dataloader.dataset.pipeline[1] == theirs.test_dataloader.dataset.pipeline[1]


def test_vit_has_mmsegs_beit_heads_and_the_other_recipe():
    ours, theirs = recipe(VIT), stock("vit-base-p16")
    for part in ("neck", "decode_head", "auxiliary_head"):
        assert plain(ours.model[part]) == plain(theirs.model[part]), part
    assert plain(ours.param_scheduler) == plain(theirs.param_scheduler)
    # mmseg's is for weights that saw the labels of ImageNet-22K: rate 3e-5, decay 0.9, 640 pixels
    assert ours.optim_wrapper.optimizer.lr == 7e-4 and theirs.optim_wrapper.optimizer.lr == 3e-5
    assert ours.optim_wrapper.optimizer.weight_decay == theirs.optim_wrapper.optimizer.weight_decay


def test_swin_is_as_large_as_mmsegs():
    key = "swin-tiny-w7"
    counts = [sum(p.numel() for p in model.parameters()) for model in (meta_model(named(key)), build(stock(key)))]
    assert counts[0] == counts[1]


# Swin's paper, table 3.
@pytest.mark.parametrize(("key", "millions"), [("swin-tiny-w7", 60), ("swin-base-w7", 121)])
def test_published_sizes(key, millions):
    count = sum(p.numel() for p in meta_model(named(key)).parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize("name", SINGLE)
def test_optimiser_at_the_stem_and_at_the_head(name):
    config = recipe(name)
    model = meta_model(name)
    rates = {id(p): group for group in optimiser(config, model).param_groups for p in group["params"]}
    stem = next(scale for key, scale in STEM_SCALES.items() if key in name)
    base = config.optim_wrapper.optimizer.lr
    first = next(p for key, p in model.backbone.named_parameters() if "patch_embed" in key or "conv1" in key)
    assert rates[id(first)]["lr"] == pytest.approx(base * stem, rel=1e-5)
    assert rates[id(model.decode_head.conv_seg.weight)]["lr"] == base
    assert len(rates) == len(list(model.parameters()))


@pytest.mark.parametrize("name", SINGLE)
def test_multi_scale_differs_in_the_test_alone(name):
    single, many = recipe(name).to_dict(), recipe(name.replace(".py", "-ms.py")).to_dict()
    assert many["sources"].pop("test") != single["sources"].pop("test")
    assert many.pop("custom_hooks") == [dict(type="PrepareTTAHook", tta_cfg=dict(type="mmseg.SegTTAModel"))]
    many["test_dataloader"]["dataset"].pop("pipeline")
    single["test_dataloader"]["dataset"].pop("pipeline")
    assert many == single


def test_views(data_dir):
    config = bound(shrunk(VIT.replace(".py", "-ms.py")), data_dir / "mini_ade20k")
    build(config, "meta")  # the scope
    sample = DATASETS.build(config.test_dataloader.dataset)[0]
    sizes = [tuple(view.shape[1:]) for view in sample["inputs"]]
    # an eighth of 256 to 896, for an image of 48 x 64
    heights = [32, 48, 64, 80, 96, 112]
    assert sizes == [(height, round(height * 64 / 48)) for height in heights for _ in (0, 1)]
    assert [view.metainfo["flip"] for view in sample["data_samples"]] == [False, True] * 6
    for plain_view, flipped in zip(sample["inputs"][::2], sample["inputs"][1::2], strict=True):
        assert torch.equal(plain_view.flip(-1), flipped)
    labels = [view.gt_sem_seg.data for view in sample["data_samples"]]
    assert all(torch.equal(labels[0], one) and one.shape == (1, 48, 64) for one in labels)


@pytest.mark.parametrize("shape", [(20, 30), (64, 40), (40, 100)])
def test_an_image_below_the_window_is_padded_and_cut_again(shape):
    config = shrunk(VIT)
    model = build(config).eval()
    picture = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8))
    (answer,) = predict(model, picture)
    padded = torch.zeros(1, 3, max(64, shape[0]), max(64, shape[1]))
    mean, std = model.data_preprocessor.mean, model.data_preprocessor.std
    padded[..., : shape[0], : shape[1]] = (picture.flip(0).float() - mean) / std
    with torch.no_grad():
        logits = model.inference(padded, [dict(ori_shape=shape, img_shape=padded.shape[2:])])
    torch.testing.assert_close(answer.seg_logits.data, logits[0, :, : shape[0], : shape[1]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("shape", [(9, 30), (33, 31)])
def test_any_size_can_be_tested(name, shape):
    model = build(shrunk(name)).eval()
    (answer,) = predict(model, torch.zeros(3, *shape, dtype=torch.uint8))
    assert answer.pred_sem_seg.data.shape == (1, *shape)


def predict(model, picture):
    from mmseg.structures import SegDataSample

    sample = SegDataSample(metainfo=dict(ori_shape=tuple(picture.shape[1:]), img_shape=tuple(picture.shape[1:])))
    with torch.no_grad():
        return model.test_step(dict(inputs=[picture], data_samples=[sample]))


@pytest.mark.parametrize("name", SINGLE)
def test_label_maps_without_a_class(name, data_dir):
    """All pixels ignored: no loss, no gradient, nothing that is not a number."""
    config = bound(shrunk(name), data_dir / "mini_ade20k")
    model = build(config).train()
    dataset = DATASETS.build(config.train_dataloader.dataset)
    data = pseudo_collate([dataset[0], dataset[1]])
    for sample in data["data_samples"]:
        sample.gt_sem_seg.data.fill_(255)
    prepared = model.data_preprocessor(data, True)
    losses = model.loss(prepared["inputs"], prepared["data_samples"])
    total = sum(value for key, value in losses.items() if "loss" in key)
    total.backward()
    assert total.item() == 0
    # each has a gradient, or distributed training would wait for it
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if "tiny" not in name])
def test_one_step_and_one_evaluation(name, data_dir, tmp_path, monkeypatch):
    from mmseg.models import EncoderDecoder

    tested = []
    predict_one = EncoderDecoder.test_step
    monkeypatch.setattr(EncoderDecoder, "test_step", lambda self, data: tested.append(1) or predict_one(self, data))
    record = run(shrunk(name), data_dir / "mini_ade20k", tmp_path)
    assert len(tested) == (12 if name.endswith("-ms.py") else 1)
    assert record.protocol.num_samples == 1 and record.budget.images_seen == 2
    assert all(0 <= metric.value <= 100 for metric in record.metrics)
    state = read_checkpoint(tmp_path / "run" / "last.pth").state
    assert all(tensor.isfinite().all() for tensor in state.values())
