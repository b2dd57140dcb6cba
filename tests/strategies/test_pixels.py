"""Every strategy of conf/strategy on a segmentation run: it works, or is refused when the run is built."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.errors import InputError
from al_runner.loop.experiment import Experiment
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.runs.build import build, prepare
from al_runner.strategies.random import ForegroundRandom
from tests.composing import composed
from tests.config.test_configs import STRATEGIES, TWO_CLASSES
from tests.strategies.fake import FakeLearner

REFUSED = ["badge", "batchbald", "class_balanced", "contrastive", "greedy_oracle"]
SCANS = ["dataset=phantom_ct", "dataset.n_train=8", "dataset.n_val=1", "dataset.n_test=1",
         "dataset.shape=[16,16,16]", "model=unet", "model.width=2", "model.depth=1", "trainer=cpu",
         "schedule.initial_size=3", "schedule.budget=8"]  # fmt: skip


OVERLAPPING = ["dataset.regions={organs: [2, 3], tumors: [4, 5], abdomen: [2, 3, 4, 5]}"]


def experiment(*overrides: str) -> Experiment:
    config = composed(*SCANS, *overrides)
    typed, parts = validate(config), Parts(config)
    return build(prepare(typed, parts), typed, parts, lambda _done, _all: None)


@pytest.mark.parametrize("name", STRATEGIES)
def test_works_without_keeping_predictions_or_says_why_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["strategy.name=CoreSet"] if name == "skactiveml" else []
    if name in REFUSED or name in TWO_CLASSES or name.startswith("ideal_"):  # the scans have six
        with pytest.raises(InputError, match=r"not for segmentation: |two classes|needs an encoder"):
            experiment(f"strategy={name}", *options)
        return
    queries(experiment(f"strategy={name}", *options), monkeypatch)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if not name.startswith("ideal_")])
def test_works_on_labels_that_overlap_or_says_why_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["strategy.name=CoreSet"] if name == "skactiveml" else []
    if name in REFUSED or name.startswith("nmi_"):
        with pytest.raises(
            InputError,
            match=r"not for segmentation: |not for labels that overlap: it compares|needs an encoder",
        ):
            experiment(*OVERLAPPING, f"strategy={name}", *options)
        return
    queries(experiment(*OVERLAPPING, f"strategy={name}", *options), monkeypatch)


def queries(subject: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes a query and keeps no predictions."""
    pool, learner = subject.pool, subject.learner
    pool.add(Query(torch.tensor([6, 1, 4])), subject.oracle.targets[:3], 0)  # type: ignore[attr-defined]
    for method in ("predict", "sample"):
        monkeypatch.setattr(learner, method, small(getattr(learner, method)))
    query = subject.query(Round(1, 3, 1, True, True))
    assert len(query) == 3


def small(answer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """What is kept of the pool is no prediction of every voxel."""

    def checked(indices: Tensor, *arguments: Any) -> Tensor:
        kept = answer(indices, *arguments)
        assert kept[0].numel() <= 16 or len(indices) == 1
        return kept

    return checked


@pytest.mark.parametrize("wrapped", [False, True])
def test_masks_are_asked_for_before_anything_is_trained(wrapped: bool) -> None:
    chosen = "strategy@strategy.strategy=nmi_entropy" if wrapped else "strategy=nmi_entropy"
    config = composed(*(["strategy=reversed"] if wrapped else []), chosen, "trainer=cpu")
    typed, parts = validate(config), Parts(config)
    with pytest.raises(InputError, match="it compares outlined regions, and here there are no masks"):
        build(prepare(typed, parts), typed, parts, lambda _done, _all: None)


@pytest.mark.parametrize("inner", ["badge", "contrastive"])
def test_a_strategy_around_one_that_is_refused_is_refused(inner: str) -> None:
    with pytest.raises(InputError, match="not for segmentation"):
        experiment("strategy=epsilon_random", f"strategy@strategy.strategy={inner}")
    with pytest.raises(InputError, match="mean prediction of all pixels"):
        experiment("strategy=skactiveml", "strategy.name=Badge")


def test_foreground_random_prefers_foreground_in_proportion() -> None:
    learner = FakeLearner(4, sites=2)
    shares = torch.tensor([0.0, 0.1, 0.3, 0.6])
    learner.probs = torch.zeros(4, 2, 4)
    learner.probs[..., 0], learner.probs[..., 2] = (1 - shares)[:, None], shares[:, None]
    counts = torch.zeros(4)
    for seed in range(2000):
        query = ForegroundRandom()(learner, Pool(4), 1, torch.Generator().manual_seed(seed))
        counts[query.indices] += 1
    assert counts[0] == 0
    assert (counts / 2000 - shares).abs().max() < 5 * (0.25 / 2000) ** 0.5
    everything = ForegroundRandom()(learner, Pool(4), 4, torch.Generator().manual_seed(0))
    assert everything.indices.tolist()[-1] == 0
