"""Real child processes, with small modules in place of the libraries."""

import textwrap
import threading
import time

import pytest

from simmim_eval.doctor.trials import CHAINS, GPU, Trial, choose_chains, run_chains, run_trials

MODULES = {
    "sound": "print('to standard output')",
    "raises": "raise ImportError('no luck')",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "hangs": "import time; print('waiting', flush=True); time.sleep(600)",
    "exits": "import sys; sys.exit(3)",
    "ends": "import os; os._exit(7)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.fixture
def modules(bare_site, monkeypatch):
    for name, source in MODULES.items():
        bare_site.write(f"{name}.py", source)
    monkeypatch.syspath_prepend(str(bare_site.folder))
    return bare_site


def run(*trials: Trial, limit: float = 20) -> dict:
    outcomes = run_chains([trials], limit)
    assert len(outcomes) == len(trials)
    return {one.module: one for one in outcomes}


def test_what_a_module_prints_is_its_own(modules) -> None:
    modules.write("loud.py", "import sys; print('of loud', file=sys.stderr)")
    done = run(Trial("sound"), Trial("loud"), Trial("json"))
    assert not any(one.error or one.waits_for for one in done.values())
    assert [one.printed for one in done.values()] == ["to standard output\n", "of loud\n", ""]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("raises", "ImportError: no luck"),
        ("crashes", "ended by SIGSEGV"),
        ("exits", "SystemExit: 3"),
        ("ends", "exited with code 7"),
        ("killed", "ended by SIGKILL"),
        ("no_such", "No module named 'no_such'"),
    ],
)
def test_a_fault_is_that_of_its_module_only(modules, name, word) -> None:
    done = run(Trial("json"), Trial(name), Trial("waits", (name,)), Trial("waits_too", ("waits",)), Trial("sound"))
    assert word in done[name].error
    assert not done["json"].error and not done["sound"].error
    assert done["waits"].waits_for == done["waits_too"].waits_for == name


def test_a_crash_names_its_place(modules) -> None:
    assert "site-packages/crashes.py" in run(Trial("crashes"))["crashes"].printed


def test_a_hang_ends_with_the_limit(modules) -> None:
    start = time.monotonic()
    done = run(Trial("hangs"), Trial("sound"), limit=1.5)
    assert "did not end within 1.5 s" in done["hangs"].error and done["hangs"].printed == "waiting\n"
    assert not done["sound"].error
    assert time.monotonic() - start < 10


def test_the_first_child_of_a_chain_that_cannot_start(modules, monkeypatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert "exited with code 1" in run(Trial("sound"))["sound"].error


def test_decord_is_tried_where_it_is(site) -> None:
    assert not [trial for chain in choose_chains(site.inventory()) for trial in chain if trial.module == "decord"]
    chains = choose_chains(site.add("decord", "0.6.0").inventory())
    assert chains[-1][-1].module == "decord" and len(chains) == len(CHAINS)


def test_stop_ends_a_hang(modules) -> None:
    stop, seen = threading.Event(), []
    threading.Timer(1, stop.set).start()
    start = time.monotonic()
    run_trials([Trial("hangs"), Trial("sound")], 60, seen.append, stop)
    assert time.monotonic() - start < 10 and "sound" not in seen


def test_chains_run_side_by_side_and_say_progress(modules) -> None:
    """Each of two modules waits for the other."""
    for name, other in ("first", "second"), ("second", "first"):
        here, there = (modules.folder / f"{one}.txt" for one in (name, other))
        wait = f"while not os.path.exists({str(there)!r}): time.sleep(0.01)"
        modules.write(f"{name}.py", f"import os, time; open({str(here)!r}, 'w').close()\n{wait}")
    seen: list[str] = []
    outcomes = run_chains([[Trial("first")], [Trial("second"), Trial("raises")]], 20, seen.append)
    assert [one.module for one in outcomes if not one.error] == ["first", "second"]
    assert sorted(seen) == ["first", "raises", "second"]


def test_gpu_facts_come_from_torch(modules) -> None:
    modules.write(
        "torch.py",
        textwrap.dedent("""
            from types import SimpleNamespace as Space
            class One:
                def add_(self, number): raise RuntimeError("CUDA error: no kernel image is available\\nmore")
            version = Space(cuda="12.4", hip=None)
            cuda = Space(is_available=lambda: True, device_count=lambda: 1,
                         get_device_properties=lambda index: Space(name="Old", total_memory=2**33))
            def ones(size, device):
                assert device == "cuda:0"
                return One()
        """),
    )
    facts = run(Trial(GPU))[GPU].facts
    fails = "CUDA error: no kernel image is available"
    assert facts == {"cuda": "12.4", "hip": "", "names": ["Old, 8 GiB"], "fails": fails}
