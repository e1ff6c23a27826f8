"""Which of mmcv's operators are there: compiled, supplied by :mod:`simmim_eval.compat`, or refused when called.

All by reading files: compat's list, and the names that the modules of ``mmcv.ops`` ask of ``mmcv._ext``.
"""

import ast
import re
from pathlib import Path

from simmim_eval import compat
from simmim_eval.doctor.finding import Finding
from simmim_eval.doctor.inventory import find_module

__all__ = ["IN_A_CONFIG", "STOCK_SCRIPT", "check_drn", "check_operators", "read_supplied", "read_wanted"]

IN_A_CONFIG = 'custom_imports = dict(imports=["simmim_eval.compat"])'
STOCK_SCRIPT = "python -m simmim_eval.compat tools/train.py CONFIG"

STAND_IN = Path(compat.__file__).with_name("mmcv_ext.py")
DIRECTION = re.compile(r"(_naive)?_(forward|backward)(_\w+)?$")


def check_operators() -> list[Finding]:
    """Who supplies ``mmcv._ext``."""
    folder = find_module("mmcv")
    if folder is None:
        return []  # the table of packages says so
    compiled = sorted(folder.glob("_ext.*.so"))
    if compiled:
        return [Finding("ok", "mmcv.ops", f"compiled, {compiled[0]}; the stand-ins are not used")]
    supplied, wanted = read_supplied(), read_wanted(folder)
    there = supplied & wanted
    ops = sorted({DIRECTION.sub("", name) for name in there})
    what = (
        f"no compiled mmcv._ext; simmim_eval.compat supplies {len(there)} of its {len(wanted)} functions, for "
        f"{', '.join(ops)}. The other {len(wanted - there)} refuse to run when called. A stock script starts as"
    )
    return [Finding("ok", "mmcv.ops", what, STOCK_SCRIPT)]


def check_drn() -> list[Finding]:
    """The wheel of mmaction2 1.2.0 lacks a module that it imports."""
    folder = find_module("mmaction")
    if folder is None or (folder / "models" / "localizers" / "drn" / "drn.py").is_file():
        return []
    what = "its wheel lacks mmaction.models.localizers.drn; simmim_eval.compat supplies it. In a config or script"
    return [Finding("ok", "mmaction2", what, f"{IN_A_CONFIG}  or  import simmim_eval.compat")]


def read_supplied() -> set[str]:
    """``simmim_eval.compat.mmcv_ext.__all__``, without the import of torch that comes with it."""
    for node in ast.parse(STAND_IN.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == "__all__" for one in node.targets
        ):
            return set(ast.literal_eval(node.value))
    raise LookupError(f"{STAND_IN}: no __all__")


def read_wanted(folder: Path) -> set[str]:
    """The functions that the files of mmcv ask of ``mmcv._ext``.

    Args:
        folder: Folder of the package ``mmcv``.
    """
    wanted: set[str] = set()
    for path in sorted((folder / "ops").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load_ext":
                wanted.update(ast.literal_eval(node.args[1]))
    return wanted
