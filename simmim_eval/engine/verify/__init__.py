"""Whether a published checkpoint gives its published number here: the data, the readers and the metric in one test.

See :func:`verify`. What is evaluated:

* ``timm:NAME`` without a config: timm's own model, as timm evaluates it;
* a recipe of ours: the recipe's model, from a checkpoint that this project wrote, or from a foreign one whose backbone
  ``simmim_eval.weights`` adapts and whose heads have the names and shapes of the recipe's;
* a stock config of mmdet, mmseg or mmaction2: its model, from a checkpoint with just its tensors.

Refused, always before anything is evaluated: a file that leaves one tensor of the model random, a ViT whose head reads
the class token under a recipe (whose classifier reads the mean), classes that are not the data's.
"""

from simmim_eval.engine.verify.comparison import Comparison, Verdict, verify

__all__ = ["Comparison", "Verdict", "verify"]
