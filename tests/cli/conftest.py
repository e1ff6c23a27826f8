"""The real command line, in this process, and what it leaves on a disk."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo_case import RECIPES, STEPS
from mmengine.utils import ManagerMixin

from simmim_eval.cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def refuses(self, *words: str) -> str:
        """Exit code 2 and one message on the error stream with all the words; returns the message."""
        assert self.code == 2, self
        assert "Traceback" not in self.out + self.err
        messages = [line for line in self.err.splitlines() if line.strip()]
        assert len(messages) == 1 and messages[0].startswith("error: "), self.err
        for word in words:
            assert str(word) in messages[0], (word, messages[0])
        return messages[0]


Cli = Callable[..., Outcome]


def _forget(kind: type) -> None:
    """Drop mmengine's loggers, message hubs and visualizers: a new process would not know those of another run."""
    for subclass in kind.__subclasses__():
        getattr(subclass, "_instance_dict", {}).clear()
        _forget(subclass)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli("table", folder)`` runs ``simmim-eval table folder``."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["simmim-eval", *map(str, arguments)])
        capsys.readouterr()
        _forget(ManagerMixin)
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(end.value.code or 0), out, err)

    return run


@pytest.fixture
def transfer(cli: Cli, demo_root: Path, tmp_path: Path) -> Cli:
    """A short transfer: ``transfer("detection", data_root=..., init=...)``; options follow as further arguments."""

    def run(
        recipe: str, *more: object, data_root: Path = demo_root, init: str = "random", work_dir: Path | None = None
    ) -> Outcome:
        arguments = ["--init", init, "--data-root", data_root, "--work-dir", work_dir or tmp_path / "work"]
        steps = ["--cfg-options", f"train_cfg.max_iters={STEPS}"]
        return cli("transfer", RECIPES.get(recipe, recipe), *arguments, *steps, *more)

    return run
