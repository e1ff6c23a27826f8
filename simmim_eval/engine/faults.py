"""What mmengine and torch raise over a fault in a recipe or a file, as the message that the user needs."""

import inspect
import linecache
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine import registry as registries
from mmengine.config import Config
from mmengine.registry import Registry

from simmim_eval.engine.missing import missing_package, missing_scope
from simmim_eval.engine.recipe import class_name
from simmim_eval.errors import ConfigError, MaskError, UserError, nearest

__all__ = ["explained"]

UPSTREAM = ("mmaction", "mmcv", "mmdet", "mmengine", "mmseg", "timm")
UNKNOWN_TYPE = re.compile(r"^(\S+) is not in the (\S+)::(.+?) registry")
UNKNOWN_ARGUMENT = re.compile(r"(?:(\w+)\.__init__|(\w+))\(\) got an unexpected keyword argument '(\w+)'")
MISSING_ARGUMENT = re.compile(r"(?:(\w+)\.__init__|(\w+))\(\) missing \d+ required .*arguments?: (.+)")
MISSING_STAGE = re.compile(r"^'(\w+)' object has no attribute '([a-z_]+\d+)'")
MISSING_FIELD = re.compile(r"^'ConfigDict' object has no attribute '(\w+)'")


@contextmanager
def explained(path: Path, config: Config) -> Iterator[None]:
    """Turn faults of a recipe into a ConfigError that names file and field, and free our own errors of wrappings.

    Args:
        path: The recipe's file, for the message.
        config: The recipe, to find the field in.

    Raises:
        ConfigError: A type that nobody registered, an argument that does not exist or is missing, a missing field, a
            package that is not installed, a condition of a library that the recipe does not meet.
        UserError: One of ours, with the recipe's file if it is a fault of the recipe, and without the traceback that
            torch puts before it in a data worker.
    """
    try:
        yield
    except UserError as error:
        message = _without_worker(error)
        if isinstance(error, ConfigError | MaskError) and not message.startswith(("--", str(path))):
            message = f"{path}: {message}"
        if message == str(error):
            raise
        raise type(error)(message) from None
    except (ImportError, RuntimeError) as error:
        fault = missing_package(error)
        if fault is None:
            raise
        raise ConfigError(f"{path}: {fault}") from error
    except AssertionError as error:
        fault = _unmet_condition(error)
        if fault is None:
            raise
        raise ConfigError(f"{path}: {fault}") from error
    except (KeyError, TypeError, AttributeError) as error:
        fault = _fault(str(error.args[0]) if error.args else "", config)
        if fault is None:
            raise
        raise ConfigError(f"{path}: {fault}") from error


def _without_worker(error: UserError) -> str:
    """The message proper of an error that torch raised again with the traceback of a data worker inside its text."""
    text = str(error)
    kind = f"{type(error).__module__}.{type(error).__qualname__}: "
    return text.rpartition(f"\n{kind}")[2].strip() if "Original Traceback" in text else text


def _fault(text: str, config: Config) -> str | None:
    plain = config._cfg_dict.to_dict()
    if match := UNKNOWN_TYPE.search(text):
        name, _, kind = match.groups()
        place = _place(plain, lambda node: node.get("type") == name)
        where = f"{place}.type" if place else "a type"
        if told := missing_scope(name):
            return f"{where} is {name!r}: {told}"
        return f"{where} is {name!r}, no registered {kind} ({_nearest_type(name, kind)}). Correct the name."
    if match := UNKNOWN_ARGUMENT.search(text):
        return _unknown_argument(plain, match[1] or match[2], match[3])
    if match := MISSING_ARGUMENT.search(text):
        owner = match[1] or match[2]
        place = _place(plain, lambda node: class_name(node) == owner)
        return f"{place or owner} lacks {match[3]}, which {owner} needs. Set it."
    if match := MISSING_STAGE.search(text):
        owner = match[1]
        place = _place(plain, lambda node: class_name(node) == owner)
        return (
            f"{place or owner}: {owner} has no {match[2]}. Its out_indices or frozen_stages name a stage that "
            "does not exist; lower them."
        )
    if match := MISSING_FIELD.search(text):
        return f"has no field {match[1]!r} where a recipe needs one. Set it as the recipes in configs/ do."
    return None


def _unmet_condition(error: AssertionError) -> str | None:
    """What a library's ``assert`` asked for; None for an assert of anyone else, which is no fault of a recipe."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    parts = Path(last.filename).parts
    if "site-packages" not in parts or not set(parts) & set(UPSTREAM):
        return None
    if str(error):
        return f"{error} ({last.name} in {Path(last.filename).name}). Correct the recipe."
    condition = linecache.getline(last.filename, last.lineno or 0).strip().removeprefix("assert ")
    return f"does not meet a condition of {Path(last.filename).name}, {last.name}: {condition}. Correct the recipe."


def _unknown_argument(plain: Mapping[str, Any], owner: str, argument: str) -> str:
    place = _place(plain, lambda node: argument in node and class_name(node) == owner)
    place = place or _place(plain, lambda node: argument in node and "type" in node)
    if not place:
        return f"{owner} takes no argument {argument!r}. Correct or remove it."
    kind = _node(plain, place)["type"]
    known = nearest(argument, _parameters(kind, owner))
    return f"{place}.{argument}: {kind} takes no argument {argument!r} ({known}). Correct or remove it."


def _place(node: Any, wanted: Callable[[Mapping[str, Any]], bool], path: str = "") -> str:
    """Dotted path of the first mapping that is ``wanted``; empty if there is none."""
    if isinstance(node, Mapping):
        if path and wanted(node):
            return path
        items: Any = node.items()
    else:
        items = enumerate(node) if isinstance(node, list | tuple) else ()
    found = (_place(value, wanted, f"{path}.{key}" if path else str(key)) for key, value in items)
    return next(filter(None, found), "")


def _node(node: Any, path: str) -> Any:
    for part in path.split("."):
        node = node[int(part)] if isinstance(node, list | tuple) else node[part]
    return node


def _roots() -> list[Registry]:
    return [value for value in vars(registries).values() if isinstance(value, Registry)]


def _nearest_type(name: str, kind: str) -> str:
    """Names that are registered as a ``kind``, compared with and without their scope."""
    known = set()
    for root in _roots():
        if root.name == kind:
            known |= {*root.module_dict}
            for scope, child in root.children.items():
                known |= {f"{scope}.{key}" if "." in name else key for key in child.module_dict}
    return nearest(name, known)


def _parameters(kind: Any, owner: str) -> set[str]:
    """Names of the arguments of a type, and of the class ``owner`` that refused one, where that is a base of it."""
    classes = {root.get(kind) for root in _roots()} if isinstance(kind, str) else {kind}
    for root in _roots():
        classes |= {child.module_dict.get(owner) for child in (root, *root.children.values())}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    signatures = (inspect.signature(one).parameters.values() for one in classes if one is not None)
    return {parameter.name for one in signatures for parameter in one if parameter.kind in named}
