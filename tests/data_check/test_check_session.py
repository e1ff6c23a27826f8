"""What all checks share: nothing written into the data, the cache, the processes, the kinds, progress."""

import os
import sqlite3

import msgspec
import pytest
from check_case import FOLDERS, Case, picture

from simmim_eval.data.check import CHECKS, Report, check_data
from simmim_eval.data.check.cache import ResultCache, default_cache
from simmim_eval.data.check.examine import Examined, examine_chunk
from simmim_eval.data.check.kinds import KINDS
from simmim_eval.data.check.parallel import CHUNK, Examiners
from simmim_eval.errors import ConfigError, UserError


def kill_at_two(examiner, paths):
    """Examine files in a process that a file named ``2`` kills."""
    if "2" in paths:
        os._exit(1)
    return [Examined(facts={"path": path}) for path in paths]


def test_a_row_for_every_check():
    assert CHECKS.keys() == FOLDERS.keys()


@pytest.mark.parametrize("dataset", CHECKS)
def test_nothing_is_written_into_the_data(dataset, tmp_path):
    case = Case(dataset, tmp_path)
    before = case.snapshot()
    first, second = case.check(), case.check()
    assert case.snapshot() == before
    assert first.examined > 0 and first.cached == 0
    assert (second.examined, second.cached) == (0, first.examined)
    assert first.counts == second.counts and first.groups == second.groups and first.facts == second.facts


def test_a_changed_file_is_examined_again(case):
    imagenet = case("imagenet")
    assert imagenet.check().examined == 6
    picture().save(imagenet.path("n01440764_18.JPEG"))
    assert (imagenet.check().examined, imagenet.check().cached) == (1, 6)
    path = imagenet.path("n01440764_36.JPEG")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(len(content) - 100))  # of equal size: the time tells
    assert imagenet.check().examined == 1


def test_kept_faults_are_told_again(case):
    imagenet = case("imagenet")
    imagenet.path("n01440764_18.JPEG").write_bytes(b"<html>")
    first = imagenet.check()
    assert not first.is_clean and first.groups == imagenet.check().groups


def test_cache_in_the_data_is_refused(case):
    imagenet = case("imagenet")
    with pytest.raises(UserError, match="the cache would lie in the data"):
        imagenet.check(cache=imagenet.root / "cache.sqlite")


def test_cache_by_default_is_the_users(tmp_path, monkeypatch, case):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    imagenet = case("imagenet")
    imagenet.check(cache=None)
    assert default_cache(imagenet.root).is_file() and default_cache(imagenet.root).is_relative_to(tmp_path / "home")


def test_a_file_that_is_no_cache_is_refused_and_kept(case, tmp_path):
    path = tmp_path / "precious.txt"
    path.write_text("my notes\n" * 100)
    with pytest.raises(UserError, match=r"precious\.txt: cannot be used as the cache"):
        case("imagenet").check(cache=path)
    assert path.read_text() == "my notes\n" * 100


def test_a_cache_that_another_check_writes_to(case, tmp_path):
    imagenet = case("imagenet")
    with ResultCache(imagenet.cache, imagenet.root) as one, ResultCache(imagenet.cache, imagenet.root) as two:
        one.keep("image", [("a", (1, 1), Examined(facts={"n": 1}))])
        two.keep("image", [("b", (1, 1), Examined(facts={"n": 2}))])
        assert [
            found and found.facts["n"] for found in one.find("image", [("a", (1, 1)), ("b", (1, 1)), ("b", (2, 1))])
        ]
    assert sqlite3.connect(imagenet.cache).execute("SELECT count(*) FROM results").fetchone() == (2,)


@pytest.mark.slow
def test_other_processes_find_the_same(tmp_path):
    paths = []
    for number in range(2 * CHUNK + 3):
        path = tmp_path / f"{number}.png"
        picture(8, 8, number).save(path)
        if number % 7 == 0:
            path.write_bytes(path.read_bytes()[:60])
        paths.append(str(path))
    expected = dict(zip(paths, examine_chunk("image", paths), strict=True))
    with Examiners(2, few=0) as examiners:
        found = {
            path: result
            for chunk, results in examiners.examine("image", paths)
            for path, result in zip(chunk, results, strict=True)
        }
    assert found == expected and sum(bool(result.faults) for result in found.values()) == 10


@pytest.mark.slow
def test_a_file_that_kills_its_process_is_named_and_the_rest_goes_on():
    paths = [str(number) for number in range(4 * CHUNK)]
    with Examiners(1, kill_at_two, few=0) as examiners:
        examiners.workers = 2
        found = dict(
            pair for chunk, results in examiners.examine("image", paths) for pair in zip(chunk, results, strict=True)
        )
    assert sorted(found, key=int) == paths
    assert [path for path, result in found.items() if result.faults] == ["2"]
    assert found["2"].faults[0][0] == "crash"


def test_progress_is_told(case):
    told = []
    case("ade20k").check(progress=lambda *news: told.append(news))
    stages = [stage for stage, _, _ in told]
    assert list(dict.fromkeys(stages)) == [
        "training label maps",
        "training images",
        "validation label maps",
        "validation images",
    ]
    assert ("training images", 2, 2) in told


def test_report_survives_json(case):
    report = case("coco").check()
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_kinds_have_a_mend():
    for kind, known in KINDS.items():
        assert known.title and known.mend.endswith("."), kind


def test_wrong_arguments(tmp_path):
    with pytest.raises(ConfigError, match="no such data set; did you mean imagenet"):
        check_data("imagenets", tmp_path)
    with pytest.raises(ConfigError, match="--workers 0"):
        check_data("imagenet", tmp_path, workers=0)
