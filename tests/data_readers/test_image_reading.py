"""Reading images: against OpenCV and mmcv's loader, and every kind of broken file."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from simmim_eval.data import LoadImage, read_image
from simmim_eval.errors import DataError, UserError

RNG = np.random.default_rng(0)
COLOUR = Image.fromarray(RNG.integers(0, 256, (16, 24, 3), dtype=np.uint8).repeat(2, axis=0).repeat(2, axis=1))


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_alpha(mode):
    image = COLOUR.convert("RGBA")
    image.putalpha(Image.fromarray(RNG.integers(0, 256, (32, 48), dtype=np.uint8)))
    return image.convert(mode)


def sixteen_bit(*shape):
    done, data = cv2.imencode(".png", RNG.integers(0, 65536, shape).astype(np.uint16))
    assert done
    return data.tobytes()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(COLOUR, "JPEG", exif=exif.tobytes())


FILES = {
    "jpeg 4:4:4": encoded(COLOUR, "JPEG", subsampling=0),
    "jpeg 4:2:0": encoded(COLOUR, "JPEG", subsampling=2),
    "progressive": encoded(COLOUR, "JPEG", progressive=True),
    "grey jpeg": encoded(COLOUR.convert("L"), "JPEG"),
    "cmyk jpeg": encoded(COLOUR.convert("CMYK"), "JPEG"),
    "png": encoded(COLOUR, "PNG"),
    "rgba": encoded(with_alpha("RGBA"), "PNG"),
    "grey and alpha": encoded(with_alpha("LA"), "PNG"),
    "palette": encoded(COLOUR.convert("P"), "PNG"),
    "one bit": encoded(COLOUR.convert("1"), "PNG"),
    "16-bit grey": sixteen_bit(32, 48),
    "16-bit colour": sixteen_bit(32, 48, 3),
    "16-bit colour and alpha": sixteen_bit(32, 48, 4),
    "webp": encoded(COLOUR, "WEBP"),
    "bmp": encoded(COLOUR, "BMP"),
    "tiff": encoded(COLOUR, "TIFF"),
    **{f"exif {orientation}": turned(orientation) for orientation in range(1, 9)},
}


@pytest.mark.parametrize("kind", FILES)
def test_equals_opencv(kind, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(FILES[kind])
    reference = cv2.imdecode(np.frombuffer(FILES[kind], np.uint8), cv2.IMREAD_COLOR)
    image = LoadImage()({"img_path": str(path)})["img"]
    # OpenCV and Pillow round the product of CMYK differently.
    np.testing.assert_allclose(image.astype(int), reference, rtol=0, atol=1 if kind == "cmyk jpeg" else 0)
    assert image.dtype == np.uint8 and image.flags.c_contiguous and image.flags.writeable


@pytest.mark.parametrize("kind", ["jpeg 4:2:0", "exif 6"])
def test_results_equal_those_of_mmcv(kind, tmp_path):
    from mmcv.transforms import LoadImageFromFile

    path = tmp_path / "image.jpg"
    path.write_bytes(FILES[kind])
    ours, theirs = LoadImage()({"img_path": str(path)}), LoadImageFromFile()({"img_path": str(path)})
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(ours.pop("img"), theirs.pop("img"))
    assert ours == theirs


def test_read_image_is_rgb_and_upright(tmp_path):
    (tmp_path / "image.jpg").write_bytes(turned(6))
    image = read_image(tmp_path / "image.jpg")
    assert (image.mode, image.size) == ("RGB", (32, 48))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@pytest.mark.parametrize("kind", ["jpeg 4:2:0", "progressive", "grey jpeg", "cmyk jpeg", "png", "webp", "tiff"])
def test_every_cut_is_an_error_or_changes_nothing(kind, tmp_path):
    whole, path = FILES[kind], tmp_path / "image"
    path.write_bytes(whole)
    expected = np.asarray(read_image(path))
    refused = 0
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        try:
            image = read_image(path)
        except DataError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(image, expected)
    assert refused >= len(whole) // 37 - 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such image"),
        (b"", "not an image"),
        (b"<html>404</html>", "not an image"),
        (FILES["jpeg 4:2:0"][:-200], "truncated"),
        (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "8-bit RGB"),
    ],
    ids=["absent", "empty", "html", "truncated jpeg", "float tiff"],
)
def test_fault_names_file_and_mend(content, words, tmp_path):
    path = tmp_path / "n01440764_18.JPEG"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        LoadImage()({"img_path": str(path)})
    assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_folder_is_not_an_image(tmp_path):
    with pytest.raises(DataError, match=str(tmp_path)):
        read_image(tmp_path)


def test_size_must_be_the_annotated_one(tmp_path):
    path: Path = tmp_path / "image.png"
    path.write_bytes(FILES["png"])
    LoadImage()({"img_path": str(path), "height": 32, "width": 48})
    with pytest.raises(DataError, match=r"image\.png: is 32 x 48 .* say 48 x 32"):
        LoadImage()({"img_path": str(path), "height": 48, "width": 32})
