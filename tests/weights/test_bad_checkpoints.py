"""Files that are broken, foreign, hostile, or of another architecture: one clear error, and nothing of them runs."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, arch_of, swin_for, video_for
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from simmim_eval.backbones import Swin
from simmim_eval.errors import CheckpointError
from simmim_eval.weights import load, read_checkpoint


def expect(path: str | Path, pattern: str) -> str:
    with pytest.raises(CheckpointError, match=pattern) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message
    return message


def write_archive(path: Path, pickled: bytes) -> Path:
    """A file in torch's zip container around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/version", "3\n")
    return path


def call(module: str, name: str, *arguments: str) -> bytes:
    """The pickle of ``module.name(*arguments)``, written by hand so that nothing is imported here."""
    texts = b"".join(b"X" + len(text).to_bytes(4, "little") + text.encode() for text in arguments)
    return b"\x80\x02}X\x05\x00\x00\x00state" + f"c{module}\n{name}\n(".encode() + texts + b"tRs."


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["swin_supervised_released.pth", "timm_swin.safetensors"])
def test_truncated(name: str, share: float, tmp_path: Path) -> None:
    content = (CHECKPOINTS / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * share)])
    expect(path, "truncated.*again")


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        (b"", "empty"),
        (b"epoch,loss\n1,0.5\n", "not a checkpoint"),
        (b"PK\x03\x04 but no archive", "truncated"),
        (b"<!DOCTYPE html><html>403 Forbidden</html>", "not a checkpoint"),
        (pickle.dumps({"weights": [1, 2]}, protocol=2), "no tensors|not a checkpoint"),
    ],
)
def test_not_a_checkpoint(content: bytes, pattern: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    expect(path, pattern)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@given(content=st.binary(min_size=1, max_size=300))
def test_random_bytes_never_end_in_another_error(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)


def test_zip_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")
    expect(path, "not a checkpoint")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    expect(tmp_path / "none.pth", "no such checkpoint file")
    expect(tmp_path, "is a folder")


def test_no_weights_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({}, path)
    expect(path, "no tensors.*holds: nothing")
    torch.save({"epoch": 3, "optimizer": {"lr": 0.1}}, path)
    expect(path, "no tensors.*holds: epoch, optimizer")
    torch.save([torch.zeros(2)], path)
    expect(path, "holds a list; expected a dict")
    torch.save({"model": {"a": torch.zeros(1)}, "state_dict": {"a": torch.ones(1)}}, path)
    expect(path, "more than one place.*by key")


def test_pickled_code_does_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickled = call("posix", "system", f"touch {trace}")
    pickle.loads(pickled)
    assert trace.exists(), "the pickle of this test is harmless, so it proves nothing"
    trace.unlink()
    path = write_archive(tmp_path / "model.pth", pickled)
    assert "posix.system" in expect(path, "pickles posix.system.*nothing of it was run")
    raw = tmp_path / "raw.pth"
    raw.write_bytes(pickled)
    expect(raw, "posix.system|not a checkpoint")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("builtins", "exec", ("open('trace', 'w')",)),
        ("builtins", "eval", ("open('trace', 'w')",)),
        ("subprocess", "getoutput", ("touch trace",)),
        ("yacs.config", "os.system", ("touch trace",)),
        ("yacs.config.CfgNode", "__init__", ()),
        ("argparse", "_os.system", ("touch trace",)),
        ("mmengine.logging.history_buffer", "np.load", ("trace",)),
        ("numpy", "load", ("trace",)),
        ("torch", "load", ("trace",)),
    ],
)
def test_only_exact_names_have_stand_ins(
    module: str, name: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_archive(tmp_path / "model.pth", call(module, name, *arguments))
    expect(path, "nothing of it was run")
    assert not (tmp_path / "trace").exists()


HISTORY = b"cmmengine.logging.history_buffer\nHistoryBuffer\n"
GETATTR = b"c__builtin__\ngetattr\n"


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02" + GETATTR + b"(ctorch\nTensor\nX\x05\x00\x00\x00storetR.",
        b"\x80\x02" + GETATTR + b"(" + HISTORY + b"X\x08\x00\x00\x00__init__tR.",
        b"\x80\x02" + GETATTR + b"(cyacs.config\nCfgNode\nX\x03\x00\x00\x00mintR.",
        b"\x80\x02" + GETATTR + b"(" + GETATTR + b"X\x03\x00\x00\x00mintR.",
    ],
)
def test_getattr_reaches_nothing(pickled: bytes, tmp_path: Path) -> None:
    expect(write_archive(tmp_path / "model.pth", pickled), "getattr|nothing of it was run")


def test_what_getattr_gives_cannot_be_called(tmp_path: Path) -> None:
    attribute = GETATTR + b"(" + HISTORY + b"X\x03\x00\x00\x00mintR"
    expect(write_archive(tmp_path / "model.pth", b"\x80\x02" + attribute + b")R."), "nothing of it was run")


