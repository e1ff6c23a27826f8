"""ImageNet's folders, official and as the demo writes them."""

import shutil

import numpy as np
import pytest
from mmengine.registry import DATASETS
from mmengine.runner import Runner

from simmim_eval.data import ImageNet
from simmim_eval.errors import DataError


@pytest.fixture
def copy(data_dir, tmp_path):
    return shutil.copytree(data_dir / "mini_imagenet", tmp_path / "imagenet")


def test_official_layout(data_dir):
    dataset = ImageNet(data_dir / "mini_imagenet", "train")
    assert dataset.metainfo["classes"] == ("n01440764", "n01443537")
    assert len(dataset) == 4
    assert [dataset[i]["gt_label"] for i in range(4)] == [0, 0, 1, 1]
    sample = dataset[3]
    assert sample["img_path"].endswith("n01443537_36.JPEG") and sample["sample_idx"] == 3
    assert len(ImageNet(data_dir / "mini_imagenet", "train", indices=1)) == 1


def test_demo_layout(copy):
    (copy / "train" / "n01440764").rename(copy / "train" / "boot")
    (copy / "train" / "n01443537").rename(copy / "train" / "coat")
    shutil.copytree(copy / "train", copy / "tune")
    assert ImageNet(str(copy), "tune").metainfo["classes"] == ("boot", "coat")


def test_built_by_mmengine_with_a_data_loader(data_dir):
    loader = Runner.build_dataloader(
        dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=False),
            dataset=dict(
                type="simmim_eval.ImageNet",
                data_root=str(data_dir / "mini_imagenet"),
                split="val",
                pipeline=[dict(type="LoadImage"), lambda results: (results["img"], results["gt_label"])],
            ),
        )
    )
    images, labels = next(iter(loader))
    assert np.stack(images).shape == (2, 40, 48, 3) and list(labels) == [0, 1]


def test_pipeline_may_be_one_callable(data_dir):
    dataset = ImageNet(data_dir / "mini_imagenet", "val", pipeline=lambda results: results["gt_label"])
    assert [dataset[0], dataset[1]] == [0, 1]


def test_hidden_files_do_not_count(copy):
    (copy / "train" / ".cache").mkdir()
    (copy / "train" / "n01440764" / ".DS_Store").touch()
    assert len(ImageNet(copy, "train")) == 4


def absent_root(copy):
    shutil.rmtree(copy)


def absent_split(copy):
    shutil.rmtree(copy / "train")


def unsorted(copy):
    for image in list((copy / "train").glob("*/*")):
        image.rename(copy / "train" / image.name)
    for folder in ("n01440764", "n01443537"):
        (copy / "train" / folder).rmdir()


def empty_class(copy):
    for image in (copy / "train" / "n01443537").iterdir():
        image.unlink()


def no_image(copy):
    (copy / "train" / "n01440764" / "images.tar").touch()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (absent_root, "imagenet: no such folder. Expected data_root/split/<class folder>"),
        (absent_split, "train: no such folder. Expected data_root/split/<class folder>"),
        (unsorted, "train: holds no class folder. Expected data_root/split/<class folder>"),
        (empty_class, "n01443537: the class folder is empty"),
        (no_image, r"images\.tar: is not an image by its suffix"),
    ],
)
def test_fault_names_the_folder_and_the_layout(damage, words, copy):
    damage(copy)
    with pytest.raises(DataError, match=words) as caught:
        DATASETS.build(dict(type="simmim_eval.ImageNet", data_root=str(copy), split="train"))
    assert str(copy) in str(caught.value)


def test_a_truncated_image_is_named_in_the_epoch(copy):
    path = copy / "val" / "n01440764" / "ILSVRC2012_val_00040764.JPEG"
    path.write_bytes(path.read_bytes()[:-100])
    dataset = ImageNet(copy, "val", pipeline=[dict(type="LoadImage")])
    with pytest.raises(DataError, match=str(path)):
        dataset[0]
