"""Records as files: round trips, and every fault named by its field path."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from simmim_eval.errors import RecordError
from simmim_eval.records import (
    Attempt,
    Metric,
    Provenance,
    encode_attempt,
    encode_record,
    migrate,
    parse_attempt,
    parse_record,
    read_record,
    utc_now,
)

DATA = Path(__file__).parents[1] / "data" / "records"
OLD_RECORDS = sorted(DATA.glob("v*.json"))


def changed(path, value):
    """The transfer fixture's bytes with the field at ``path`` set to ``value``, or removed if it is ``...``."""
    plain = json.loads((DATA / "v1_transfer.json").read_bytes())
    *parents, last = path
    part = plain
    for key in parents:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return json.dumps(plain).encode()


@pytest.mark.parametrize("path", OLD_RECORDS, ids=lambda path: path.stem)
def test_old_records_stay_readable(path):
    record = read_record(path)
    assert record.run_id == json.loads(path.read_bytes())["run_id"]


@pytest.mark.parametrize("path", OLD_RECORDS, ids=lambda path: path.stem)
def test_round_trip_gives_the_same_bytes_and_the_plain_json_content(path):
    record = read_record(path)
    assert encode_record(record) == path.read_bytes()
    plain = json.loads(encode_record(record))
    assert plain == json.loads(path.read_bytes())
    assert plain["init"].keys() >= {"matched", "adapted", "unexpected"}, "defaults are written, too"


