import pytest
from check_case import Case


@pytest.fixture
def case(tmp_path):
    """``case("coco")``: a copy of that miniature."""
    return lambda dataset: Case(dataset, tmp_path)
