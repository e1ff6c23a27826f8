"""Imported once by the server that local runs are forked from: what every run would import for ten seconds.

Nothing here computes: a process that has used its thread pools must not be forked.
"""

import gc
import warnings

warnings.filterwarnings("ignore", "pkg_resources is deprecated")  # mmengine imports it

from simmim_eval import compat  # noqa: E402

compat.install()

import mmaction.models  # noqa: E402, F401
import mmdet.evaluation  # noqa: E402
import mmdet.models  # noqa: E402, F401
import mmseg.evaluation  # noqa: E402
import mmseg.models  # noqa: E402, F401

import simmim_eval.launch.run  # noqa: E402, F401

gc.freeze()  # a collection in a child, as every data set asks for, no longer walks through all these libraries
