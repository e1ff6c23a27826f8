"""Faults of a suite's config and of a store of records, through the command line."""

import pytest
from demo_case import CONFIGS

SUITE = (CONFIGS / "suites" / "demo.py").read_text()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tranfser = []", ["tranfser", "its fields are title, arms"]),
        ("inits = ['random', 'other_ssl']", ["arms[0]", "'other_ssl'", "pretraining"]),
        ("del title", ["title"]),
        ("inits = ", ["cannot be read as a config"]),
    ],
)
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_wrong_suite(cli, demo_root, tmp_path, command, line, words):
    path = tmp_path / "suite.py"
    path.write_text(f"{SUITE}\n{line}\n")
    outcome = cli("suite", command, path, "--data-root", demo_root, "--work-dir", tmp_path / "work")
    outcome.refuses(path, *words)
    assert not (tmp_path / "work").exists()


def test_unknown_suite(cli, demo_root, tmp_path):
    outcome = cli("suite", "run", "suites/demmo.py", "--data-root", demo_root, "--work-dir", tmp_path / "work")
    outcome.refuses("suites/demmo.py", "did you mean suites/demo.py or")


@pytest.mark.parametrize(
    ("content", "words"),
    [('{"schema_version": 1, "run_id', ["not valid JSON", "truncated"]), ('{"schema_version": 1}', ["run_id"])],
)
def test_corrupted_record(cli, tmp_path, content, words):
    path = tmp_path / "work" / "records" / "0123456789abcdef.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    cli("table", tmp_path / "work").refuses(path, *words)
    assert not (tmp_path / "work" / "tables").exists()


def test_a_store_that_does_not_exist(cli, tmp_path):
    cli("table", tmp_path / "absent").refuses(tmp_path / "absent", "no transfer record")
    assert not (tmp_path / "absent").exists()
