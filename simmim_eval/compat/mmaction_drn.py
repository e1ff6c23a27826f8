"""Stand-in for ``mmaction.models.localizers.drn.drn``, which ``mmaction.models`` imports and its wheel lacks."""

from typing import NoReturn

from mmaction.registry import MODELS

from simmim_eval.compat.missing import StandInError

__all__ = ["DRN"]


@MODELS.register_module(force=True)  # this file may also be imported under its own name
class DRN:
    """The name of mmaction2's Dense Regression Network; it cannot be built."""

    def __new__(cls, *args: object, **kwargs: object) -> NoReturn:
        """Refuse, by name.

        Raises:
            StandInError: Always.
        """
        raise StandInError(
            "mmaction2's localizer 'DRN' is missing from the mmaction2 wheel, and simmim_eval.compat does not replace "
            "it. Choose another localizer (BMN, TCANet), or install mmaction2 from its repository."
        )