def test_what_the_process_allows_is_neither_used_nor_changed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = write_archive(tmp_path / "model.pth", call("pathlib", "Path.touch", str(trace)))
    allowed = [(Path.touch, "pathlib.Path.touch"), (dict, "numpy.ndarray")]
    with torch.serialization.safe_globals(allowed):
        expect(path, "pathlib.Path.touch")
        assert set(allowed) <= set(torch.serialization.get_safe_globals())
        read_checkpoint(CHECKPOINTS / "mmdet_swin_mask_rcnn.pth")
    before = set(torch.serialization.get_safe_globals())
    read_checkpoint(CHECKPOINTS / "simmim_swin_pretrain.pth")
    assert set(torch.serialization.get_safe_globals()) == before
    assert not trace.exists()


def test_old_container_of_torch(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=False)
    path = tmp_path / "old.pth"
    path.write_bytes(buffer.getvalue())
    assert torch.equal(read_checkpoint(path).state["a"], state["a"])
    path.write_bytes(buffer.getvalue()[:-8])
    expect(path, "again")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1)}, path)
    path.chmod(0)
    expect(path, "may not read")


def fails_to_load(backbone: torch.nn.Module, path: Path, *patterns: str) -> str:
    """The message of a refused loading; the backbone is as it was."""
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load(backbone, path)
    message = str(caught.value)
    assert str(path) in message
    for pattern in patterns:
        assert pattern in message
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.state_dict().items())
    return message


@pytest.mark.parametrize(("name", "family"), [("timm_vit.safetensors", "ViT"), ("timm_swinv2.pth", "SwinV2")])
def test_another_family(name: str, family: str) -> None:
    fails_to_load(swin_for("timm_swin.safetensors"), CHECKPOINTS / name, f"holds a {family} of", "file of a Swin")


def test_a_known_family_in_an_unknown_layout(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    save_file({"blocks.0.attn.qkv.weight": torch.zeros(3, 1), "embed.weight": torch.zeros(1, 3, 4, 4)}, path)
    fails_to_load(swin_for("timm_swin.safetensors"), path, "looks like a ViT,", "timm Beit", "its first tensors")


def test_tiny_into_nano(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_file(Swin("tiny", img_size=224, out_indices=(3,)).state_dict(), path)
    fails_to_load(
        Swin("nano", img_size=48),
        path,
        "holds a Swin of arch='tiny', windows (7, 7, 7, 7) in the format timm Swin",
        "expected a Swin of arch='nano', windows (6, 6, 3)",
        "patch_embed.proj.weight ((96, 3, 4, 4) in the file, (32, 3, 4, 4) in the backbone)",
        "Build the backbone with arch='tiny'",
    )


def test_another_depth() -> None:
    name = "swin_supervised_training.pth"
    arch = {**arch_of(name), "depths": (2, 2, 2, 2)}
    message = fails_to_load(
        swin_for(name, arch=arch), CHECKPOINTS / name, "layers.3.blocks.1.norm1.weight (not in the file)"
    )
    assert "Build the backbone with arch=dict(embed_dim=4, depths=(2, 2, 2, 1)" in message
    arch = {**arch_of(name), "depths": (1, 2, 2, 1)}
    fails_to_load(swin_for(name, arch=arch), CHECKPOINTS / name, "layers.0.blocks.1.norm1.weight (the backbone has no")


def test_clips_into_images() -> None:
    backbone = swin_for("timm_swin.safetensors")
    fails_to_load(backbone, CHECKPOINTS / "mmaction_swin3d.pth", "holds a SwinVideo of", "expected a Swin of", "give a")


def test_clips_of_another_window() -> None:
    backbone = video_for("mmaction_swin3d.pth", window_size=3, window_size_t=2)
    fails_to_load(backbone, CHECKPOINTS / "mmaction_swin3d.pth", "(175, 1) in the file, (75, 1) in the backbone")


def test_an_unknown_tensor_is_not_dropped_in_silence(tmp_path: Path) -> None:
    name = "timm_swin.safetensors"
    state = read_checkpoint(CHECKPOINTS / name).state
    path = tmp_path / "absolute.safetensors"
    save_file({**state, "absolute_pos_embed": torch.zeros(1, 256, 4)}, path)
    fails_to_load(swin_for(name), path, "without a place (1): absolute_pos_embed")


def test_two_backbones_in_one_file(tmp_path: Path) -> None:
    state = read_checkpoint(CHECKPOINTS / "timm_swin.safetensors").state
    path = tmp_path / "two.safetensors"
    save_file({f"{part}.{key}": value.clone() for key, value in state.items() for part in ("student", "teacher")}, path)
    fails_to_load(swin_for("timm_swin.safetensors"), path, "looks like a Swin", "one backbone")
