"""Recipes of classification, pre-training and recognition made small: data steps, a training step, a prediction."""

import copy

import av
import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.registry import FUNCTIONS, MODELS, TRANSFORMS, init_default_scope
from recipe_files import of, recipe

from simmim_eval.transfer.accuracy import judge

SMALL = {
    "Swin": dict(arch=dict(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2))),
    "SwinV2": dict(arch=dict(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2))),
    "SwinVideo": dict(arch=dict(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2))),
    "ViT": dict(arch=dict(embed_dim=16, depth=2, num_heads=2)),
    "ViTVideo": dict(arch=dict(embed_dim=16, depth=2, num_heads=2)),
    "ResNet": dict(depth=None, arch=dict(layers=(1, 1, 1, 1), base_channels=4)),
    "ResNetSlowOnly": dict(depth=None, arch=dict(layers=(1, 1, 1, 1), base_channels=4)),
}
PIXELS = ("scale", "crop_size", "input_size", "img_size")
QUARTER = 4


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """90 frames of 96 x 80 pixels, brighter from one to the next."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        noise = np.random.default_rng(0).integers(0, 60, (80, 96, 3))
        for number in range(90):
            frame = av.VideoFrame.from_ndarray((noise + 2 * number).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def _steps(dataset):
    """The steps after the loading of an image."""
    return [TRANSFORMS.build(step) for step in dataset.pipeline if step.type != "simmim_eval.LoadImage"]


def _run(steps, sample):
    for step in steps:
        sample = step(sample)
    return sample


def _small(config):
    model = copy.deepcopy(config.model.to_dict())
    node = model["backbone"]
    while "backbone" in node:
        node = node["backbone"]
    node.update(SMALL[node["type"].removeprefix("simmim_eval.")])
    return model


def _learns(model, data):
    """One step with gradients for every parameter."""
    model.init_weights()
    model.train()
    losses = model(**model.data_preprocessor(data, training=True), mode="loss")
    loss = sum(value for name, value in losses.items() if "loss" in name)
    assert torch.isfinite(loss)
    loss.backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


@pytest.mark.parametrize("path", of("classification"), ids=lambda path: path.stem)
def test_images_are_prepared_learnt_and_named(path):
    config = recipe(path)
    init_default_scope(config.default_scope)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (300, 260, 3), dtype=np.uint8) for _ in range(2)]
    train, test = _steps(config.train_dataloader.dataset), _steps(config.test_dataloader.dataset)
    torch.manual_seed(0)
    batch = default_collate([_run(train, {"img": image, "gt_label": place}) for place, image in enumerate(images)])
    assert batch["inputs"].shape == (2, 3, config.resolution, config.resolution)
    model = MODELS.build(_small(config))
    targets = model.data_preprocessor(batch, training=True)["labels"]
    assert targets.shape == (2, 1000)
    torch.testing.assert_close(targets.sum(1), torch.ones(2))
    _learns(model, batch)
    shown = default_collate([_run(test, {"img": image, "gt_label": 3}) for image in images])
    size = 224 if "rsb-a3" in path.stem else config.resolution
    assert shown["inputs"].shape == (2, 3, size, size)
    with torch.no_grad():
        predictions = model.eval()(**model.data_preprocessor(shown), mode="predict")
    assert [judge(one)[0] for one in predictions] == [3, 3]


@pytest.mark.parametrize("path", of("pretrain"), ids=lambda path: path.stem)
def test_images_are_masked_and_filled_in(path):
    config = recipe(path)
    init_default_scope(config.default_scope)
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    model = MODELS.build(_small(config))
    torch.manual_seed(0)
    train, test = _steps(config.train_dataloader.dataset), _steps(config.test_dataloader.dataset)
    batch = default_collate([_run(train, {"img": image}) for _ in range(2)])
    units = (config.resolution // 32) ** 2
    assert batch["mask"].float().mean() == pytest.approx(-(-units * 6 // 10) / units)  # ceil(0.6 x units) are hidden
    _learns(model, {key: list(value) for key, value in batch.items()})
    shown = default_collate([_run(test, {"img": image, "sample_idx": 1})])
    with torch.no_grad():
        (filled,) = model.eval()(
            **model.data_preprocessor({key: list(value) for key, value in shown.items()}), mode="predict"
        )
    assert filled["hidden_l1"] > 0


def _quarter(node, name=""):
    """A pipeline with a quarter of every length in pixels."""
    if isinstance(node, dict):
        return {key: _quarter(value, key) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return type(node)(_quarter(value, name) for value in node)
    return node // QUARTER if name in PIXELS and isinstance(node, int) and node > 0 else node


@pytest.mark.slow
@pytest.mark.parametrize("path", of("recognition"), ids=lambda path: path.stem)
def test_clips_are_sampled_learnt_and_averaged_over_views(path, video):
    config = recipe(path)
    init_default_scope(config.default_scope)
    model_config = _small(config)
    if "img_size" in model_config["backbone"]:
        model_config["backbone"]["img_size"] //= QUARTER
    backbone = MODELS.build(model_config["backbone"])
    model_config["cls_head"]["in_channels"] = backbone.channels[-1]
    model = MODELS.build(model_config)
    samples = {}
    for part in ("train", "test"):
        pipeline = _quarter([dict(step) for step in config[f"{part}_dataloader"].dataset.pipeline])
        samples[part] = [
            _run(
                [TRANSFORMS.build(step) for step in pipeline],
                {"filename": video, "label": 7, "start_index": 0, "modality": "RGB"},
            )
            for _ in range(2 if part == "train" else 1)
        ]
    frames, height, width = config.resolution
    clip = samples["train"][0]["inputs"]
    assert clip.shape[-2:] == (height // QUARTER, width // QUARTER)
    assert clip.shape[0 if clip.ndim == 4 else 2] == frames
    collate = (
        FUNCTIONS.get(config.train_dataloader.get("collate_fn", dict(type="pseudo_collate"))["type"]) or pseudo_collate
    )
    _learns(model, collate(samples["train"]))
    views = {"tsn": 250, "slowonly": 30, "swin": 12, "vit": 15}
    (number,) = {count for word, count in views.items() if word in path.stem.partition("_8xb")[0].partition("_64xb")[0]}
    assert len(samples["test"][0]["inputs"]) == number
    with torch.no_grad():
        data = model.eval().data_preprocessor(collate(samples["test"]))
        (prediction,) = model(**data, mode="predict")
        features, options = model.extract_feat(data["inputs"], data_samples=data["data_samples"], test_mode=True)
        scores = model.cls_head(features, **options)
    assert judge(prediction.to_dict())[0] == 7
    assert len(scores) == (1 if number == 250 else number)  # TSN's head takes the mean of all frames and crops
    torch.testing.assert_close(prediction.pred_score, scores.softmax(1).mean(0))
