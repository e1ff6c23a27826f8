"""requirements.lock is closed, minimal, and what pyproject.toml and each locked package ask for, on every Python."""

import re
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
# opencv-python-headless stands in for the first two; decord is one of two optional readers of video.
REPLACED = {"opencv-python": "opencv-python-headless", "opencv-contrib-python": "opencv-python-headless"}
LEFT_OUT = {"decord"}


@pytest.fixture(scope="module")
def lines() -> list[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def lock(lines: list[str]) -> dict[str, str]:
    return {canonicalize_name(name): pinned for name, pinned in (line.split("==") for line in lines)}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def needed(requirement: Requirement, python: str, extras: set[str]) -> bool:
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras or {""})


def closure(roots: list[str], python: str) -> dict[str, list[tuple[str, Requirement]]]:
    """Locked name -> who asks for it and how, from ``roots`` down through the metadata of what is installed."""
    asked: dict[str, list[tuple[str, Requirement]]] = {}
    waiting = [("pyproject.toml", Requirement(root)) for root in roots]
    walked: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        asker, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT:
            continue
        name = REPLACED.get(name, name)
        asked.setdefault(name, []).append((asker, requirement))
        if (name, frozenset(requirement.extras)) in walked:
            continue
        walked.add((name, frozenset(requirement.extras)))
        for text in distribution(name).requires or []:
            child = Requirement(text)
            if needed(child, python, requirement.extras):
                waiting.append((name, child))
    return asked


def test_every_line_is_one_pinned_name(lines: list[str]) -> None:
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
    names = [canonicalize_name(line.split("==")[0]) for line in lines]
    assert len(set(names)) == len(names)


def test_this_environment_is_the_lock(lock: dict[str, str]) -> None:
    assert {name: version(name) for name in lock} == lock


@pytest.mark.parametrize("python", PYTHONS)
def test_closed_minimal_and_satisfied(python: str, lock: dict[str, str], project: dict) -> None:
    roots = project["dependencies"] + project["optional-dependencies"]["dev"]
    asked = closure(roots, python)
    assert sorted(set(asked) - set(lock)) == [], "asked for but not locked"
    assert sorted(set(lock) - set(asked)) == [], "locked but not asked for"
    unmet = [
        f"{asker} wants {requirement}, the lock has {lock[name]}"
        for name, askers in asked.items()
        for asker, requirement in askers
        if not requirement.specifier.contains(lock[name], prereleases=True)
    ]
    assert unmet == []


def test_only_the_headless_opencv(lock: dict[str, str]) -> None:
    assert [name for name in lock if "opencv" in name] == ["opencv-python-headless"]
