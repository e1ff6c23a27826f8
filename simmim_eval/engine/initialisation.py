"""``--init KIND=SOURCE``: where the first weights come from, always stated, never guessed."""

from dataclasses import dataclass

from simmim_eval.errors import ConfigError
from simmim_eval.records import INIT_KINDS, InitKind

__all__ = ["InitSource"]

KINDS = tuple(kind for kind in INIT_KINDS if kind != "from_scratch")
WITHOUT_SOURCE = ("random",)
HOW = f"Give --init random, or KIND=CHECKPOINT with one of {', '.join(kind for kind in KINDS if kind != 'random')}."


@dataclass(frozen=True)
class InitSource:
    """An initialisation as the user states it.

    Attributes:
        kind: ``simmim``, ``supervised``, ``simmim+supervised``, ``other_ssl`` or ``random``.
        source: A checkpoint file, or ``run:ID`` inside a suite; None for ``random``.
    """

    kind: InitKind
    source: str | None = None

    @classmethod
    def parse(cls, text: str) -> "InitSource":
        """Read ``random`` or ``KIND=SOURCE``.

        Raises:
            ConfigError: Unknown kind, a missing source, or a source for ``random``.
        """
        if not text:
            raise ConfigError(f"--init is missing: where do the first weights come from? {HOW}")
        word, _, source = text.partition("=")
        kind = next((known for known in KINDS if known == word), None)
        if kind is None:
            raise ConfigError(f"--init {text}: {word!r} is no kind of initialisation. {HOW}")
        if kind in WITHOUT_SOURCE and source:
            raise ConfigError(f"--init {text}: {kind} takes no checkpoint. Write --init {kind}.")
        if kind not in WITHOUT_SOURCE and not source:
            raise ConfigError(f"--init {text}: {kind} needs a checkpoint. Write --init {kind}=FILE.")
        return cls(kind, source or None)

    @property
    def is_run(self) -> bool:
        """Whether the source is a run, ``run:ID``, that need not be done yet."""
        return self.source is not None and self.source.startswith("run:")

    def __str__(self) -> str:
        return f"{self.kind}={self.source}" if self.source else self.kind
