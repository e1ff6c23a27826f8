"""``--init``: what is taken, what is refused, and what a record will say."""

import shutil
from pathlib import Path

import pytest

from simmim_eval.engine.initialisation import InitSource
from simmim_eval.errors import CheckpointError, ConfigError
from simmim_eval.records import INIT_KINDS

CHECKPOINTS = Path(__file__).parents[1] / "data" / "checkpoints"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("kind", INIT_KINDS)
def test_every_kind_of_the_records_can_be_stated(kind: str) -> None:
    text = kind if kind in ("random", "from_scratch") else f"{kind}=a.pth"
    source = InitSource.parse(text)
    assert (source.kind, str(source)) == (kind, text)
    assert source.source == (None if text == kind else "a.pth")


@pytest.mark.parametrize(
    "source", ["a=b.pth", "timm:resnet50.a1_in1k", "hf:owner/name/a.pth@v1", "https://x.org/a.pth#sha256=" + "0" * 64]
)
def test_sources_are_kept_as_they_are_given(source: str) -> None:
    parsed = InitSource.parse(f"supervised={source}")
    assert parsed.source == parsed.checkpoint == parsed.recorded == source
    assert not parsed.is_run


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", "is missing.*random.*from_scratch.*timm:NAME"),
        ("simmin=a.pth", "'simmin' is no kind"),
        ("a.pth", "'a.pth' is no kind"),
        ("random=a.pth", "takes no checkpoint. Write --init random"),
        ("from_scratch=a.pth", "takes no checkpoint. Write --init from_scratch"),
        ("simmim", "needs a checkpoint. Write --init simmim=FILE"),
        ("simmim=", "needs a checkpoint"),
    ],
)
def test_what_is_refused(text: str, pattern: str) -> None:
    with pytest.raises(ConfigError, match=pattern):
        InitSource.parse(text)


def test_a_name_is_resolved_once_and_recorded_with_its_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--timm--resnet18.a1_in1k"
    path = folder / "snapshots" / COMMIT / "model.safetensors"
    path.parent.mkdir(parents=True)
    shutil.copyfile(CHECKPOINTS / "timm_resnet.safetensors", path)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    given = InitSource.parse("supervised=timm:resnet18.a1_in1k")
    resolved = given.resolved()
    assert resolved == given and str(resolved) == str(given)
    assert (resolved.checkpoint, resolved.revision) == (str(path), COMMIT)
    assert resolved.recorded == f"timm:resnet18.a1_in1k ({COMMIT})"
    shutil.rmtree(folder)
    assert resolved.resolved() is resolved
    with pytest.raises(CheckpointError, match="hf download timm/resnet18"):
        given.resolved()


def test_what_has_nothing_to_resolve_stays() -> None:
    for text in ("random", "from_scratch", "simmim=run:0123456789abcdef"):
        source = InitSource.parse(text)
        assert source.resolved() is source
    assert InitSource.parse("random").recorded == "random"
    file = InitSource("simmim", str(CHECKPOINTS / "timm_swin.safetensors")).resolved()
    assert file.recorded == file.checkpoint == file.source
