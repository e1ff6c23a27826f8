"""Each view against the table it shows; the words against DESIGN's sample."""

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from simmim_eval.errors import UserError
from simmim_eval.results import (
    Cell,
    Column,
    Difference,
    Row,
    Table,
    print_table,
    to_csv,
    to_json,
    to_markdown,
    write_tables,
)


def images(value, error=1.9, **more):
    return Cell(value, error, 1, "images", "binomial", run_ids=("0123456789abcdef",), **more)


SAMPLE = Table(
    heading="Demo suite · Swin-nano · n = 1 (± over images, no verdict) · not evidence",
    columns=(
        Column("classification", "top1", "top-1", "%", 20.0, True, 700),
        Column("detection", "box_ap", "box AP", "points", 0.0, True, 150),
        Column("pretraining", "masked_l1", "loss"),
    ),
    rows=(
        Row("Swin-nano", "random", "random", "–", None, (images(40.123), images(2.5), Cell(missing="no record"))),
        Row(
            "Swin-nano",
            "supervised",
            "supervised",
            "28.8k images, labels",
            75.4,
            (images(48.2), images(7.04, None), Cell(missing="run x failed")),
        ),
        Row("Swin-nano", "simmim", "SimMIM", "28.8k images", 86.0, (images(44.1), images(-0.04), images(0.4))),
    ),
    differences=(
        Difference(1, 0, 0, 8.077, None, None, 1, None),
        Difference(2, 0, 1, -4.1, None, None, 1, None),
        Difference(2, 0, 0, 3.977, None, None, 1, None),
    ),
    notes=("few photographs", "– random, loss: no record"),
    footer="floor in brackets · reproduce: simmim-eval suite run configs/suites/demo.py · 5 records",
    n_varies=False,
)
SEEDED = replace(
    SAMPLE,
    differences=(
        Difference(1, 0, 0, 8.077, 2.0, 14.2, 3, "better"),
        Difference(2, 0, 1, -4.1, -9.0, 0.8, 3, "not distinguishable"),
    ),
)


def printed(table, width=160):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_table(table, console)
    return console.file.getvalue()


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[word.strip() for word in line.strip("|").split(" | ")] for line in lines]


def test_terminal_has_the_shape_of_the_design():
    lines = [line.rstrip() for line in printed(SAMPLE).splitlines()]
    assert lines[0] == SAMPLE.heading
    words = [list(filter(None, map(str.strip, line.split("   ")))) for line in lines[1:5]]
    assert words == [
        ["init", "pre-training", "cost", "top-1 (20.0)", "box AP (0)", "loss"],
        ["random", "–", "–", "40.1 ± 1.9", "2.5 ± 1.9", "–"],
        ["supervised", "28.8k images, labels", "75 s", "48.2 ± 1.9", "7.0", "–"],
        ["SimMIM", "28.8k images", "86 s", "44.1 ± 1.9", "0.0 ± 1.9", "0.4 ± 1.9"],
    ]
    assert lines[5:] == [SAMPLE.footer, *SAMPLE.notes]


def test_terminal_prints_names_as_they_are():
    row = replace(SAMPLE.rows[0], label="[bold]x[/bold]")
    assert "[bold]x[/bold]" in printed(replace(SAMPLE, rows=(row,), differences=()))


def test_markdown_holds_the_same_words():
    text = to_markdown(SAMPLE)
    rows = markdown_rows(text)
    assert rows[0] == ["init", "pre-training", "cost", "top-1 (20.0)", "box AP (0)", "loss"]
    assert rows[1] == ["---", "---", "---:", "---:", "---:", "---:"]
    assert rows[4] == ["SimMIM", "28.8k images", "86 s", "44.1 ± 1.9", "0.0 ± 1.9", "0.4 ± 1.9"]
    assert text.startswith("**Demo suite · Swin-nano · n = 1")
    assert "- few photographs\n" in text


@pytest.mark.parametrize("render", [printed, to_markdown])
def test_no_row_is_set_apart_as_best(render):
    one, other = render(SAMPLE), render(replace(SAMPLE, rows=SAMPLE.rows[::-1], differences=()))
    assert sorted(one.split()) == sorted(other.split())
    assert "**48.2" not in one and one.count("**") in (0, 2)


@pytest.mark.parametrize("render", [printed, to_markdown])
def test_differences_are_shown_with_interval_and_verdict(render):
    text = render(SEEDED).replace("\\", "")
    assert "supervised − random" in text and "+8.1 [2.0, 14.2] better" in text
    assert "SimMIM − supervised" in text and "−4.1 [−9.0, 0.8] not distinguishable" in text
    assert "SimMIM − supervised" not in render(SAMPLE), "one run each: nothing to read from a difference"


