"""The order of runs on any executor: needs first, no more at once than allowed, nothing after a needed failure."""

from hypothesis import given
from hypothesis import strategies as st
from plan_case import planned

from simmim_eval.launch.executors.base import Event, Executor
from simmim_eval.launch.schedule import run_all
from simmim_eval.results.store import Store


class Fake(Executor):
    """Ends one run at each wait: the one that ``pick`` says, in failure if its number is in ``bad``."""

    def __init__(self, store, jobs, pick=lambda count: 0, bad=()):
        super().__init__(store, jobs)
        self.pick, self.bad = pick, {planned(number).run_id for number in bad}
        self.now, self.log, self.most, self.stopped = [], [], 0, 0

    def running(self):
        return len(self.now)

    def start(self, run):
        assert all(map(self.store.has, run.needs)), run
        self.now.append(run)
        self.most = max(self.most, len(self.now))

    def wait(self, tell):
        run = self.now.pop(self.pick(len(self.now)))
        self.log.append(run.run_id)
        if run.run_id in self.bad:
            tell(Event("failed", run, error="it broke"))
            return
        path = self.store.record_path(run.run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        tell(Event("completed", run))

    def stop(self):
        self.stopped += 1


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 8))
    needs = [tuple(draw(st.sets(st.integers(0, i - 1)))) if i else () for i in range(size)]
    return needs, draw(st.sets(st.integers(0, size - 1))), draw(st.integers(1, 3)), draw(st.randoms())


@given(graphs())
def test_any_graph_and_any_failures(tmp_path_factory, graph):
    needs, bad, jobs, random = graph
    plan = [planned(number, of) for number, of in enumerate(needs)]
    store = Store(tmp_path_factory.mktemp("store"))
    executor = Fake(store, jobs, random.randrange, bad)
    events = []
    failed = run_all(plan, store, executor, events.append)

    hopeless = set(bad)
    for number, of in enumerate(needs):  # by its definition, in the order of numbers
        if hopeless & set(of):
            hopeless.add(number)
    assert failed.keys() == {planned(number).run_id for number in hopeless}
    assert {run.run_id for run in plan if store.has(run.run_id)} == {run.run_id for run in plan} - failed.keys()
    assert len(executor.log) == len(set(executor.log))
    assert executor.most <= jobs
    assert executor.stopped == 1
    ends = [event.run.run_id for event in events if event.kind in ("completed", "failed", "skipped")]
    assert sorted(ends) == [run.run_id for run in plan]
    for run in plan:  # each failure is kept, a run that was not tried is no attempt
        tried = run.run_id in failed and run.run_id in executor.log
        assert [one.status for one in store.attempts(run.run_id)] == ["failed"] * tried

    again = Fake(store, jobs)
    assert run_all(plan, store, again, events.append) == {}
    assert sorted(again.log) == sorted(failed)


def test_a_death_on_a_full_disk_stops_nothing(tmp_path, monkeypatch):
    """The run failed, its attempt cannot be written, and the rest goes on."""
    store = Store(tmp_path)
    monkeypatch.setattr(Store, "add_attempt", _full)
    failed = run_all([planned(1), planned(2)], store, Fake(store, 1, bad=(1,)), lambda event: None)
    assert list(failed) == [planned(1).run_id]
    assert "it broke" in failed[planned(1).run_id] and "no attempt of it is kept" in failed[planned(1).run_id]
    assert store.has(planned(2).run_id)


def _full(self, attempt):
    from simmim_eval.errors import RecordError

    raise RecordError("attempts/1.json: cannot be written (No space left on device).")
