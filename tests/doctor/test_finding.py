import sys

from hypothesis import given
from hypothesis import strategies as st

from simmim_eval.doctor import finding
from simmim_eval.doctor.finding import Finding, merge, pip


def test_pip_quotes_what_a_shell_would_read() -> None:
    assert pip("install", "--no-deps", "numpy>=1.26,<2", "av") == 'pip install --no-deps "numpy>=1.26,<2" av'
    assert pip("install", "torchvision==0.29.*") == 'pip install "torchvision==0.29.*"'


def test_pip_of_another_environment_is_not_named(monkeypatch) -> None:
    for elsewhere in ("/usr/bin/pip", None):
        finding._program.cache_clear()
        monkeypatch.setattr(finding.shutil, "which", lambda name, found=elsewhere: found)
        assert pip("install", "av") == f"{sys.executable} -m pip install av"


@given(
    st.lists(
        st.builds(
            Finding,
            st.sampled_from(["ok", "warning", "fault"]),
            st.just("x"),
            st.text(),
            st.sampled_from("abc") | st.just(""),
        )
    )
)
def test_merge_keeps_each_mend_once_and_every_kind_of_harm(findings: list[Finding]) -> None:
    merged = merge(findings)
    assert [one for one in merged if one.kind == "ok"] == [one for one in findings if one.kind == "ok"]
    harms = [one for one in merged if one.kind != "ok" and one.mend]
    assert len({one.mend for one in harms}) == len(harms)
    assert {one.mend for one in harms} == {one.mend for one in findings if one.kind != "ok" and one.mend}
    for mend in {one.mend for one in findings if one.kind == "fault" and one.mend}:
        assert next(one for one in harms if one.mend == mend).kind == "fault"
    without_mend = [one for one in findings if not one.mend and one.kind != "ok"]
    assert [one for one in merged if not one.mend and one.kind != "ok"] == without_mend
