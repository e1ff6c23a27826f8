"""The sizes of a Swin, read off its tensors, so that an error can say what a file holds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from simmim_eval.backbones.swin import ARCHITECTURES

__all__ = ["SwinSizes", "swin_sizes"]

TABLE = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_bias_table")


@dataclass(frozen=True)
class SwinSizes:
    """Sizes in the backbone's words; ``windows`` is empty for clips, whose tables do not tell them."""

    embed_dim: int
    depths: tuple[int, ...]
    num_heads: tuple[int, ...]
    windows: tuple[int, ...]

    @property
    def arch(self) -> str:
        """The value of ``arch`` that builds it: a published name, else a dict."""
        sizes = {"embed_dim": self.embed_dim, "depths": self.depths, "num_heads": self.num_heads}
        for name, known in ARCHITECTURES.items():
            if sizes == {word: known[word] for word in sizes}:
                return repr(name)
        return f"dict({', '.join(f'{word}={value}' for word, value in sizes.items())})"

    def __str__(self) -> str:
        """Such as ``Swin of arch='tiny', windows (7, 7, 7, 7)``."""
        return f"Swin of arch={self.arch}, windows {self.windows}" if self.windows else f"SwinVideo of arch={self.arch}"


def swin_sizes(state: Mapping[str, Tensor]) -> SwinSizes:
    """Sizes of the Swin whose tensors, under the backbone's names, are ``state``."""
    blocks: dict[int, dict[int, Tensor]] = {}
    for name, tensor in state.items():
        if match := TABLE.fullmatch(name):
            blocks.setdefault(int(match[1]), {})[int(match[2])] = tensor
    stages = [blocks[stage] for stage in sorted(blocks)]
    tables = [next(iter(stage.values())) for stage in stages]
    patch = state["patch_embed.proj.weight"]
    return SwinSizes(
        embed_dim=patch.shape[0],
        depths=tuple(map(len, stages)),
        num_heads=tuple(table.shape[1] for table in tables),
        windows=tuple((math.isqrt(table.shape[0]) + 1) // 2 for table in tables) if patch.dim() == 4 else (),
    )
