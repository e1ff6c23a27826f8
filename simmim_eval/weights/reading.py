"""A checkpoint file to a state dict, without running anything that the file holds.

Files of other projects pickle a few plain containers beside the weights: yacs configs, argparse namespaces, mmengine's
log buffers with their numpy arrays. While one is read, stand-ins that keep nothing take the place of those classes, by
exact name. A rule by module prefix would let a dotted name walk out of the module, and a real ``getattr`` would hand
out any attribute, so neither exists here: whatever has no stand-in is refused.
"""

import os
import pickle
import re
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

from simmim_eval.errors import CheckpointError
from simmim_eval.weights.sources import resolve

__all__ = ["Checkpoint", "read_checkpoint"]

WRAPPERS = ("state_dict", "model", "module", "teacher")  # "module": SparK; "teacher": DINO
OTHER_WEIGHTS = ("model_ema", "state_dict_ema", "ema_state_dict", "student")
REFUSED = re.compile(r"GLOBAL (.+?)(?: was not| whose|$)|reduce for unrecognized function (.+)", re.MULTILINE)
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        path: The file.
        source: As it was asked for: a path, ``timm:NAME``, ...
        state: Name to tensor, on the CPU, under the names that the file has.
        not_tensors: Names of what lies among them and is no tensor.
        choice: A sentence that says which of several sets of weights this is; None if there is one.
        revision: What a name in a hub stood for; None for a file.
        provenance: Plain data about the pre-training, in files that this project wrote; else None.
        run_id: The run that wrote the file, in files that this project wrote; else None.
        recipe: Name of that run's recipe, without its folder; likewise.
    """

    path: Path
    source: str
    state: dict[str, Tensor]
    not_tensors: tuple[str, ...] = ()
    choice: str | None = None
    revision: str | None = None
    provenance: dict[str, Any] | None = None
    run_id: str | None = None
    recipe: str | None = None


class _Inert:
    """Takes the place of a class: accepts any arguments and any state, keeps none of it."""

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _InertDict:
    """Takes the place of a class derived from dict, which torch fills item by item only if it is a standard one."""

    def __new__(cls, *args: object) -> Any:
        return OrderedDict()


class _InertHistoryBuffer(_Inert):
    """mmengine's ``HistoryBuffer``, whose pickle looks up four of its own methods by name."""


def _history_method(owner: object, name: object) -> None:
    if owner is not _InertHistoryBuffer or name not in ("min", "max", "current", "mean"):
        raise pickle.UnpicklingError("GLOBAL getattr of something other than a HistoryBuffer's statistics")


STAND_INS: dict[str, Any] = {
    "yacs.config.CfgNode": _InertDict,
    "argparse.Namespace": _InertDict,
    "mmengine.logging.history_buffer.HistoryBuffer": _InertHistoryBuffer,
    "builtins.getattr": _history_method,
    "numpy.ndarray": _Inert,
    "numpy.dtype": _Inert,
    "numpy.core.multiarray._reconstruct": _Inert,
    "numpy._core.multiarray._reconstruct": _Inert,
    "numpy.core.multiarray.scalar": _Inert,
    "numpy._core.multiarray.scalar": _Inert,
}


@contextmanager
def _only_stand_ins() -> Iterator[None]:
    """Allow the stand-ins and nothing else, then restore what the process had allowed."""
    with _LOCK:
        before = get_safe_globals()
        clear_safe_globals()
        add_safe_globals([(stand_in, name) for name, stand_in in STAND_INS.items()])
        try:
            yield
        finally:
            clear_safe_globals()
            add_safe_globals(before)


