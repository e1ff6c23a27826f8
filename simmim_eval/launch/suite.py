"""A suite: the matrix of backbones, initialisations, tasks and seeds, as a config says it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from simmim_eval.engine.recipe import find_config, read_config
from simmim_eval.errors import ConfigError
from simmim_eval.records import InitKind

__all__ = ["Arm", "CitedCell", "Pretraining", "Suite", "read_suite"]

Count = Annotated[int, msgspec.Meta(ge=1)]
UNTRAINED: tuple[InitKind, ...] = ("random", "from_scratch")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Common rules of all parts of a suite."""


class Pretraining(_Part, frozen=True):
    """A recipe whose run gives initial weights.

    Attributes:
        recipe: The recipe.
        init: Kind of initialisation that it starts from itself: ``random``, or one that its arm makes or is given.
    """

    recipe: str
    init: InitKind = "random"


class CitedCell(_Part, frozen=True):
    """A cell that is not run: its number was published.

    Fine-tuning a supervised checkpoint on the labels that it was trained on is no transfer; the cell is then the
    checkpoint's own number.

    Attributes:
        recipe: The transfer recipe whose cell it is.
        init: The initialisation whose cell it is.
        value: In the unit of the recipe's primary metric.
        source: Where it was read.
    """

    recipe: str
    init: InitKind
    value: float
    source: str


class Arm(_Part, frozen=True):
    """One backbone: where its initial weights come from, and what it is transferred to.

    Attributes:
        transfer: Recipes of the transfer tasks, the longest first.
        pretraining: Kind of initialisation to the run that makes its weights.
        checkpoints: Kind of initialisation to a checkpoint that is there already; it goes before ``pretraining``.
        cited: Cells that are not run.
    """

    transfer: tuple[str, ...]
    pretraining: dict[InitKind, Pretraining] = {}
    checkpoints: dict[InitKind, str] = {}
    cited: tuple[CitedCell, ...] = ()

    def cited_cell(self, recipe: str, kind: InitKind) -> CitedCell | None:
        """What stands in a cell that is not run; None for one that is."""
        return next((cell for cell in self.cited if (cell.recipe, cell.init) == (recipe, kind)), None)

    def makes(self, kind: InitKind, recipe: str) -> bool:
        """Whether the weights of ``kind`` come out of ``recipe``; to fine-tune them by it again is no transfer."""
        return kind not in self.checkpoints and kind in self.pretraining and self.pretraining[kind].recipe == recipe

    def runs_of(self, inits: tuple[InitKind, ...]) -> dict[InitKind, Pretraining]:
        """The pre-trainings that some of ``inits`` need, each after those that it needs itself."""
        needed: dict[InitKind, Pretraining] = {}

        def need(kind: InitKind) -> None:
            if kind in self.pretraining and kind not in self.checkpoints and kind not in needed:
                need(self.pretraining[kind].init)
                needed[kind] = self.pretraining[kind]

        for kind in inits:
            need(kind)
        return needed


class Suite(_Part, frozen=True):
    """What ``configs/suites/*.py`` holds.

    Attributes:
        title: First words of the table.
        arms: One a backbone.
        inits: Rows of the table, for each backbone.
        notes: What a reader of the table must know.
        seeds: Fine-tuning seeds, from 0, unless the user asks for another number.
        pretraining_seeds: Seeds of each pre-training, from 0; every transfer is run from each.
        data: Name of a data set, as recipes have it, to its folder below ``--data-root``; empty: all data are there.
        path: The file, as the user gave it.
    """

    title: str
    arms: Annotated[tuple[Arm, ...], msgspec.Meta(min_length=1)]
    inits: tuple[InitKind, ...]
    notes: tuple[str, ...] = ()
    seeds: Count = 1
    pretraining_seeds: Count = 1
    data: dict[str, str] = {}
    path: str = ""

    @property
    def recipes(self) -> list[str]:
        """All recipes, each once."""
        arms = [(*(how.recipe for how in arm.pretraining.values()), *arm.transfer) for arm in self.arms]
        return list(dict.fromkeys(recipe for arm in arms for recipe in arm))


def read_suite(name: str, checkpoints: Mapping[InitKind, str] | None = None) -> Suite:
    """Read a suite's config.

    Args:
        name: A file, or a name inside the package's ``configs/``.
        checkpoints: Given checkpoints by kind of initialisation; they go before those of the config, and need a suite
            of one arm.

    Raises:
        ConfigError: A field is missing, unknown or of a wrong kind, or an initialisation comes from nowhere.
    """
    path = find_config(name)
    fields: dict[str, Any] = read_config(path)._cfg_dict.to_dict()
    try:
        suite = msgspec.convert({**fields, "path": name}, Suite)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}. Correct the suite; its fields are {', '.join(FIELDS)}.") from error
    if checkpoints:
        if len(suite.arms) > 1:
            raise ConfigError(
                f"--checkpoint: {path} has {len(suite.arms)} arms, and a checkpoint fits one backbone. Write it into "
                "the checkpoints of an arm."
            )
        (arm,) = suite.arms
        given = msgspec.structs.replace(arm, checkpoints={**arm.checkpoints, **checkpoints})
        suite = msgspec.structs.replace(suite, arms=(given,))
    for problem in _problems(suite):
        raise ConfigError(f"{path}: {problem}")
    return suite


FIELDS = tuple(field for field in Suite.__struct_fields__ if field != "path")


def _problems(suite: Suite) -> Iterator[str]:
    for i, arm in enumerate(suite.arms):
        known = {*UNTRAINED, *arm.pretraining, *arm.checkpoints}
        for kind in (*suite.inits, *(how.init for how in arm.pretraining.values())):
            if kind not in known:
                yield f"arms[{i}] has no weights for {kind!r}. Add a recipe to pretraining, or a file to checkpoints."
        for kind, how in arm.pretraining.items():
            if how.init == kind:
                yield f"arms[{i}].pretraining: {kind!r} would start from itself. Correct its init."
        for cell in arm.cited:
            if cell.recipe not in arm.transfer:
                yield f"arms[{i}].cited names {cell.recipe!r}, which is not in transfer. Correct it."
