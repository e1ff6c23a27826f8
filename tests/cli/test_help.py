"""Every command says what it is for, with an example that parses."""

import shlex

import pytest
import typer

from simmim_eval.cli.main import app

COMMANDS = {
    "": [],
    "pretrain": ["pretrain"],
    "transfer": ["transfer"],
    "evaluate": ["evaluate"],
    "table": ["table"],
    "doctor": ["doctor"],
    "plan": ["plan"],
    "inspect": ["inspect"],
    "suite run": ["suite", "run"],
    "suite status": ["suite", "status"],
    "suite clean": ["suite", "clean"],
    "data make-demo": ["data", "make-demo"],
    "data check": ["data", "check"],
    "verify": ["verify"],
}


def leaves(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_the_list_is_complete():
    assert {name for name, _ in leaves(typer.main.get_command(app))} == COMMANDS.keys() - {""}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_help_has_an_example(cli, words):
    outcome = cli(*words, "--help")
    assert outcome.code == 0
    assert "Example: simmim-eval" in outcome.out


def test_examples_parse():
    for name, command in leaves(typer.main.get_command(app)):
        words = shlex.split(command.epilog.removeprefix("Example: simmim-eval "))[len(name.split()) :]
        command.make_context(name, words)


def test_groups_alone_show_their_commands(cli):
    for words, expected in ([], "transfer"), (["suite"], "status"), (["data"], "make-demo"):
        assert expected in (outcome := cli(*words)).out + outcome.err


def test_version(cli):
    from simmim_eval import __version__

    assert cli("--version").out.strip() == __version__


def test_a_word_too_few(cli):
    outcome = cli("transfer")
    assert outcome.code == 2
    assert "config" in outcome.err.lower()
