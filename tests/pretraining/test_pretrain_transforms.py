"""The two transforms: determinism, ranges, colours."""

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.runner import set_random_seed

from simmim_eval.errors import MaskError
from simmim_eval.registry import TRANSFORMS

MASKING = dict(img_size=48, mask_patch_size=8, mask_ratio=0.6)


def photo(height: int = 56, width: int = 56) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 255 // height, x * 255 // width, (x + y) * 255 // (height + width)], axis=-1).astype(np.uint8)


def build(name: str, **options: Any) -> Any:
    return TRANSFORMS.build(dict(type=f"simmim_eval.{name}", **{**MASKING, **options}))


@pytest.mark.parametrize("name", ["PretrainTransform", "PretrainEvalTransform"])
def test_gives_what_the_model_takes(name: str) -> None:
    sample = build(name)({"img": photo(60, 80), "sample_idx": 3, "img_path": "x.jpg", "gt_label": 1})
    assert set(sample) == {"inputs", "mask"}
    assert sample["inputs"].dtype == torch.uint8
    assert sample["inputs"].shape == (3, 48, 48)
    assert sample["mask"].dtype == torch.bool
    assert sample["mask"].shape == (12, 12)
    assert sample["mask"].sum() == 22 * 4


def test_mmengines_seed_decides_everything() -> None:
    transform = build("PretrainTransform", brightness=0.4)

    def draw(seed: int) -> list[Any]:
        set_random_seed(seed)
        return [transform({"img": photo()}) for _ in range(3)]

    first, second, other = draw(1), draw(1), draw(2)
    for a, b in zip(first, second, strict=True):
        assert a["inputs"].equal(b["inputs"])
        assert a["mask"].equal(b["mask"])
    for a, b in ((first[0], first[1]), (first[0], other[0])):
        assert not a["inputs"].equal(b["inputs"])
        assert not a["mask"].equal(b["mask"])


def test_mask_of_evaluation_depends_on_the_index_alone() -> None:
    transform = build("PretrainEvalTransform")
    masks = []
    for seed, image in ((1, photo()), (2, photo(70, 60))):
        set_random_seed(seed)
        masks.append([transform({"img": image, "sample_idx": index})["mask"] for index in range(4)])
    assert all(a.equal(b) for a, b in zip(*masks, strict=True))
    assert not masks[0][0].equal(masks[0][1])


def test_evaluation_crops_the_centre_and_turns_bgr_into_rgb() -> None:
    image = photo(48, 64)
    sample = build("PretrainEvalTransform")({"img": image, "sample_idx": 0})
    expected = image[:, 8:56, ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(sample["inputs"].numpy(), expected)


def test_crop_keeps_at_least_the_asked_share_of_the_area() -> None:
    """The image's first channel is its row: a crop's range of rows bounds its height (or width, when flipped)."""
    transform = build("PretrainTransform", crop_scale=(0.67, 1.0))
    set_random_seed(0)
    shares = []
    for _ in range(200):
        crop = transform({"img": photo(96, 96)})["inputs"].numpy().astype(float)
        blue, green = crop[2], crop[1]
        shares.append((np.ptp(blue) / 255) * (np.ptp(green) / 255))
    assert 0.6 < min(shares) < 0.75
    assert max(shares) > 0.9


def test_half_of_the_images_are_flipped() -> None:
    transform = build("PretrainTransform")
    set_random_seed(0)
    flips = [bool(np.diff(transform({"img": photo()})["inputs"][1].float().mean(0)).mean() < 0) for _ in range(400)]
    assert abs(np.mean(flips) - 0.5) < 5 * 0.5 / 20


def test_mask_size_that_does_not_divide_the_input() -> None:
    with pytest.raises(MaskError, match="mask_patch_size is 10, which does not divide img_size 48"):
        build("PretrainTransform", mask_patch_size=10)
