"""Unusual images: upright RGB by Pillow's own rules, and by mmcv's where a box or a label map depends on it."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

import simmim_eval.compat  # noqa: F401
from simmim_eval.data import ImageNet, LoadImage, LoadLabelMap, read_image, read_label_map
from simmim_eval.errors import DataError

RNG = np.random.default_rng(3)
COLOUR = Image.fromarray(RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8))
ORIENTATION = 0x0112
LOAD = [dict(type="simmim_eval.LoadImage")]


def bytes_of(mode, kind, orientation=None):
    if mode == "I;16":
        image = Image.fromarray(RNG.integers(0, 65536, (24, 40)).astype(np.uint16))
    else:
        image = COLOUR.convert(mode)
    exif, buffer = Image.Exif(), io.BytesIO()
    if orientation:
        exif[ORIENTATION] = orientation
    image.save(buffer, kind, exif=exif.tobytes())
    return buffer.getvalue()


def reference(content):
    image = Image.open(io.BytesIO(content))
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "I;16":
        turned = Image.fromarray((np.asarray(turned) // 256).astype(np.uint8))
    return np.asarray(turned.convert("RGB"))


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("I;16", "PNG"),
        ("RGB", "WEBP"),
        ("RGB", "TIFF"),
    ],
)
def test_equals_pillow_after_exif_transpose(mode, kind, orientation, tmp_path):
    content = bytes_of(mode, kind, orientation)
    path = tmp_path / "image"
    path.write_bytes(content)
    np.testing.assert_array_equal(np.asarray(read_image(path)), reference(content))
    np.testing.assert_array_equal(LoadImage()({"img_path": str(path)})["img"][..., ::-1], reference(content))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_reader_of_images_turns(orientation, data_dir, tmp_path):
    """Classification, detection and segmentation read by one transform; a box belongs to the upright image."""
    from mmengine.registry import DATASETS

    content = bytes_of("RGB", "JPEG", orientation)
    expected = reference(content)
    imagenet = shutil.copytree(data_dir / "mini_imagenet", tmp_path / "imagenet")
    (imagenet / "val/n01440764/ILSVRC2012_val_00040764.JPEG").write_bytes(content)
    ade = shutil.copytree(data_dir / "mini_ade20k", tmp_path / "ade")
    (ade / "images/validation/ADE_val_00000001.jpg").write_bytes(content)
    prefix = dict(img_path="images/validation", seg_map_path="annotations/validation")
    for dataset in (
        ImageNet(imagenet, "val", pipeline=LOAD),
        DATASETS.build(dict(type="simmim_eval.ADE20K", data_root=str(ade), data_prefix=prefix, pipeline=LOAD)),
    ):
        np.testing.assert_array_equal(dataset[0]["img"][..., ::-1], expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_mmcv_turns(orientation, tmp_path):
    """mmdet and mmseg read with mmcv's defaults, so this decides to which image a published annotation belongs."""
    from mmcv.transforms import LoadImageFromFile

    path = tmp_path / "image.jpg"
    path.write_bytes(bytes_of("RGB", "JPEG", orientation))
    theirs = LoadImageFromFile()({"img_path": str(path)})
    np.testing.assert_array_equal(LoadImage()({"img_path": str(path)})["img"], theirs["img"])


@pytest.mark.parametrize("orientation", [3, 6])
def test_label_maps_are_not_turned_as_in_mmseg(orientation, tmp_path):
    from mmseg.datasets.transforms import LoadAnnotations

    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "map.png"
    values = RNG.integers(0, 151, (24, 40)).astype(np.uint8)
    Image.fromarray(values).save(path, exif=exif.tobytes())
    np.testing.assert_array_equal(read_label_map(path), values)
    results = dict(seg_map_path=str(path), num_classes=150, reduce_zero_label=True)
    theirs = LoadAnnotations()(results | dict(seg_fields=[]))
    ours = LoadLabelMap()(results | dict(seg_fields=[]))
    np.testing.assert_array_equal(ours["gt_seg_map"], theirs["gt_seg_map"])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "block",
    [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12", b"Exif\0\0garbage", b"x"],
)
def test_broken_exif_says_nothing_of_the_pixels(block, tmp_path):
    """Some images of ImageNet have such blocks; OpenCV leaves these images as stored."""
    import cv2

    buffer = io.BytesIO()
    COLOUR.save(buffer, "JPEG", exif=block)
    path = tmp_path / "image.jpg"
    path.write_bytes(buffer.getvalue())
    theirs = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(LoadImage()({"img_path": str(path)})["img"], theirs)


def test_orientation_that_does_not_exist_turns_nothing(tmp_path):
    path = tmp_path / "image.jpg"
    path.write_bytes(bytes_of("RGB", "JPEG", 9))
    assert read_image(path).size == COLOUR.size


def test_annotations_of_the_stored_image_are_named_as_such(tmp_path):
    path = tmp_path / "image.jpg"
    path.write_bytes(bytes_of("RGB", "JPEG", 6))
    LoadImage()({"img_path": str(path), "height": 40, "width": 24})
    with pytest.raises(DataError, match=r"40 x 24 .* turned upright by its EXIF orientation.*say 24 x 40") as caught:
        LoadImage()({"img_path": str(path), "height": 24, "width": 40})
    assert "exiftool" in str(caught.value) and caught.value.kind == "size-turned"


def test_a_wrong_suffix_does_no_harm(data_dir, tmp_path):
    """ImageNet's own n02105855_2933.JPEG is a PNG."""
    root = shutil.copytree(data_dir / "mini_imagenet", tmp_path / "imagenet")
    path = root / "val/n01440764/ILSVRC2012_val_00040764.JPEG"
    COLOUR.save(path, "PNG")
    np.testing.assert_array_equal(ImageNet(root, "val", pipeline=LOAD)[0]["img"][..., ::-1], np.asarray(COLOUR))


def test_names_that_are_not_utf8(data_dir, tmp_path):
    """Images are found and read by their bytes; a message shows the bytes, so that any stream can print it."""
    root = shutil.copytree(data_dir / "mini_imagenet", tmp_path / "imagenet")
    folder = os.fsencode(root / "val" / "n01440764")
    os.rename(folder + b"/ILSVRC2012_val_00040764.JPEG", folder + b"/caf\xe9.JPEG")
    os.rename(folder, os.fsencode(root / "val") + b"/n0\xff")
    dataset = ImageNet(root, "val", pipeline=LOAD)
    assert dataset[0]["img"].shape == (40, 48, 3) or dataset[1]["img"].shape == (40, 48, 3)
    path = dataset.get_data_info(1)["img_path"]
    assert os.fsencode(path).endswith(b"/n0\xff/caf\xe9.JPEG")
    with open(path, "wb") as file:
        file.write(b"")
    with pytest.raises(DataError, match=r"n0\\xff/caf\\xe9\.JPEG: is not an image") as caught:
        dataset[1]
    str(caught.value).encode()
