"""What is wrong with an installation, and the one line that mends it.

:func:`examine` asks the checks of this room, each a small function that returns findings. They read the metadata and
the files of what is installed (:mod:`inventory`, :mod:`conflicts`, :mod:`places`, :mod:`operators`, :mod:`notes`), and
import the libraries in child processes (:mod:`trials`), whose errors :mod:`symptoms` explains. This room itself
imports none of the libraries, so that it works where they do not.
"""

from simmim_eval.doctor.examination import Examination, examine
from simmim_eval.doctor.finding import Finding, Kind
from simmim_eval.doctor.inventory import Package

__all__ = ["Examination", "Finding", "Kind", "Package", "examine"]
