"""mmcv's synchronised batch normalisation, in a group of one process, against PyTorch's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

import simmim_eval.compat  # noqa: F401  before mmcv.ops

# isort: split
from mmcv import _ext as stand_in
from mmcv.ops import SyncBatchNorm


@pytest.fixture(autouse=True)
def _group(tmp_path: Path) -> Iterator[None]:
    """mmcv's layer asks for a process group, with one process too."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def pair(**options: object) -> tuple[nn.Module, nn.Module]:
    """Both layers, of 3 channels, with the same scale and shift."""
    plain, synced = nn.BatchNorm2d(3, **options), SyncBatchNorm(3, **options)
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    synced.load_state_dict(plain.state_dict())
    return plain, synced


@pytest.mark.parametrize("stats_mode", ["default", "N"])
def test_training_is_batch_normalisation(stats_mode: str) -> None:
    plain, synced = pair(momentum=0.3, eps=1e-3)
    synced.stats_mode = stats_mode
    for _ in range(2):
        maps = 2 * torch.randn(4, 3, 5, 6) + 1
        grad = torch.randn(6, 5, 3, 4).permute(3, 2, 1, 0)  # not contiguous
        results = []
        for layer in (plain, synced):
            leaf = maps.clone().requires_grad_()
            layer.zero_grad()
            output = layer(leaf)
            output.backward(grad.contiguous() if layer is synced else grad)
            results.append([output, leaf.grad, layer.weight.grad, layer.bias.grad, *layer.buffers()])
        torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)
    plain.eval()
    synced.eval()
    torch.testing.assert_close(synced(maps), plain(maps))


def test_without_running_statistics() -> None:
    plain, synced = pair(track_running_stats=False)
    maps = torch.randn(4, 3, 5, 6)
    torch.testing.assert_close(synced(maps), plain(maps))


def test_half_precision_is_computed_in_float32() -> None:
    _, synced = pair()
    maps = torch.randn(4, 3, 5, 6).half()
    wide = maps.float().requires_grad_()
    half = maps.clone().requires_grad_()
    output, expected = synced(half), synced(wide)
    assert torch.equal(output, expected.half())
    output.sum().backward()
    expected.sum().backward()
    assert half.grad.dtype == torch.float16
    torch.testing.assert_close(half.grad.float(), wide.grad, rtol=0, atol=1e-3)


def test_the_running_variance_counts_all_processes() -> None:
    maps, variance = torch.randn(2, 3, 5), torch.tensor([1.0, 2.0, 3.0])
    running_mean, running_var = torch.zeros(3), torch.zeros(3)
    buffers = torch.empty(2, 3, 5), torch.empty(3), torch.empty(2, 3, 5)
    stand_in.sync_bn_forward_output(
        maps,
        torch.ones(3),
        variance,
        torch.ones(3),
        torch.zeros(3),
        running_mean,
        running_var,
        *buffers,
        eps=0.0,
        momentum=1.0,
        group_size=4,
    )
    torch.testing.assert_close(running_var, variance * 40 / 39)
    torch.testing.assert_close(running_mean, torch.ones(3))
    torch.testing.assert_close(buffers[2], (maps - 1) / variance.sqrt()[:, None])
