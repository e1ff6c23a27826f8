"""What a user writes for a checkpoint, a path or a name, to a local file."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from simmim_eval.errors import CheckpointError, nearest

__all__ = ["Resolved", "resolve"]

HOW = "Expected a file, timm:NAME, hf:OWNER/NAME/FILE[@REVISION], or an http(s) address with #sha256=HEX."
SCHEME = re.compile(r"(https?|timm|hf|run):(.*)", re.DOTALL)
HUB_NAME = re.compile(r"([^/@]+/[^/@]+)/([^@]+)(?:@(.+))?")
TIMM_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Resolved:
    """A checkpoint on this machine.

    Attributes:
        source: As the user wrote it.
        path: The local file.
        revision: The commit that a name in a hub stood for; None for files and addresses, whose hash says it.
    """

    source: str
    path: Path
    revision: str | None = None


def resolve(source: str | os.PathLike[str]) -> Resolved:
    """Find a checkpoint, fetching it where it is not here yet.

    Args:
        source: A path; ``timm:NAME`` or ``timm:NAME.TAG``, a pretrained model of timm; ``hf:OWNER/NAME/FILE``, with
            ``@REVISION`` if not the main branch; or an http(s) address that ends in ``#sha256=`` and 64 digits.

    Raises:
        ConfigError: An address without a hash.
        CheckpointError: There is no such file or name, it may not be read, or it is neither here nor within reach;
            the last is found out within three seconds.
    """
    text = os.fspath(source)
    match = SCHEME.fullmatch(text)
    if match is None:
        return Resolved(text, _local(text))
    scheme, name = match[1], match[2]
    if scheme == "timm":
        return _timm(text, name)
    if scheme == "hf":
        return _hub(text, name)
    if scheme == "run":
        raise CheckpointError(f"{text}: names a run, which only a suite turns into its checkpoint. {HOW}")
    from simmim_eval.weights.download import download

    return Resolved(text, download(text))


def _local(text: str) -> Path:
    path = Path(text).expanduser()
    if path.is_dir():
        raise CheckpointError(f"{path}: is a folder; expected a checkpoint file. Give the path of a file inside it.")
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file. Check the path.")
    if not os.access(path, os.R_OK):
        raise CheckpointError(f"{path}: this user may not read it. Change its permissions.")
    return path


def _timm(text: str, name: str) -> Resolved:
    from timm.models import get_pretrained_cfg, list_pretrained

    from simmim_eval.weights.hub import hub_file

    try:
        config = get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # a tag that the model does not have
        config = None
    if config is None:
        raise CheckpointError(f"{text}: timm has no pretrained {name!r}; {nearest(name, list_pretrained())}")
    if not config.hf_hub_id:
        where = f"it is at {config.url}; give that address with #sha256=HEX" if config.url else "it has no weights"
        raise CheckpointError(f"{text}: timm does not keep it in the hub: {where}.")
    repository, _, revision = config.hf_hub_id.partition("@")
    files = (config.hf_hub_filename,) if config.hf_hub_filename else TIMM_FILES
    found = hub_file(text, repository, files, revision or None)
    return Resolved(text, found.path, found.revision)


def _hub(text: str, name: str) -> Resolved:
    from simmim_eval.weights.hub import hub_file

    match = HUB_NAME.fullmatch(name)
    if match is None:
        raise CheckpointError(f"{text}: names no file of a repository. {HOW}")
    found = hub_file(text, match[1], (match[2],), match[3])
    return Resolved(text, found.path, found.revision)
