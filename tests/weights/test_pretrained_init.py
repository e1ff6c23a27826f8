"""The initialiser as OpenMMLab calls it: loading comes last, whatever the parent does."""

import logging
from pathlib import Path

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, FILES, KEYS, arch_of, swin_for
from mmengine.model import BaseModule
from mmengine.registry import MODELS as ROOT_MODELS
from torch import nn

from simmim_eval.errors import CheckpointError
from simmim_eval.weights import Pretrained, Report, load, read_checkpoint, weights_hash


class Parent(BaseModule):
    """A detector in small: a backbone from a config, a neck, and an initialiser of its own that would wipe both."""

    def __init__(self, backbone: dict) -> None:
        super().__init__(init_cfg=dict(type="Constant", layer=["Linear", "Conv2d", "LayerNorm"], val=7.0))
        self.backbone = ROOT_MODELS.build(backbone)
        self.neck = nn.Conv2d(32, 8, 1)


@pytest.mark.parametrize("name", ["simmim_swin_pretrain.pth", "timm_swin.safetensors"])
def test_every_tensor_of_the_parents_backbone_equals_the_file(name: str) -> None:
    init_cfg = dict(type="simmim_eval.Pretrained", checkpoint=str(CHECKPOINTS / name))
    entry = FILES[name]["arguments"]
    parent = Parent(
        dict(
            type="simmim_eval.Swin",
            arch=arch_of(name),
            img_size=entry["img_size"],
            window_size=entry["window_size"],
            init_cfg=init_cfg,
        )
    )
    parent.init_weights()
    report = parent.backbone.init_report
    assert isinstance(report, Report)
    state, loaded = read_checkpoint(CHECKPOINTS / name).state, parent.backbone.state_dict()
    assert sorted(source for _, source in report.matched) == sorted(KEYS[name])
    for ours, source in report.matched:
        assert torch.equal(loaded[ours], state[source]), ours
    assert set(loaded) == {ours for ours, _ in report.matched + report.new}
    assert (parent.neck.weight == 7).all()


def test_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    backbone = swin_for("timm_swin.safetensors")
    from mmengine.logging import MMLogger

    logger = MMLogger.get_instance("test_logs_one_line", log_level="INFO")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        Pretrained(CHECKPOINTS / "timm_swin.safetensors")(backbone)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith("timm_swin.safetensors: timm Swin: 93 matched, 2 dropped (classification head: 2)")


def test_own_checkpoint_with_provenance(tmp_path: Path) -> None:
    source = swin_for("simmim_swin_pretrain.pth", out_indices=None, use_mask_token=True)
    state = {f"backbone.{name}": tensor for name, tensor in source.state_dict().items()}
    state["head.proj.weight"] = torch.zeros(3)
    path = tmp_path / "epoch_1.pth"
    own = {"run_id": "abc", "provenance": {"images_seen": 28_800, "labels": False}}
    torch.save({"state_dict": state, "simmim_eval": own, "meta": {"epoch": 1}, "optimizer": {}}, path)
    checkpoint = read_checkpoint(path)
    assert (checkpoint.run_id, checkpoint.provenance) == (own["run_id"], own["provenance"])
    target = swin_for("simmim_swin_pretrain.pth", out_indices=None)
    report = load(target, path)
    assert report.format == "simmim-eval Swin"
    assert report.counts() == {
        "matched": 99,
        "adapted": 0,
        "new": 0,
        "missing": 0,
        "unexpected": 0,
        "dropped": 2,
    }
    expected = {name: tensor for name, tensor in source.state_dict().items() if name != "mask_token"}
    assert weights_hash(target.state_dict()) == weights_hash(expected)


def test_the_config_may_name_what_stays_random(tmp_path: Path) -> None:
    source = swin_for("timm_swin.safetensors", out_indices=(0, 1, 2), img_size=None)
    path = tmp_path / "no_last_norm.pth"
    torch.save(source.state_dict(), path)
    target = swin_for("timm_swin.safetensors", img_size=None)
    with pytest.raises(CheckpointError, match=r"norm\.weight \(not in the file\).*init_cfg\.new"):
        load(target, path)
    report = load(target, path, new=["norm"])
    assert [name for name, _ in report.new] == ["norm.weight", "norm.bias"]


def test_only_a_backbone_is_loaded() -> None:
    with pytest.raises(CheckpointError, match="into a Linear; expected a backbone"):
        Pretrained(CHECKPOINTS / "timm_swin.safetensors")(nn.Linear(2, 2))


def test_hash_sees_names_types_shapes_and_values_but_not_order() -> None:
    state = {"a": torch.arange(4.0), "b": torch.tensor(1, dtype=torch.int64), "c": torch.ones(2, dtype=torch.bfloat16)}
    others = [
        {**state, "a": torch.arange(4.0).view(2, 2)},
        {**state, "a": torch.arange(4.0).view(torch.int32)},
        {**state, "a": torch.arange(4.0) + 1e-6},
        {"A" if name == "a" else name: tensor for name, tensor in state.items()},
        {name: tensor for name, tensor in state.items() if name != "b"},
    ]
    assert weights_hash(dict(reversed(state.items()))) == weights_hash(state)
    assert len({weights_hash(one) for one in [state, *others]}) == 1 + len(others)
    transposed = {"a": torch.arange(4.0).view(2, 2).T}
    assert weights_hash(transposed) == weights_hash({"a": transposed["a"].contiguous()})
