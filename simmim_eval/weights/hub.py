"""Files of a Hugging Face repository: from the local cache, or from the network where there is one."""

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HFValidationError, RepositoryNotFoundError

from simmim_eval.errors import CheckpointError
from simmim_eval.weights.download import TIMEOUT

__all__ = ["HubFile", "hub_file"]

T = TypeVar("T")
ABSENT = (EntryNotFoundError, RepositoryNotFoundError, GatedRepoError)  # a revision that is not there: the first


class HubFile(NamedTuple):
    """A file of a repository on this machine, and the commit that it is of."""

    path: Path
    revision: str


def hub_file(source: str, repository: str, names: Sequence[str], revision: str | None = None) -> HubFile:
    """The first of ``names`` that the local cache has, else the first that the hub gives.

    Args:
        source: As the user wrote it, for errors.
        repository: Such as ``timm/resnet50.a1_in1k``.
        names: Files that would do, the best first.
        revision: A branch, tag or commit; None: the main branch.

    Raises:
        CheckpointError: The cache has none of them, and the hub has none, or is out of reach (found out within three
            seconds), or HF_HUB_OFFLINE is set.
    """
    cache = _cache_folder()
    for name in names:
        try:
            found = try_to_load_from_cache(repository, name, cache, revision)
        except (HFValidationError, ValueError) as error:
            raise CheckpointError(f"{source}: {error}. Write hf:OWNER/NAME/FILE, or add @REVISION.") from error
        if isinstance(found, str):
            return HubFile(Path(found), _commit(found, name))
    command = f"hf download {repository} {names[0]}" + (f" --revision {revision}" if revision else "")
    mend = f"Fetch it once where there is a network: {command}"
    if _is_offline():
        raise CheckpointError(f"{source}: not in the cache {cache}, and HF_HUB_OFFLINE is set. {mend}")
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    for name in names:
        address = hf_hub_url(repository, name, revision=revision, endpoint=endpoint)
        answer = _within(TIMEOUT, partial(get_hf_file_metadata, address, timeout=TIMEOUT))
        if isinstance(answer, ABSENT):
            continue
        if answer is None or isinstance(answer, Exception):
            why = answer or "no answer"
            raise CheckpointError(f"{source}: not in the cache {cache}, and {endpoint} is out of reach ({why}). {mend}")
        path = hf_hub_download(repository, name, revision=revision, cache_dir=cache, endpoint=endpoint)
        return HubFile(Path(path), _commit(path, name))
    at = f" at {revision}" if revision else ""
    raise CheckpointError(
        f"{source}: {endpoint} has no {' or '.join(names)} in {repository}{at}, or you may not see it. Correct the "
        "name, or log in with: hf auth login"
    )


def _within(seconds: float, call: Callable[[], T]) -> T | Exception | None:
    """What ``call`` returns or raises; None if it is not done in time. A name server may keep one waiting for long."""
    outcome: list[T | Exception] = []

    def run() -> None:
        try:
            outcome.append(call())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else None


def _commit(path: str, name: str) -> str:
    """The commit in ``…/snapshots/COMMIT/name``."""
    return Path(path).parents[len(Path(name).parts) - 1].name


def _cache_folder() -> Path:
    """The hub's cache as the environment says now; huggingface_hub looks once, when it is imported."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if folder := os.environ.get(variable):
            return Path(folder).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(constants.HF_HUB_CACHE)


def _is_offline() -> bool:
    return constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
