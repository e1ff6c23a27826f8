"""Slurm without Slurm: the script against a recorded one, and jobs whose states submitit's own test double gives."""

import os
import signal
import sys
from pathlib import Path

import pytest
from plan_case import from_run, planned
from submitit.core import submission
from submitit.core.test_core import MockedSubprocess
from submitit.slurm.slurm import SlurmJob

from simmim_eval.errors import ConfigError, UserError
from simmim_eval.launch.executors import build_executor, slurm
from simmim_eval.launch.executors.slurm import JOB_FILE, Slurm
from simmim_eval.launch.run import add_failure, work_dir
from simmim_eval.launch.schedule import run_all
from simmim_eval.records import utc_now
from simmim_eval.results.store import Store

ARGUMENTS = {
    "partition": "gpu",
    "time": 600,
    "gpus_per_node": 4,
    "cpus_per_task": 8,
    "mem": "64GB",
    "account": "vision",
}


@pytest.fixture
def cluster(monkeypatch):
    """A Slurm that accepts every job and starts it at once."""
    monkeypatch.setattr(slurm, "LOOK_AGAIN", 0.0)
    monkeypatch.setattr(SlurmJob, "_results_timeout_s", 0)
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGCONT, signal.SIGUSR2)}
    mock = MockedSubprocess(known_cmds=["srun"])
    with mock.context():
        yield mock
    SlurmJob.watcher.clear()
    SlurmJob.watcher._registered.clear()
    for name, handler in handlers.items():
        signal.signal(name, handler)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "work")


