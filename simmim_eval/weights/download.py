"""A file from an http(s) address, kept where torch.hub keeps its own, and trusted only with the right hash."""

import hashlib
import re
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import urlopen

import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from simmim_eval.errors import CheckpointError, ConfigError
from simmim_eval.files import atomic_path, sha256_file

__all__ = ["TIMEOUT", "download"]

TIMEOUT = 2.5  # seconds until a server that does not answer counts as out of reach
CHUNK = 1 << 20
HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")


def download(address: str) -> Path:
    """The local copy of ``https://…/name.pth#sha256=HEX``, fetched if it is not there yet.

    Raises:
        ConfigError: The address has no hash.
        CheckpointError: The server is out of reach or has no such file, or the content has another hash; nothing is
            kept then.
    """
    url, fragment = urldefrag(address)
    stated = HASH.fullmatch(fragment)
    if stated is None:
        raise ConfigError(
            f"{address}: has no hash, so nobody could say which weights these are. Append #sha256= and the 64 "
            "hexadecimal digits that sha256sum prints for the file."
        )
    wanted = stated[1].lower()
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "checkpoint"
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / f"{wanted[:16]}-{name}"
    for known in (path, folder / name):  # the second as torch.hub itself would have named it
        if known.is_file() and sha256_file(known) == wanted:
            return known
    try:
        with atomic_path(path, overwrite=True) as temporary:
            found = _fetch(url, temporary)
            if found != wanted:
                raise CheckpointError(
                    f"{url}: the downloaded file has sha256 {found}, expected {wanted}; it was not kept. Correct the "
                    "hash, or find out why the file is another one."
                )
    except (OSError, HTTPException, ValueError) as error:
        raise CheckpointError(
            f"{url}: cannot be downloaded to {path} ({type(error).__name__}: {error}). Where there is a network: "
            f"curl -L -o {path} {url}"
        ) from error
    return path


def _fetch(url: str, path: Path) -> str:
    """Copy what ``url`` gives to ``path``, with a bar on the terminal; the sha256 of what came."""
    digest = hashlib.sha256()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with (
        urlopen(url, timeout=TIMEOUT) as response,
        open(path, "wb") as file,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        total = int(response.headers["Content-Length"] or 0) or None
        task = progress.add_task(url.rpartition("/")[2], total=total)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            digest.update(chunk)
            progress.advance(task, len(chunk))
    return digest.hexdigest()
