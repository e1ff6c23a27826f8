"""``--init KIND=SOURCE``: where the first weights come from, always stated, never guessed."""

from dataclasses import dataclass, field, replace

from simmim_eval.errors import ConfigError
from simmim_eval.records import INIT_KINDS, InitKind

__all__ = ["InitSource"]

WITHOUT_SOURCE = ("random", "from_scratch")
HOW = (
    "Give --init random, --init from_scratch (random weights under a long recipe of their own), or KIND=CHECKPOINT "
    f"with one of {', '.join(kind for kind in INIT_KINDS if kind not in WITHOUT_SOURCE)}, where CHECKPOINT is a file, "
    "timm:NAME, hf:OWNER/NAME/FILE, or an http(s) address with #sha256=HEX."
)


@dataclass(frozen=True)
class InitSource:
    """An initialisation as the user states it.

    Attributes:
        kind: ``simmim``, ``supervised``, ``simmim+supervised``, ``other_ssl``; or ``random``, random weights under the
            recipe of the others; or ``from_scratch``, under a long recipe of their own, which is another budget.
        source: A checkpoint file, ``timm:NAME``, ``hf:OWNER/NAME/FILE[@REVISION]``, an http(s) address with its hash,
            or ``run:ID`` inside a suite; None for random weights.
        path: The local file, once :meth:`resolved`.
        revision: The commit that a name in a hub stood for then; None for all other sources.
    """

    kind: InitKind
    source: str | None = None
    path: str | None = field(default=None, compare=False)
    revision: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str) -> "InitSource":
        """Read ``random``, ``from_scratch`` or ``KIND=SOURCE``.

        Raises:
            ConfigError: Unknown kind, a missing source, or a source for random weights.
        """
        if not text:
            raise ConfigError(f"--init is missing: where do the first weights come from? {HOW}")
        word, _, source = text.partition("=")
        kind = next((known for known in INIT_KINDS if known == word), None)
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

    @property
    def checkpoint(self) -> str | None:
        """What to read: the local file once it is known, else the source; None for random weights."""
        return self.path or self.source

    @property
    def recorded(self) -> str:
        """The source for a record: as given, with the resolved revision; for random weights the kind."""
        named = self.source or self.kind
        if self.revision is None or named.endswith(f"@{self.revision}"):
            return named
        return f"{named} ({self.revision})"

    def resolved(self) -> "InitSource":
        """The same with the local file that the source stands for now, fetched if need be; once for a whole run.

        Raises:
            ConfigError: An address without a hash.
            CheckpointError: There is no such checkpoint, or it is out of reach.
        """
        if self.source is None or self.is_run or self.path is not None:
            return self
        from simmim_eval.weights import resolve  # torch, which reading the command line does not need

        found = resolve(self.source)
        return replace(self, path=str(found.path), revision=found.revision)

    def __str__(self) -> str:
        return f"{self.kind}={self.source}" if self.source else self.kind
