"""The fingerprint of data: what changes it and what does not."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simmim_eval.data import data_fingerprint
from simmim_eval.errors import DataError

NAMES = st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "ab", "a b"]).map(lambda name: f"train/{name}.x")
TREES = st.dictionaries(NAMES, st.integers(0, 20), min_size=1)


def plant(root, tree, fill=b"x"):
    for name, size in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(fill * size)
    return root


@given(TREES, st.randoms())
def test_order_of_writing_place_and_parts_do_not_matter(tmp_path_factory, tree, random):
    shuffled = dict(random.sample(list(tree.items()), len(tree)))
    first = plant(tmp_path_factory.mktemp("one"), tree)
    second = plant(tmp_path_factory.mktemp("two"), shuffled)
    names = [*shuffled, "train", "./train/"]
    assert data_fingerprint(first, ["train"]) == data_fingerprint(str(second), names)


@given(TREES, TREES)
def test_equal_only_for_equal_trees(tmp_path_factory, one, two):
    first, second = plant(tmp_path_factory.mktemp("one"), one), plant(tmp_path_factory.mktemp("two"), two)
    assert (data_fingerprint(first, ["train"]) == data_fingerprint(second, ["train"])) == (one == two)


def test_definition(tmp_path):
    plant(tmp_path, {"train/b.x": 3, "train/a.x": 12, "val/c.x": 1})
    text = b"path size\ntrain/a.x\x0012\ntrain/b.x\x003\n"
    assert data_fingerprint(tmp_path, ["train"]) == hashlib.sha256(text).hexdigest()


def test_content_is_seen_only_when_asked(tmp_path):
    one = plant(tmp_path / "one", {"train/a.x": 5}, b"x")
    two = plant(tmp_path / "two", {"train/a.x": 5}, b"y")
    assert data_fingerprint(one, ["train"]) == data_fingerprint(two, ["train"])
    hashes = {data_fingerprint(root, ["train"], content=True) for root in (one, two)}
    assert len(hashes) == 2 and data_fingerprint(one, ["train"]) not in hashes


def test_links_are_followed(tmp_path):
    real = plant(tmp_path / "real", {"train/a.x": 5})
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "train").symlink_to(real / "train")
    assert data_fingerprint(tmp_path / "linked", ["train"]) == data_fingerprint(real, ["train"])


def test_parts_are_all_counted(data_dir):
    root = data_dir / "mini_coco"
    train, both = (
        data_fingerprint(root, parts) for parts in (["train2017"], ["train2017", "annotations/instances_val2017.json"])
    )
    assert train != both


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (["train", "val"], "val: no such file or folder"),
        (["empty"], "empty: holds no file"),
        ([], "no parts"),
        (["../other"], "part '../other' lies outside"),
    ],
)
def test_fault_names_the_part(parts, words, tmp_path):
    root = plant(tmp_path / "root", {"train/a.x": 5})
    (root / "empty" / "deep").mkdir(parents=True)
    plant(tmp_path / "other", {"train/a.x": 5})
    with pytest.raises(DataError, match=words) as caught:
        data_fingerprint(root, parts)
    assert str(root) in str(caught.value)


def test_absent_root_and_circular_link(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such folder"):
        data_fingerprint(tmp_path / "nowhere", ["."])
    root = plant(tmp_path / "root", {"train/a.x": 5})
    os.symlink(root / "train", root / "train" / "again")
    with pytest.raises(DataError, match=r"cannot be read .*Mend the link"):
        data_fingerprint(root, ["train"])


def test_dangling_link(tmp_path):
    root = plant(tmp_path / "root", {"train/a.x": 5})
    (root / "train" / "b.x").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=r"b\.x: cannot be read"):
        data_fingerprint(root, ["train"])