def record(store, run):
    path = store.record_path(run.run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def job_id(store, run):
    return (work_dir(store, run.run_id) / JOB_FILE).read_text()


class Watch(list):
    def __call__(self, event):
        self.append((event.kind, event.run.run_id, event.error))

    def kinds(self):
        return [kind for kind, _, _ in self]


def test_the_script_is_the_recorded_one(cluster, store):
    executor = Slurm(store, 64, 4, ARGUMENTS)
    executor.start(planned(1))
    script = SlurmJob(store.root / "slurm", job_id(store, planned(1))).paths.submission_file.read_text()
    script = script.replace(str(store.root / "slurm"), "FOLDER").replace(sys.executable, "PYTHON")
    assert script == (Path(__file__).parent / "sbatch_record.txt").read_text()


def test_a_job_runs_what_was_planned_and_its_record_completes_it(cluster, store, monkeypatch):
    run = from_run(2, 1)
    executed = []
    monkeypatch.setattr(
        slurm, "execute_here", lambda run, store: (executed.append((run, store.root)), record(store, run))
    )
    executor, watch = Slurm(store, 64, 1, {}), Watch()
    executor.start(run)
    executor.wait(watch)
    assert watch == [] and executor.running() == 1
    with cluster.job_context(job_id(store, run)):
        submission.process_job(store.root / "slurm")
    assert executed == [(run, store.root)]
    executor.wait(watch)
    assert watch.kinds() == ["completed"] and executor.running() == 0


def test_several_tasks_find_each_other(cluster, store, monkeypatch):
    told = []
    monkeypatch.setattr(slurm, "execute_here", lambda run, store: told.append(os.environ["RANK"]))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
    executor = Slurm(store, 64, 2, {})
    executor.start(planned(1))
    for rank in "01":
        for name, value in {"NTASKS": "2", "PROCID": rank, "LOCALID": rank, "JOB_NODELIST": "n[1-2]"}.items():
            monkeypatch.setenv(f"SLURM_{name}", value)
        with cluster.job_context(job_id(store, planned(1))):
            submission.process_job(store.root / "slurm")
    assert told == ["0", "1"]
    assert os.environ["MASTER_ADDR"] == "n1"


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED by 1000", "NODE_FAIL"])
def test_a_job_that_ends_without_a_record(cluster, store, state):
    executor, watch = Slurm(store, 64, 1, {}), Watch()
    executor.start(planned(1))
    cluster.set_job_state(job_id(store, planned(1)), state)
    executor.wait(watch)
    assert watch == [("failed", planned(1).run_id, f"Slurm's job 12 ended as {state}")]


def test_an_attempt_says_more_than_slurm(cluster, store):
    executor, watch = Slurm(store, 64, 1, {}), Watch()
    add_failure(planned(1), store, utc_now(), "yesterday's")
    executor.start(planned(1))
    cluster.set_job_state(job_id(store, planned(1)), "FAILED")
    add_failure(planned(1), store, utc_now(), "DataError: a.jpg cannot be decoded")
    executor.wait(watch)
    assert watch == [("failed", planned(1).run_id, "DataError: a.jpg cannot be decoded")]


def test_needs_come_first_and_a_failure_stops_what_needs_it(cluster, store):
    runs = [planned(1), from_run(2, 1), planned(3), from_run(4, 3)]
    submitted = []

    class Played(Slurm):
        def wait(self, tell):
            submitted.append(sorted(run.run_id for run, _, _ in self._jobs))
            run, job, _ = self._jobs[0]
            if run == runs[2]:
                cluster.set_job_state(job.job_id, "FAILED")
            else:
                record(store, run)
                cluster.set_job_state(job.job_id, "COMPLETED")
            super().wait(tell)

    failed = run_all(runs, store, Played(store, 64, 1, {}), Watch())
    assert submitted[0] == [runs[0].run_id, runs[2].run_id]
    assert failed.keys() == {runs[2].run_id, runs[3].run_id}
    assert store.has(runs[1].run_id)


def test_the_next_suite_finds_the_jobs_of_a_killed_one(cluster, store):
    Slurm(store, 64, 1, {}).start(planned(1))
    first = job_id(store, planned(1))
    for state in ("PENDING", "RUNNING", "REQUEUED", "COMPLETING"):
        cluster.set_job_state(first, state)
        executor, watch = Slurm(store, 64, 1, {}), Watch()
        executor.start(planned(1))
        assert job_id(store, planned(1)) == first, state
    record(store, planned(1))
    cluster.set_job_state(first, "COMPLETED")
    executor.wait(watch)
    assert watch.kinds() == ["completed"]


@pytest.mark.parametrize("state", ["FAILED", "COMPLETED", "CANCELLED by 0"])
def test_a_job_that_has_ended_is_submitted_anew(cluster, store, state):
    Slurm(store, 64, 1, {}).start(planned(1))
    cluster.set_job_state(job_id(store, planned(1)), state)
    Slurm(store, 64, 1, {}).start(planned(1))
    assert job_id(store, planned(1)) == "13"


def test_a_job_whose_time_is_up_is_the_same_job_again(cluster, store):
    executor = Slurm(store, 64, 1, {"time": 60})
    executor.start(planned(1))
    delayed = executor._jobs[0][1].submission()
    assert delayed.function.checkpoint().function == delayed.function
    assert delayed._timeout_countdown == 100


def test_a_submission_that_is_refused_is_a_failed_run(cluster, store, monkeypatch):
    monkeypatch.setattr(cluster, "sbatch", lambda arguments: "sbatch: error: invalid partition specified: gpu")
    failed = run_all([planned(1)], store, Slurm(store, 64, 1, {"partition": "gpu"}), Watch())
    assert "invalid partition" in failed[planned(1).run_id]
    assert [one.status for one in store.attempts(planned(1).run_id)] == ["failed"]


def test_ctrl_c_cancels_the_jobs(cluster, store, monkeypatch):
    cancelled = []
    monkeypatch.setattr("subprocess.call", lambda command, **_: cancelled.append(command))
    executor = Slurm(store, 64, 1, {})
    executor.start(planned(1))
    executor.stop()
    assert cancelled == [["scancel", "12"]]


def test_where_to_look(cluster, store):
    executor = Slurm(store, 64, 1, {})
    executor.start(planned(1))
    assert executor.output(planned(1).run_id) == store.root / "slurm" / "12_0_log.out"
    assert executor.output(planned(2).run_id) == store.root / "slurm"


def test_arguments_that_do_not_exist(cluster, store):
    with pytest.raises(ConfigError, match=r"--slurm-args partitoin.*did you mean partition"):
        build_executor("slurm", store, slurm_args={"partitoin": "gpu"})


def test_a_machine_without_slurm(store):
    with pytest.raises(UserError, match="no srun"):
        build_executor("slurm", store)
