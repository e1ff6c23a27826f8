"""The child process that imports what may be broken. A script, run by :mod:`simmim_eval.doctor.trials`.

Arguments: the search path as JSON, then the trials: names of modules, or ``gpu``. On standard output goes a line of
JSON as each trial begins and ends; what libraries print goes to standard error, whose length marks off the trials.
After a failed trial the process ends: half-imported libraries would fail in other ways than by their own fault.
"""

import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

GPU = "gpu"


def main() -> None:
    """Run the trials up to the first that fails."""
    sys.path[:] = json.loads(sys.argv[1])
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**event: Any) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        report.write(json.dumps(event | {"printed": os.fstat(2).st_size}) + "\n")
        report.flush()

    importlib.import_module("simmim_eval.compat")
    for trial in sys.argv[2:]:
        say(begins=trial)
        start, error, facts = time.perf_counter(), "", {}
        try:
            facts = gpu_facts() if trial == GPU else {}
            if trial != GPU:
                importlib.import_module(trial)
        except BaseException:
            error = traceback.format_exc()
        say(ends=trial, seconds=time.perf_counter() - start, error=error, facts=facts)
        if error:
            break


def gpu_facts() -> dict[str, Any]:
    """What torch sees, and whether it can compute there; ``fails`` holds the first line of the error if not."""
    torch = importlib.import_module("torch")
    names: list[str] = []
    fails = ""
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            names.append(f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")
            try:
                torch.ones(1, device=f"cuda:{index}").add_(1).item()
            except RuntimeError as error:
                fails = fails or str(error).strip().splitlines()[0]
    return {"cuda": torch.version.cuda or "", "hip": torch.version.hip or "", "names": names, "fails": fails}


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no library's clean-up is of interest, and some of them hang
