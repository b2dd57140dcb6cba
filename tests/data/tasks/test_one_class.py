"""A split of one class: what its metrics are, and that nothing is said that is not so."""

import math
import warnings

import pytest
import torch

from al_runner.data.tasks import Binary, MultiClass


@pytest.mark.parametrize("task", [Binary(), MultiClass(3)], ids=["binary", "classes"])
@pytest.mark.parametrize("label", [0, 1])
def test_an_area_that_there_is_not_is_no_number_and_warns_of_nothing(
    task: Binary | MultiClass, label: int
) -> None:
    probs = torch.rand(10, task.n_classes, generator=torch.Generator().manual_seed(0)).softmax(-1)
    metrics = task.metrics()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torchmetrics would speak of zeros, which are left out
        metrics.update(probs, torch.full((10,), label))
        found = metrics.compute()
    assert math.isnan(float(found["auroc"]))
    assert 0 <= float(found["accuracy"]) <= 1