def test_cells_state_their_n_when_it_varies_and_their_mark():
    cells = (Cell(40.0, 1.0, 3, "fine-tuning seeds"), images(2.0), images(1.0, mark="budget.iterations (1, not 2)"))
    rows = markdown_rows(to_markdown(replace(SAMPLE, rows=(replace(SAMPLE.rows[0], cells=cells),), n_varies=True)))
    assert rows[2][3:] == [
        "40.0 ± 1.0 (n = 3, fine-tuning seeds)",
        "2.0 ± 1.9 (n = 1, images)",
        "1.0 ± 1.9 (n = 1, images) \\*",
    ]


def test_several_backbones_get_a_column():
    table = replace(SAMPLE, rows=(SAMPLE.rows[0], replace(SAMPLE.rows[1], backbone="Swin-tiny")))
    rows = markdown_rows(to_markdown(table))
    assert [row[0] for row in rows] == ["backbone", "---", "Swin-nano", "Swin-tiny"]
    assert rows[1][:5] == ["---", "---", "---", "---:", "---:"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "unknown"), (75.4, "75 s"), (600, "10 min"), (86400 * 3, "72.0 h")]
)
def test_costs_are_readable(seconds, words):
    row = replace(SAMPLE.rows[1], cost_seconds=seconds)
    assert markdown_rows(to_markdown(replace(SAMPLE, rows=(row,), differences=())))[2][2] == words


def test_markdown_cells_cannot_be_broken():
    row = replace(SAMPLE.rows[0], label="a | b\n**c** <script> `d` [e](f)")
    text = to_markdown(replace(SAMPLE, rows=(row,), differences=()))
    line = text.splitlines()[4]
    assert line.replace("\\|", "").count("|") == len(SAMPLE.columns) + 4
    assert "<script>" not in text and "**c**" not in text and "[e](f)" not in text
    assert "a \\| b \\*\\*c\\*\\*" in line


@pytest.mark.parametrize("table", [SAMPLE, SEEDED])
def test_csv_parsed_back_equals_json(table):
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    found = json.loads(to_json(table))
    assert len(lines) == len(table.rows) * len(table.columns)
    for position, line in enumerate(lines):
        i, j = divmod(position, len(table.columns))
        row, column = found["rows"][i], found["columns"][j]
        expected = {name: row[name] for name in ("backbone", "init", "label", "pretraining", "cost_seconds")}
        expected |= {**column, **{key: value for key, value in row["cells"][j].items() if key != "run_ids"}}
        for one in found["differences"]:
            if (one["row"], one["column"]) == (i, j):
                kind = found["rows"][one["baseline"]]["init"]
                names = ("value", "low", "high", "n", "verdict")
                expected |= {f"minus_{kind}_{name}": one[name] for name in names}
        assert line.pop("run_ids").split() == row["cells"][j]["run_ids"]
        for name, text in line.items():
            value = expected.get(name)
            assert text == ("" if value is None else str(value)), name
            assert not isinstance(value, float) or float(text) == value


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\r=1"])
def test_csv_text_is_never_a_formula(text):
    table = replace(SAMPLE, rows=(replace(SAMPLE.rows[0], label=text),), differences=())
    (first, *_) = csv.DictReader(io.StringIO(to_csv(table), newline=""))
    assert first["label"] == f"'{text}".replace("\r", " ")
    negative = replace(SAMPLE, rows=(SAMPLE.rows[2],), differences=())
    assert "-0.04" in to_csv(negative).split(","), "numbers stay numbers"


def test_json_is_the_whole_table():
    found = json.loads(to_json(SEEDED))
    assert found["heading"] == SEEDED.heading and found["notes"] == list(SEEDED.notes)
    assert found["rows"][0]["cells"][2]["missing"] == "no record"
    assert found["differences"][1]["verdict"] == "not distinguishable"
    with pytest.raises(ValueError):
        to_json(replace(SAMPLE, rows=(replace(SAMPLE.rows[0], cells=(images(float("nan")),)),)))


def test_tables_are_written_as_files_and_replaced(tmp_path):
    folder = tmp_path / "tables"
    paths = write_tables(SAMPLE, folder, "demo")
    assert sorted(path.name for path in folder.iterdir()) == ["demo.csv", "demo.json", "demo.md"]
    write_tables(SEEDED, folder, "demo")
    assert [path.read_text() for path in paths] == [to_markdown(SEEDED), to_csv(SEEDED), to_json(SEEDED)]
    assert len(list(folder.iterdir())) == 3
    with pytest.raises(UserError, match=r"demo\.md/demo\.md: cannot be written"):
        write_tables(SAMPLE, paths[0], "demo")
