"""Names and addresses of checkpoints: from a hub cache made here, and from servers on this machine. No network."""

import hashlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_cases import CHECKPOINTS, backbone_for, swin_for
from huggingface_hub import constants

from simmim_eval.errors import CheckpointError, ConfigError, UserError
from simmim_eval.weights import Pretrained, load, read_checkpoint, resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = (CHECKPOINTS / "timm_resnet.safetensors").read_bytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATIENCE = 3.0  # seconds


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, where everything else looks for one too."""
    folder = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return folder


def put(cache: Path, repository: str, name: str, source: Path, commit: str = COMMIT, branch: str = "main") -> Path:
    """Lay a file into the cache as huggingface_hub does."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    path = folder / "snapshots" / commit / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / branch).write_text(commit)
    return path


class Handler(BaseHTTPRequestHandler):
    """A hub of one repository, ``owner/name`` with ``weights.safetensors``, and a plain file server of the same."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        self.server.requests.append(self.path)
        if not self.path.endswith("weights.safetensors"):
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(CONTENT)

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    requests: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def fails(source: str, pattern: str, error: type[UserError] = CheckpointError) -> str:
    start = time.perf_counter()
    with pytest.raises(error, match=pattern) as caught:
        resolve(source)
    assert time.perf_counter() - start < PATIENCE
    message = str(caught.value)
    assert message.startswith(source.partition("#")[0])
    return message


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "resnet18"])
def test_timm_name_from_the_cache(name: str, cache: Path) -> None:
    path = put(cache, "timm/resnet18.a1_in1k", "model.safetensors", CHECKPOINTS / "timm_resnet.safetensors")
    found = resolve(f"timm:{name}")
    assert (found.path, found.revision, found.source) == (path, COMMIT, f"timm:{name}")
    report = load(backbone_for("timm_resnet.safetensors"), f"timm:{name}")
    assert report.format == "torchvision or timm ResNet"
    assert report.revision == COMMIT
    assert read_checkpoint(f"timm:{name}").source == f"timm:{name}"


def test_a_repository_that_keeps_a_pickle_only(cache: Path) -> None:
    path = put(cache, "timm/resnet18.a1_in1k", "pytorch_model.bin", CHECKPOINTS / "torchvision_resnet50.pth")
    assert resolve("timm:resnet18.a1_in1k").path == path


def test_config_of_a_backbone_takes_a_name(cache: Path) -> None:
    put(cache, "owner/name", "deep/er/model.safetensors", CHECKPOINTS / "timm_swin.safetensors")
    backbone = swin_for("timm_swin.safetensors")
    Pretrained("hf:owner/name/deep/er/model.safetensors")(backbone)
    assert backbone.init_report.revision == COMMIT


def test_revisions_of_a_repository(cache: Path) -> None:
    other = "f" * 40
    source = CHECKPOINTS / "timm_swin.safetensors"
    main, branch = put(cache, "owner/name", "a.pth", source), put(cache, "owner/name", "a.pth", source, other, "v2")
    assert resolve("hf:owner/name/a.pth").path == main
    assert resolve("hf:owner/name/a.pth@v2").path == branch
    assert resolve(f"hf:owner/name/a.pth@{other}").revision == other
    fails("hf:owner/name/a.pth@v3", r"HF_HUB_OFFLINE.*hf download owner/name a\.pth --revision v3")


def test_not_cached_and_offline(cache: Path) -> None:
    message = fails("timm:swin_tiny_patch4_window7_224", "HF_HUB_OFFLINE is set")
    assert message.endswith("hf download timm/swin_tiny_patch4_window7_224.ms_in1k model.safetensors")
    assert str(cache) in message


@pytest.mark.parametrize("answers", [False, True], ids=["refuses", "is silent"])
def test_not_cached_and_out_of_reach(answers: bool, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if answers:
            silent.listen()  # connections are taken, and nobody speaks
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        fails("hf:owner/name/a.pth", "out of reach.*where there is a network: hf download owner/name a.pth")


def test_from_a_hub_within_reach(cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    found = resolve("hf:owner/name/weights.safetensors")
    assert found.path.read_bytes() == CONTENT
    assert found.path.is_relative_to(cache)
    assert found.revision == COMMIT
    fails("hf:owner/name/other.safetensors", "has no other.safetensors in owner/name")
    before = len(server.requests)
    assert resolve("hf:owner/name/weights.safetensors") == found
    assert len(server.requests) == before


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("timm:resnet_18", "no pretrained 'resnet_18'; did you mean"),
        ("timm:resnet18.nosuch", "no pretrained 'resnet18.nosuch'; did you mean"),
        ("timm:", "no pretrained ''"),
        ("hf:name", "names no file of a repository.*hf:OWNER/NAME/FILE"),
        ("hf:owner/name", "names no file"),
        ("hf:owner/name/../../../etc/passwd", "hf:OWNER/NAME/FILE|not in the cache"),
        ("run:0123456789abcdef", "only a suite"),
    ],
)
def test_names_that_are_none(source: str, pattern: str, cache: Path) -> None:
    fails(source, pattern)


def test_address_with_its_hash(cache: Path, server: Server, tmp_path: Path) -> None:
    source = f"{server.address}/a/weights.safetensors#sha256={SHA256.upper()}"
    found = resolve(source)
    assert found.path.parent == tmp_path / "torch" / "hub" / "checkpoints"
    assert found.path.read_bytes() == CONTENT
    assert found.revision is None
    assert resolve(source) == found
    assert len(server.requests) == 1
    found.path.write_bytes(CONTENT[:-1])  # a copy that was damaged since is fetched again
    assert resolve(source).path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_what_torch_hub_fetched_is_used(cache: Path, server: Server, tmp_path: Path) -> None:
    known = Path(torch.hub.get_dir()) / "checkpoints" / "weights.safetensors"
    known.parent.mkdir(parents=True)
    known.write_bytes(CONTENT)
    assert resolve(f"{server.address}/weights.safetensors#sha256={SHA256}").path == known
    assert not server.requests


def test_addresses_that_give_nothing(cache: Path, server: Server, tmp_path: Path) -> None:
    address = f"{server.address}/weights.safetensors"
    for fragment in ("", "#sha256=abc", "#md5=" + "0" * 64):
        with pytest.raises(ConfigError, match=r"no hash.*sha256sum"):
            resolve(address + fragment)
    assert not server.requests
    wrong = "0" * 64
    fails(f"{address}#sha256={wrong}", f"has sha256 {SHA256}, expected {wrong}; it was not kept")
    fails(f"{server.address}/other.pth#sha256={wrong}", "cannot be downloaded.*404.*curl -L")
    fails(f"http://127.0.0.1:1/a.pth#sha256={wrong}", "cannot be downloaded.*refused")
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    assert not list(folder.glob("*")) and not list(folder.glob(".*"))


def test_weights_beside_their_average(tmp_path: Path) -> None:
    name = "timm_vit_training.pth.tar"
    plain, averaged = backbone_for(name), backbone_for(name)
    report = load(plain, CHECKPOINTS / name)
    (note,) = report.notes
    assert note == "The weights are those under 'state_dict'; the file also has state_dict_ema, taken if named by key"
    assert report.summary().endswith(note)
    report = load(averaged, CHECKPOINTS / name, key="state_dict_ema")
    assert "'state_dict_ema'; the file also has state_dict" in report.notes[0]
    content: Any = read_checkpoint(CHECKPOINTS / name, "state_dict_ema").state
    assert torch.equal(averaged.blocks[0].mlp.fc1.weight, content["blocks.0.mlp.fc1.weight"])
    assert not torch.equal(plain.blocks[0].mlp.fc1.weight, averaged.blocks[0].mlp.fc1.weight)


@pytest.mark.parametrize(
    ("name", "place", "others"),
    [
        ("beit_vit_finetune.pth", "model", "model_ema"),
        ("dino_vit_training.pth", "teacher", "student"),
        ("mmpretrain_vit_ema.pth", "state_dict", "ema_state_dict"),
    ],
)
def test_which_weights_were_taken(name: str, place: str, others: str) -> None:
    checkpoint = read_checkpoint(CHECKPOINTS / name)
    assert checkpoint.choice is not None
    assert f"{place!r}; the file also has {others}" in checkpoint.choice
    assert load(backbone_for(name), checkpoint).notes == [checkpoint.choice]
    student = read_checkpoint(CHECKPOINTS / name, others)
    assert student.state.keys() != set() and student.choice is not None
    with pytest.raises(CheckpointError, match=f"no tensors under 'nosuch'.*{place}.*Correct key"):
        read_checkpoint(CHECKPOINTS / name, "nosuch")
