"""What changes a run's id and what does not."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simmim_eval.records import Protocol, Record, equal_records, read_record, record_id, run_id

DATA = Path(__file__).parents[1] / "data" / "records"
RECORD = read_record(DATA / "v1_transfer.json")
IDENTITY = ("protocol", "budget", "init_profile", "backbone", "method", "seed", "init_seed", "precision")
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


def rebuilt(plain):
    return msgspec.convert(plain, Record)


def leaves(part, path=()):
    """Paths of all scalar fields of plain data (a list counts as one)."""
    if isinstance(part, dict):
        return [leaf for key, value in part.items() for leaf in leaves(value, (*path, key))]
    return [path]


def other(value):
    """Another valid value of the same type."""
    if value is None:
        return 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, tuple):
        return tuple(item + 1 for item in value)
    return value[::-1] if value != value[::-1] else value + "x"


IDENTITY_LEAVES = [
    path
    for path in leaves(msgspec.to_builtins(RECORD))
    if path[0] in (*IDENTITY, "numerics_version") or path in [("init", "kind"), ("init", "weights")]
]


def test_the_id_is_the_hash_of_canonical_json_written_out_by_hand():
    plain = json.loads((DATA / "v1_transfer.json").read_bytes())
    identity = {name: plain[name] for name in (*IDENTITY, "numerics_version")}
    identity["init"] = {name: plain["init"][name] for name in ("kind", "weights")}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert RECORD.run_id == record_id(RECORD) == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("path", IDENTITY_LEAVES, ids=".".join)
def test_every_identity_field_changes_the_id(path):
    plain = msgspec.to_builtins(RECORD)
    part = plain
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = "other_ssl" if path == ("init", "kind") else other(part[path[-1]])
    if path == ("protocol", "metric"):  # the primary metric has to follow
        for metric in plain["metrics"]:
            metric["primary"] = False
        plain["metrics"][0].update(name=part["metric"], primary=True)
    changed = rebuilt(plain)
    assert record_id(changed) != RECORD.run_id
    assert not equal_records(changed, RECORD)


def test_all_identity_fields_were_tried():
    assert len(IDENTITY_LEAVES) == 33


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1), st.text()),
    st.floats(0, 1e9),
    st.text(min_size=1),
    st.dictionaries(st.text(), st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}", fullmatch=True)),
)
def test_cost_environment_paths_and_labels_change_nothing(packages, seconds, text, artifacts):
    plain = msgspec.to_builtins(RECORD)
    plain["environment"].update(packages=packages, platform=text, git=text)
    plain["cost"].update(seconds=seconds, train_seconds=seconds, peak_memory_mb=seconds)
    plain["init"]["provenance"]["cost_seconds"] = seconds
    plain["init"]["source"] = text
    plain.update(artifacts=artifacts, name=text, title=text, created="2030-01-01T00:00:00Z")
    changed = rebuilt(plain)
    assert record_id(changed) == RECORD.run_id
    assert equal_records(changed, RECORD)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), SCALARS | st.text()), st.randoms())
def test_the_order_of_keys_changes_nothing_and_a_file_keeps_the_id(evaluation, random):
    def id_of(settings):
        protocol = msgspec.structs.replace(RECORD.protocol, evaluation=settings)
        return record_id(msgspec.structs.replace(RECORD, protocol=protocol)), protocol

    shuffled = list(evaluation.items())
    random.shuffle(shuffled)
    identity, protocol = id_of(evaluation)
    assert identity == id_of(dict(shuffled))[0]
    assert identity == id_of(msgspec.json.decode(msgspec.json.encode(protocol), type=Protocol).evaluation)[0]


def test_an_integer_where_a_float_is_meant_is_the_same_run():
    profile = msgspec.structs.replace(RECORD.init_profile, base_lr=1, layer_decay=1, window_size=[6, 6, 3])
    same = msgspec.structs.replace(RECORD.init_profile, base_lr=1.0, layer_decay=1.0, window_size=(6, 6, 3))
    ids = [record_id(msgspec.structs.replace(RECORD, init_profile=one)) for one in (profile, same)]
    assert ids[0] == ids[1]


def test_the_id_can_be_told_before_the_run():
    early = run_id(
        protocol=RECORD.protocol,
        budget=RECORD.budget,
        init_profile=RECORD.init_profile,
        backbone=RECORD.backbone,
        method=RECORD.method,
        init_kind="simmim",
        init_weights=read_record(DATA / "v1_pretrain.json").run_id,
        seed=0,
        init_seed=0,
        numerics_version=RECORD.numerics_version,
    )
    assert early == RECORD.run_id


def test_a_field_that_a_backbone_has_no_use_for_does_not_enter():
    """Ids of records older than the field stay what they are; where it is set it counts."""
    assert "decay_rule" not in msgspec.to_builtins(RECORD.init_profile)
    other_rule = msgspec.structs.replace(RECORD.init_profile, decay_rule="group")
    assert record_id(msgspec.structs.replace(RECORD, init_profile=other_rule)) != RECORD.run_id


def test_how_a_batch_was_shared_is_kept_and_changes_nothing():
    told = msgspec.structs.replace(RECORD.environment, processes=4, accumulation=2)
    shared = msgspec.structs.replace(RECORD, environment=told)
    assert equal_records(shared, RECORD) and record_id(shared) == RECORD.run_id
    assert (RECORD.environment.processes, RECORD.environment.accumulation) == (None, None)
    assert msgspec.to_builtins(shared)["environment"]["processes"] == 4


@pytest.mark.parametrize("path", [("metrics", 0, "value"), ("init", "matched"), ("init", "provenance", "overlap")])
def test_another_outcome_is_not_equal(path):
    plain = msgspec.to_builtins(RECORD)
    part = plain
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = other(part[path[-1]])
    assert not equal_records(rebuilt(plain), RECORD)
