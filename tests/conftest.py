"""What all tests share: one thread, no hub, and the small files in tests/data."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch and BLAS are imported by any test or by a process that a test starts.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"

# A first example may import torch; no example is a measure of speed.
settings.register_profile("simmim_eval", deadline=None)
settings.load_profile("simmim_eval")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Undo what a test may have set; torch is not imported for tests that need none."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The small files that tests read."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data, as small as it gets; no test writes into it."""
    import simmim_eval.launch.preload  # noqa: F401  (the libraries once, and out of the garbage collector's way)
    from simmim_eval.data.demo import make_demo

    return make_demo(tmp_path_factory.mktemp("data") / "demo", scale=0.02, workers=1)
