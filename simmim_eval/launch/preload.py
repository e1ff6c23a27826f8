"""Imported once by the server that local runs are forked from: what every run would import for ten seconds.

Nothing here computes: a process that has used its thread pools must not be forked.
"""

from simmim_eval import compat

compat.install()

import mmaction.models  # noqa: E402, F401
import mmdet.evaluation  # noqa: E402
import mmdet.models  # noqa: E402, F401
import mmseg.evaluation  # noqa: E402
import mmseg.models  # noqa: E402, F401

import simmim_eval.launch.run  # noqa: E402, F401
