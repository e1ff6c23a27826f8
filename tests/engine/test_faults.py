"""What upstream raises becomes what a user can act on; whatever is no fault of the user stays as it is."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS, TRANSFORMS

from simmim_eval.engine.faults import explained
from simmim_eval.errors import ConfigError, DataError, MaskError, UserError

FILE = Path("mine.py")


def told(config: dict, work) -> str:
    with pytest.raises(UserError) as fault, explained(FILE, Config(config)):
        work()
    return str(fault.value)


def test_a_type_is_found_where_it_stands():
    config = {"model": {"neck": [{"type": "simmim_eval.Swing"}]}}
    message = told(config, lambda: MODELS.build(config["model"]["neck"][0]))
    assert message.startswith("mine.py: model.neck.0.type is 'simmim_eval.Swing'")
    assert "simmim_eval.Swin" in message.partition("(")[2]


def test_a_type_in_nobodys_config_is_named_all_the_same():
    assert "'Nothing'" in told({}, lambda: TRANSFORMS.build({"type": "Nothing"}))


def test_an_argument_that_is_missing():
    config = {"pipeline": [{"type": "simmim_eval.PlayClip"}]}
    message = told(config, lambda: TRANSFORMS.build(config["pipeline"][0]))
    assert message.startswith("mine.py: pipeline.0 lacks 'play'")


def test_a_class_instead_of_a_name():
    class Head:
        def __init__(self, width: int) -> None: ...

    config = {"model": {"type": Head, "widht": 3}}
    message = told(config, lambda: MODELS.build(config["model"]))
    assert "model.widht" in message and "did you mean width?" in message


def test_the_traceback_of_a_worker_is_left_out():
    text = (
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        '  File "x.py", line 1, in f\nsimmim_eval.errors.DataError: a.jpg: earlier\n\nDuring handling\n'
        "simmim_eval.errors.DataError: a.jpg: cannot be decoded.\n"
    )

    def fail():
        raise DataError(text)

    assert told({}, fail) == "a.jpg: cannot be decoded."


@pytest.mark.parametrize(("kind", "expected"), [(ConfigError, "mine.py: x is 3."), (MaskError, "mine.py: x is 3.")])
def test_a_fault_of_the_recipe_names_its_file_once(kind, expected):
    def fail(message):
        raise kind(message)

    assert told({}, lambda: fail("x is 3.")) == expected
    assert told({}, lambda: fail(expected)) == expected
    assert told({}, lambda: fail("--split x")) == "--split x"


@pytest.mark.parametrize(
    "error", [KeyError("weight"), TypeError("unsupported operand"), AttributeError("x"), KeyError()]
)
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as kept, explained(FILE, Config({})):
        raise error
    assert kept.value is error
