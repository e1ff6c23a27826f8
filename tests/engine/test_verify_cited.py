"""The table of cited numbers against the metafiles of the installed packages, and the rule of agreement."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from mmengine.hub import get_config
from timm.models import list_pretrained

from simmim_eval import compat
from simmim_eval.engine.verify import Comparison, Verdict
from simmim_eval.engine.verify.cited import CITED, NUM_SAMPLES, find_cited
from simmim_eval.engine.verify.recipe import evaluation_config
from simmim_eval.records import Metric
from simmim_eval.transfer import TASKS

WORDS = {"box_ap": "box AP", "mask_ap": "mask AP", "miou": "mIoU", "top1": "Top 1 Accuracy"}
STOCK = [cited for cited in CITED if cited.config]


def published(cited):
    """The entry of upstream's own metafile: metrics by upstream's words, and the address of the file."""
    package, _, path = cited.config.partition("::")
    folder = Path(find_spec(package).submodule_search_locations[0]) / ".mim" / "configs" / Path(path).parent
    (metafile,) = folder.glob("metafile.y*ml")
    name = Path(path).stem
    (entry,) = [entry for entry in yaml.safe_load(metafile.read_text())["Models"] if entry["Name"] == name]
    results = entry["Results"] if isinstance(entry["Results"], list) else [entry["Results"]]
    return {word: value for result in results for word, value in result["Metrics"].items()}, entry["Weights"]


@pytest.mark.parametrize("cited", STOCK, ids=lambda cited: cited.config)
def test_numbers_and_files_are_upstreams(cited):
    metrics, weights = published(cited)
    assert weights.endswith(f"/{cited.checkpoint}")
    assert {name: metrics[WORDS[name]] for name in cited.values} == cited.values


@pytest.mark.parametrize("cited", [c for c in CITED if not c.config], ids=lambda cited: cited.checkpoint)
def test_timm_has_the_model(cited):
    assert cited.checkpoint.removeprefix("timm:") in list_pretrained()
    assert cited.task == "classification"


@pytest.mark.parametrize("cited", STOCK, ids=lambda cited: cited.config)
def test_stock_config_is_bound_to_our_readers_and_the_data(cited, tmp_path):
    compat.install()
    config = evaluation_config(cited.task, cited.config, tmp_path, "val")
    kinds = {"detection": "Coco", "segmentation": "ADE20K", "recognition": "Kinetics"}
    dataset = config.test_dataloader.dataset
    assert dataset.type == f"simmim_eval.{kinds[cited.task]}"
    assert dataset.pipeline[0].type in ("simmim_eval.LoadImage", "simmim_eval.OpenVideo")
    stock = get_config(cited.config).test_dataloader.dataset.pipeline
    lost = {"LoadAnnotations"} if cited.task == "detection" else set()
    steps = [step for step in stock if step["type"] not in lost]
    assert len(dataset.pipeline) == len(steps)
    assert str(tmp_path) in str(dataset) and "data/" not in str(dataset).replace(str(tmp_path), "")
    assert "http" not in str(config.model) and "checkpoint" not in str(config.model)


def test_all_that_is_cited_is_measured():
    assert {cited.task for cited in CITED} == NUM_SAMPLES.keys() == TASKS.keys()
    for cited in CITED:
        assert cited.values.keys() <= {metric.name for metric in TASKS[cited.task].metrics}, cited
    assert len({(cited.checkpoint, cited.task) for cited in CITED}) == len(CITED)


@pytest.mark.parametrize(
    ("source", "task", "found"),
    [
        ("timm:resnet50.tv_in1k", "classification", True),
        ("timm:resnet50.tv_in1k", "detection", False),
        ("timm:resnet50", "classification", False),
        ("/data/mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth", "detection", True),
        ("https://host/x/mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth#sha256=d4", "detection", True),
        ("mask_rcnn.pth", "detection", False),
    ],
)
def test_found_by_name(source, task, found):
    assert (find_cited(source, task) is not None) == found


def metric(value, std_error=None):
    over = None if std_error is None else "images"
    method = None if std_error is None else "binomial"
    more = dict(std_error=std_error, std_error_over=over, std_error_method=method)
    return Metric(
        name="top1", value=value, unit="%", higher_is_better=True, floor=0.1, primary=True, num_samples=100, **more
    )


@pytest.mark.parametrize(
    ("value", "cited", "tolerance", "within"),
    [(80.0, 80.3, 0.3, True), (80.0, 80.31, 0.3, False), (80.6, 80.31, 0.3, True), (79.0, 80.0, 1.0, True)],
)
def test_agreement(value, cited, tolerance, within):
    comparison = Comparison(metric(value), cited, tolerance + 1e-9)
    assert comparison.is_within == within and comparison.difference == pytest.approx(value - cited)
    assert Verdict("", (comparison,), "", "").is_within == within


def test_one_of_two_metrics_disagrees():
    verdict = Verdict("", (Comparison(metric(1.0), 1.0, 0.3), Comparison(metric(1.0), 2.0, 0.3)), "", "")
    assert not verdict.is_within


def test_interval():
    assert Comparison(metric(50.0, 0.5), 50.0, 0.3).interval == pytest.approx((49.02, 50.98))
    assert Comparison(metric(50.0), 50.0, 0.3).interval is None