def read_checkpoint(source: str | os.PathLike[str], key: str | None = None) -> Checkpoint:
    """Read the weights of a ``.pth``, ``.pt``, ``.tar`` or ``.safetensors`` file; the kind is told by its content.

    Args:
        source: Path of the file, or what :func:`~simmim_eval.weights.sources.resolve` turns into one.
        key: Where in the file the weights lie. Without it they are the top level, or under ``state_dict``, ``model``,
            ``module`` or ``teacher``; averaged weights beside them, such as ``model_ema``, are taken by name only.

    Raises:
        CheckpointError: no such file, an empty, truncated or foreign file, or one that pickles anything but
            tensors, plain data and the containers in ``STAND_INS``. Nothing that it pickles has run then.
    """
    found = resolve(source)
    path = found.path
    with open(path, "rb") as file:
        head = file.read(9)
    if not head:
        raise CheckpointError(f"{path}: the file is empty. Copy or download it again.")
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30:
        content: object = _read_safetensors(path)
    else:
        content = _read_pickled(path, is_zip=head.startswith(b"PK"))
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path}: holds a {type(content).__name__}; expected a dict of tensors. Save a model's state_dict()."
        )
    place = _place(path, content, key)
    weights = content[place] if place else content
    own = _own_entry(path, content.get("simmim_eval"))
    others = tuple(str(name) for name, value in weights.items() if not isinstance(value, Tensor)) if place else ()
    choice = _choice(place, content)
    return Checkpoint(path, found.source, _tensors(weights), others, choice, found.revision, *own)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(
            f"{path}: a truncated or broken safetensors file ({error}). Copy or download it again."
        ) from error


def _read_pickled(path: Path, *, is_zip: bool) -> object:
    if is_zip and not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path}: a truncated PyTorch checkpoint. Copy or download it again.")
    try:
        with _only_stand_ins():
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # hostile or random bytes make torch raise nearly anything
        if refused := REFUSED.search(str(error)):
            raise CheckpointError(
                f"{path}: pickles {refused[1] or f'a call of {refused[2]}'}, which is neither a tensor nor plain data; "
                "nothing of it was run. Save the model's state_dict() alone, as .safetensors."
            ) from error
        raise CheckpointError(
            f"{path}: not a checkpoint, or a damaged one ({_first_line(error)}); expected a file of torch.save or "
            "safetensors. Copy or download it again."
        ) from error


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".split("\n")[0][:120]


def _place(path: Path, content: Mapping[str, Any], key: str | None) -> str:
    """The key under which the weights lie; empty: the top level."""
    holders = [str(name) for name, value in content.items() if _tensors(value)]
    if key is not None:
        if key not in holders:
            raise CheckpointError(
                f"{path}: no tensors under {key!r}; there are some under: {', '.join(holders) or 'nothing'}. "
                "Correct key, or remove it."
            )
        return key
    found = [name for name in WRAPPERS if name in holders]
    if not found and not _tensors(content):
        keys = ", ".join(map(str, list(content)[:8])) or "nothing"
        raise CheckpointError(
            f"{path}: no tensors at the top level or under {' or '.join(WRAPPERS)}; it holds: {keys}. "
            "Save a model's state_dict(), or name the place by key."
        )
    if len(found) > 1:
        raise CheckpointError(
            f"{path}: tensors in more than one place ({', '.join(found)}). Save the intended state dict alone, or "
            "name it by key."
        )
    return found[0] if found else ""


def _choice(place: str, content: Mapping[str, Any]) -> str | None:
    others = [name for name in (*WRAPPERS, *OTHER_WEIGHTS) if name != place and _tensors(content.get(name))]
    if not place or not others:
        return None
    return f"The weights are those under {place!r}; the file also has {', '.join(others)}, taken if named by key"


def _tensors(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {str(name): value.detach() for name, value in content.items() if isinstance(value, Tensor)}


def _own_entry(path: Path, entry: object) -> tuple[dict[str, Any] | None, str | None, str | None]:
    if not isinstance(entry, Mapping):
        return None, None, None
    provenance, run_id, recipe = (entry.get(name) for name in ("provenance", "run_id", "recipe"))
    if not (isinstance(provenance, dict | None) and isinstance(run_id, str | None) and isinstance(recipe, str | None)):
        raise CheckpointError(f"{path}: simmim_eval.provenance must be a dict, simmim_eval.run_id and .recipe a text.")
    return provenance, run_id, recipe
