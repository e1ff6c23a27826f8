import json
import os
import signal
import subprocess
import sys

from simmim_eval.doctor.examination import Examination, examine, judge
from simmim_eval.doctor.inventory import read_inventory
from simmim_eval.doctor.trials import CHAINS, GPU, Outcome, Trial


def test_a_sound_chain(monkeypatch, bare_site) -> None:
    bare_site.write("sound.py")
    monkeypatch.syspath_prepend(str(bare_site.folder))
    seen: list[str] = []
    found = examine(imports=True, limit=20, progress=seen.append, chains=[[Trial("sound"), Trial("json")]])
    assert found.count("fault") == 0 and seen == ["sound", "json"]
    assert any(one.subject == "imports" and "sound, json work" in one.what for one in found.findings)


def test_one_fault_is_told_once(monkeypatch, bare_site) -> None:
    """Metadata and import complain of the same: the mend stands once, and what waits for it is named."""
    error = "raise ModuleNotFoundError(\"No module named 'pkg_resources'\")"
    bare_site.add("setuptools", "82.0.0").write("mmengine/__init__.py", error)
    monkeypatch.syspath_prepend(str(bare_site.folder))
    chain = [Trial("mmengine"), Trial("mmcv", ("mmengine",)), Trial("json")]
    found = examine(imports=True, limit=20, chains=[chain])
    mends = [one.mend for one in found.findings if one.kind == "fault" and "setuptools" in one.mend]
    assert mends == ['pip install "setuptools>=77.0.3,<81"']
    assert any("mmcv (needs mmengine)" in one.what for one in found.findings)


def test_a_check_that_fails_costs_only_itself(monkeypatch) -> None:
    monkeypatch.setattr("simmim_eval.doctor.places.check_places", lambda inventory: json.loads("{"))
    found = examine(imports=False, limit=1)
    assert [one.subject for one in found.findings if one.kind == "warning"] == ["doctor"]
    assert any(one.subject == "mmcv.ops" for one in found.findings)


def test_gpu_that_was_not_reached() -> None:
    outcomes = [Outcome("torch", error="OSError: broken"), Outcome(GPU, waits_for="torch")]
    found = Examination([], judge(outcomes, read_inventory()))
    assert found.count("fault") == 1 and "gpu (needs torch)" in found.findings[-1].what


def test_chains_are_in_order_of_their_needs() -> None:
    for chain in CHAINS:
        names = [trial.module for trial in chain]
        assert len(set(names)) == len(names)
        assert all(need in names[:index] for index, trial in enumerate(chain) for need in trial.needs)


def test_interrupt_leaves_no_process(bare_site) -> None:
    bare_site.write(
        "hangs.py",
        f"import os, time; open({str(bare_site.folder / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)",
    )
    code = f"""if True:
        import signal, sys; sys.path.insert(0, {str(bare_site.folder)!r})
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
        from simmim_eval.doctor.trials import Trial, run_chains
        run_chains([[Trial("hangs")]], 60)
    """
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    pid = bare_site.folder / "pid"
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert not os.path.exists(f"/proc/{pid.read_text()}")
