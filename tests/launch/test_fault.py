"""Errors as Linux and PyTorch raise them become what the user needs to know."""

import errno
import os
import signal

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from simmim_eval.errors import UserError
from simmim_eval.launch.fault import machine_fault


def raised(work) -> Exception:
    with pytest.raises(Exception) as caught:
        work()
    return caught.value


class Deadly(Dataset):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return index


def test_a_killed_data_worker(tmp_path):
    error = raised(lambda: list(DataLoader(Deadly(), num_workers=1)))
    fault = machine_fault(error, tmp_path)
    assert isinstance(fault, UserError)
    assert "a data worker died" in str(fault) and "num_workers" in str(fault)
    assert "pid" not in str(fault)  # the same words each time


def test_a_full_disk(tmp_path):
    (tmp_path / "log").symlink_to("/dev/full")
    error = raised(lambda: (tmp_path / "log").write_text("x"))
    assert error.errno == errno.ENOSPC
    assert str(machine_fault(error, tmp_path)).startswith(f"{tmp_path}: no space is left there. ")
    error = OSError(errno.EDQUOT, "quota", "/data/last.pth")
    assert str(machine_fault(error, tmp_path)).startswith("/data/last.pth: no space is left there. ")


def test_a_checkpoint_onto_a_full_disk(tmp_path):
    (tmp_path / "last.pth").symlink_to("/dev/full")
    error = raised(lambda: torch.save(torch.zeros(1 << 20), tmp_path / "last.pth"))
    assert "disk full" in str(machine_fault(error, tmp_path)) or "no space" in str(machine_fault(error, tmp_path))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_what_cannot_be_written_in_the_run_s_folder(tmp_path, number):
    inside = OSError(number, os.strerror(number), str(tmp_path / "last.pth"))
    assert "last.pth: cannot be written" in str(machine_fault(inside, tmp_path))
    assert machine_fault(OSError(number, os.strerror(number), "/etc/shadow"), tmp_path) is None


def test_the_cause_counts(tmp_path):
    def chained() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not log") from error

    assert "no space" in str(machine_fault(raised(chained), tmp_path))


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), KeyError("x"), FileNotFoundError(2, "x", "y")])
def test_anything_else_is_left_alone(error, tmp_path):
    assert machine_fault(error, tmp_path) is None
