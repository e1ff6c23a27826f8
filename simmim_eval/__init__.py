"""One suite that tells whether SimMIM pre-training beats supervised initialisation on the tasks that matter.

Nothing heavy is imported here: ``simmim-eval --help`` answers in under a second.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
