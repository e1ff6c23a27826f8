"""The answer to whatever has no stand-in: an error that names it."""

from collections.abc import Callable
from typing import NoReturn

from simmim_eval.errors import UserError

__all__ = ["StandInError", "missing_op"]


class StandInError(UserError, NotImplementedError):
    """A config uses a part of mmcv or mmaction2 that ``simmim_eval.compat`` does not stand in for."""


def missing_op(name: str) -> Callable[..., NoReturn]:
    """A function in the place of the compiled op ``name``; calling it raises :class:`StandInError`.

    ``mmcv.ops`` looks up every op when it is imported, so that only a call can be refused.
    """

    def op(*args: object, **kwargs: object) -> NoReturn:
        raise StandInError(
            f"mmcv op '{name}' is compiled code, and simmim_eval.compat has no stand-in for it (it has those of the "
            "stock configs of mmdet, mmseg and mmaction2; not those for rotated boxes, point clouds, image generation "
            "and text). Choose a config without this op, or install an mmcv 2.1 that was compiled for your PyTorch: it "
            "is then used instead."
        )

    op.__name__ = op.__qualname__ = name
    return op
