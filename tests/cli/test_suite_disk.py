"""A disk that is too small, full, or read-only, mounted for real: nothing that was recorded is lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from suite_case import small_suite

pytestmark = pytest.mark.slow

# In a mount namespace of its own, where a user may mount: the suite on a small disk, on a full one and on a larger one;
# then, in another process as this one's logs are open, read-only.
PROGRAM = """
import contextlib, io, json, subprocess, sys
from pathlib import Path
import simmim_eval.launch.preload
from simmim_eval.cli.main import main

suite, data_root, work, part = sys.argv[1:]
told = {}

def mount(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", work], check=True)

def run(name, *more):
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["simmim-eval", "suite", "run", suite, "--data-root", data_root, "--work-dir", work, "--executor",
                "debug", "--cfg-options", "train_cfg.max_iters=2", *more]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    records = {path.name: path.read_text() for path in Path(work).glob("records/*")}
    told[name] = {"code": code, "err": err.getvalue(), "records": records}

if part == "read-only":
    mount("remount,ro")
    run("read-only", "--seeds", "2")
else:
    mount("size=1m")
    run("small")
    with contextlib.suppress(OSError), open(Path(work) / "filler", "wb") as filler:
        filler.write(bytes(2 << 20))
    run("full")
    (Path(work) / "filler").unlink()
    mount("remount,size=200m")
    run("large")
print("OUTCOME" + json.dumps(told), flush=True)
"""


@pytest.fixture(scope="module")
def told(demo_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk")
    (folder / "work").mkdir()
    small_suite(folder / "one.py", "random")
    inside = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets no user mount")
    words = [sys.executable, "-c", PROGRAM, folder / "one.py", demo_root, folder / "work"]
    both = ["bash", "-c", '"$@" writable && "$@" read-only', "bash", *map(str, words)]
    done = subprocess.run([*inside, *both], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcomes = [line.removeprefix("OUTCOME") for line in done.stdout.splitlines() if line.startswith("OUTCOME")]
    return json.loads(outcomes[0]) | json.loads(outcomes[1])


def one_message(outcome, *words) -> None:
    assert "Traceback" not in outcome["err"]
    assert all(word in outcome["err"] for word in words), outcome["err"]


def test_a_disk_too_small_for_a_checkpoint_fails_the_run(told):
    assert told["small"]["code"] == 1
    one_message(told["small"], "1 runs did not complete", "the same command tries them again")
    assert "no space is left" in told["small"]["err"] or "cannot be written" in told["small"]["err"]
    assert told["small"]["records"] == {}


def test_a_full_disk_stops_the_suite_before_it_begins(told):
    assert told["full"]["code"] == 2
    one_message(told["full"], "error: ", "No space left on device", "--work-dir")


def test_with_space_the_same_command_completes(told):
    assert told["large"]["code"] == 0, told["large"]["err"]
    assert len(told["large"]["records"]) == 1


def test_a_read_only_disk_is_named_and_keeps_what_it_has(told):
    assert told["read-only"]["code"] == 2
    one_message(told["read-only"], "error: ", "cannot be written")
    assert told["read-only"]["records"] == told["large"]["records"]
    assert Path(next(iter(told["large"]["records"]))).suffix == ".json"