def test_unknown_provenance_is_written_as_such():
    plain = msgspec.to_builtins(Provenance())
    assert plain.pop("parent") is None
    assert set(plain.values()) == {"unknown"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("protocol", "num_samples"), "150", ["field protocol.num_samples", "`int`", "`str`"]),
        (("protocol", "num_samples"), 0, ["field protocol.num_samples", ">= 1"]),
        (("protocol", "evaluation"), {"sizes": [1, 2]}, ["field protocol.evaluation"]),
        (("metrics", 1, "value"), None, ["field metrics[1].value", "null"]),
        (("metrics", 0, "std_error"), None, ["field metrics[0]", "go together"]),
        (("metrics", 1, "name"), "box_ap", ["hold a name twice", "box_ap"]),
        (("metrics", 1, "primary"), True, ["primary metrics", "protocol.metric"]),
        (("budget", "recipe"), "abc", ["field budget.recipe"]),
        (("init", "kind"), "simclr", ["field init.kind", "simclr", "simmim+supervised"]),
        (("init", "weights"), None, ["init.weights", "excludes"]),
        (("init", "provenance", "labels_used"), "yes", ["field init.provenance.labels_used", "yes"]),
        (("init_profile", "layer_dcay"), 0.9, ["field init_profile", "layer_dcay", "did you mean layer_decay?"]),
        (("init", "provenance", "image_seen"), 1, ["field init.provenance", "did you mean images_seen?"]),
        (("surprise",), 1, ["unknown field `surprise`"]),
        (("cost",), ..., ["missing required field `cost`"]),
        (("created",), "2026-11-24T09:18:02+02:00", ["field created"]),
        (("artifacts",), {"checkpoint": "/home/me/x.pth"}, ["artifacts['checkpoint']", "relative"]),
        (("artifacts",), {"checkpoint": "../x.pth"}, ["artifacts['checkpoint']", "relative"]),
        (("artifacts",), {"checkpoint": "C:\\x.pth"}, ["artifacts['checkpoint']", "relative"]),
        (("run_id",), "../../etc/passwd", ["field run_id"]),
        (("run_id",), "0" * 16, ["run_id is 0000000000000000", "its content has 9e629894069472d1"]),
        (("seed",), 1, ["run_id is 9e629894069472d1"]),
        (("schema_version",), 2, ["schema_version is 2", "reads up to 1", "Install the newer"]),
        (("schema_version",), 0, ["schema_version is 0", "oldest known is 1"]),
        (("schema_version",), "1", ["schema_version is '1'"]),
        (("schema_version",), ..., ["schema_version is None"]),
    ],
)
def test_a_wrong_field_is_named(path, value, words):
    with pytest.raises(RecordError) as caught:
        parse_record(changed(path, value), "records/x.json")
    message = str(caught.value)
    assert message.startswith("records/x.json: ")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "truncated"),
        (changed(("seed",), 0)[:-200], "truncated"),
        (b"\x80\x02}q\x00.", "not UTF-8"),
        (b"[1, 2]", "expected one JSON object"),
        (changed(("metrics", 0, "value"), float("nan")), "NaN and Infinity"),
        (changed(("metrics", 0, "value"), float("-inf")), "NaN and Infinity"),
        (changed(("metrics", 0, "value"), 7.25).replace(b"7.25", b"1e999"), "out of range"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_broken_file_is_named(tmp_path, data, word):
    path = tmp_path / "broken.json"
    path.write_bytes(data)
    with pytest.raises(RecordError, match=word) as caught:
        read_record(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"absent\.json: cannot be read"):
        read_record(tmp_path / "absent.json")


@pytest.mark.parametrize("field", ["value", "std_error"])
def test_a_number_that_is_not_finite_is_not_written(field):
    record = read_record(DATA / "v1_transfer.json")
    broken = msgspec.structs.replace(record.metrics[0], **{field: float("nan")})
    record = msgspec.structs.replace(record, metrics=(broken, record.metrics[1]))
    with pytest.raises(RecordError, match=rf"field metrics\[0\]\.{field} is nan"):
        encode_record(record)


def test_a_record_with_a_wrong_id_is_not_written():
    record = msgspec.structs.replace(read_record(DATA / "v1_transfer.json"), run_id="0" * 16)
    with pytest.raises(RecordError, match="its content has"):
        encode_record(record)


def test_an_error_without_a_meaning_is_refused():
    with pytest.raises(ValueError, match="go together"):
        Metric(
            name="top1",
            value=1.0,
            unit="%",
            higher_is_better=True,
            floor=20.0,
            primary=True,
            num_samples=10,
            std_error=1.0,
        )


def test_migrations_are_applied_in_turn(monkeypatch):
    import simmim_eval.records.migrations as migrations

    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 3)
    table = {1: lambda old: {"b": old["a"]}, 2: lambda old: {"c": old["b"] + 1}}
    monkeypatch.setattr(migrations, "MIGRATIONS", table)
    assert migrate({"schema_version": 1, "a": 1}, "x.json") == {"schema_version": 3, "c": 2}
    with pytest.raises(RecordError, match="schema_version is 4"):
        migrate({"schema_version": 4}, "x.json")


def test_attempts_round_trip_and_name_their_faults():
    attempt = Attempt(
        schema_version=1,
        run_id="0123456789abcdef",
        status="failed",
        error="DataError: x.jpg is truncated",
        started=utc_now(),
        ended=utc_now(),
        task="detection",
        title="Swin-nano",
        init_kind="random",
        seed=0,
    )
    data = encode_attempt(attempt)
    assert parse_attempt(data, "1.json") == attempt
    with pytest.raises(RecordError, match=r"field status: .*expected one of interrupted, failed, completed"):
        parse_attempt(data.replace(b'"failed"', b'"crashed"'), "1.json")


def test_neither_room_imports_torch_or_openmmlab():
    code = (
        "import pkgutil, sys, simmim_eval.records, simmim_eval.results\n"
        "for room in (simmim_eval.records, simmim_eval.results):\n"
        "    for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "        __import__(module.name)\n"
        "heavy = ('torch', 'mm', 'timm', 'cv2', 'pycocotools')\n"
        "print([name for name in sys.modules if name.partition('.')[0].startswith(heavy)])"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert [name for name in json.loads(result.stdout.replace("'", '"')) if name != "mmap"] == []
