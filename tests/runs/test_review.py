"""What is kept for people changes nothing, and is what it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiLabel
from al_runner.data.thumbnails import thumbnails
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.loop.experiment import Experiment
from al_runner.loop.pool import Pool, Query
from al_runner.models.saliency import Gradient
from al_runner.runs.build import build, prepare
from al_runner.runs.review import Audit, records
from al_runner.strategies.memory import for_people, lesson_of
from tests.commands import Command
from tests.composing import composed
from tests.config.test_configs import generator
from tests.loop.test_loop import Notes
from tests.strategies.fake import FakeLearner
from tests.strategies.test_ideal_deep_features import Helped, asked, begun
from tests.strategies.test_ideal_deep_features import made as deep_features

SMALL = ("dataset.n_train=70", "dataset.n_val=30", "dataset.n_test=20", "model.width=2",
         "schedule.initial_size=12", "schedule.query_size=9", "schedule.budget=30", "schedule.epochs=2",
         "trainer=cpu", "trainer.threads=1")  # fmt: skip
DEEP = ("strategy=ideal_deep_features", "strategy.clusters=3", "strategy.epochs=2", "strategy.trees=5",
        "strategy.edge=8")  # fmt: skip
AUDIT = ("audit=maps", "audit.samples=4", "saliency@audit.saliency=gradient")


def begun_run(*overrides: str) -> Experiment:
    config = composed(*SMALL, *overrides)
    typed, parts = validate(config), Parts(config)
    return build(prepare(typed, parts), typed, parts, lambda _done, _all: None)


def run(*overrides: str) -> Notes:
    notes = Notes()
    assert begun_run(*overrides).run(notes)
    return notes


@pytest.mark.parametrize(
    "strategy",
    [("strategy=entropy",), ("strategy=badge",), ("strategy=random",), DEEP, ("strategy=k_means",)],
    ids=lambda strategy: strategy[0].split("=")[1],
)
def test_queries_and_metrics_are_the_same_with_and_without_an_audit(strategy: tuple[str, ...]) -> None:
    plain, audited = run(*strategy), run(*strategy, *AUDIT)
    assert audited.rounds == plain.rounds
    both = run(*strategy, *AUDIT, "keep_pool=true")
    assert [query for _, query, _ in both.rounds] == [query for _, query, _ in plain.rounds]
    for number, arrays in enumerate(audited.arrays):
        added = {"audit", "lesson"} if strategy is DEEP and number else {"audit"}
        assert {*arrays} - {*plain.arrays[number]} == added
        assert arrays["audit"].tobytes() == both.arrays[number]["audit"].tobytes(), "ranked once for both"


def test_a_run_that_is_resumed_with_an_audit_goes_on_as_one_without(tmp_path: Path) -> None:
    whole, first = run(*DEEP), begun_run(*DEEP, *AUDIT)
    plan = first.plan
    parts = Notes()
    assert replace(first, plan=replace(plan, rounds=plan.rounds[:2])).run(parts)
    first.learner.save(tmp_path / "checkpoint.pt")
    assert first.memory is not None
    states.write(first.memory.state(), tmp_path / "memory.pt")
    again = begun_run(*DEEP, *AUDIT)
    for number, (_, indices, _) in enumerate(parts.rounds):
        query = Query(torch.tensor(indices))
        labels = again.oracle.answer(query.indices)
        assert labels is not None
        again.pool.add(query, labels, number)
    again.learner.load(tmp_path / "checkpoint.pt")
    assert again.memory is not None
    again.memory.restore(states.read(tmp_path / "memory.pt"))
    assert again.run(parts, parts.rows)
    assert parts.rounds == whole.rounds


def test_followed_samples_are_shown_of_every_model() -> None:
    plain, followed = run("strategy=entropy"), run("strategy=entropy", *AUDIT, "audit.follow=[3,11]")
    assert followed.rounds == plain.rounds
    for kept in followed.arrays:
        groups = kept["audit"]["group"].tolist()
        assert groups == ["most"] * 4 + ["least"] * 4 + ["followed"] * 2
        assert kept["audit"]["index"][-2:].tolist() == [3, 11]
    with pytest.raises(InputError, match=r"audit.follow=999: the training split has \d+ samples"):
        begun_run("strategy=entropy", *AUDIT, "audit.follow=[3,999]")


def test_shows_both_ends_of_the_order_with_what_the_model_sees_there() -> None:
    experiment, notes = begun_run("strategy=entropy", *AUDIT, "keep_pool=true"), Notes()
    assert experiment.run(notes)
    data = experiment.learner.dataset  # type: ignore[attr-defined]
    for number in (0, 1, 2):
        kept = notes.arrays[number]
        shown, pool = kept["audit"], kept["pool"]
        assert shown["group"].tolist() == ["most"] * 4 + ["least"] * 4
        assert shown["index"].tolist() == [*pool[:4], *pool[-4:]]
        assert shown["score"].tolist() == [*kept["pool_scores"][:4], *kept["pool_scores"][-4:]]
        assert shown["label"].tolist() == [str(int(data.train.targets[index])) for index in shown["index"]]
        assert np.array_equal(shown["picture"], thumbnails(data.train, torch.tensor(shown["index"].tolist())))
    assert notes.arrays[0]["audit"]["index"][:4].tolist() == notes.rounds[1][1][:4], "the next query's first"
    last = notes.arrays[-1]["audit"]  # of the model that the learner still holds
    indices = torch.tensor(last["index"].tolist())
    maps = experiment.learner.saliency(indices, Gradient()).numpy()
    expected = maps / np.abs(maps).max((1, 2), keepdims=True)
    np.testing.assert_allclose(last["map"], expected, atol=1e-3)
    np.testing.assert_array_equal(last["probabilities"], experiment.learner.predict(indices).numpy())
    assert set(last["method"]) == {"Gradient"}


def test_of_a_strategy_without_an_order_the_next_query_is_shown() -> None:
    notes = run("strategy=k_means", *AUDIT)
    for number in (0, 1):
        shown = notes.arrays[number]["audit"]
        assert shown["group"].tolist() == ["query"] * 4
        assert np.isnan(shown["score"]).all()
        assert shown["index"].tolist() == notes.rounds[number + 1][1][:4]
    assert len(notes.arrays[2]["audit"]) == 4, "what would be queried, had the run another round"


def test_of_a_set_no_more_is_shown_than_there_is() -> None:
    (arrays,) = run(*DEEP, *AUDIT, "schedule.initial_size=68", "schedule.budget=68").arrays
    assert arrays["audit"]["group"].tolist() == ["query"] * 2


@pytest.mark.parametrize(("left", "most", "least"), [(3, 3, 0), (5, 4, 1), (8, 4, 4), (0, 0, 0)])
def test_nothing_is_shown_twice(left: int, most: int, least: int) -> None:
    budget = [f"schedule.initial_size={70 - left}", f"schedule.budget={70 - left}"]
    (arrays,) = run("strategy=margin", *AUDIT, *budget).arrays
    if not left:
        assert "audit" not in arrays
        return
    assert arrays["audit"]["group"].tolist() == ["most"] * most + ["least"] * least
    assert len(set(arrays["audit"]["index"].tolist())) == most + least


def test_a_map_of_zeros_is_kept_as_it_is() -> None:
    notes = run(
        "strategy=random",
        *AUDIT,
        "optimizer.lr=1e-30",
        "audit.saliency._target_=tests.runs.test_review.nowhere",
    )
    assert not notes.arrays[0]["audit"]["map"].any()


def nowhere(of: object = None) -> Any:
    return lambda network, images, explained: images.sum(1) * 0


def test_volumes_and_several_labels_are_shown() -> None:
    class Volumes(FakeLearner):
        def saliency(self, indices: torch.Tensor, method: object, reduce: Any = None) -> torch.Tensor:
            return torch.arange(9.0)[None, :, None, None].expand(len(indices), 9, 128, 100)

    images = torch.arange(9 * 12).view(12, 1, 9, 1, 1).expand(12, 1, 9, 128, 100).to(torch.uint8)
    targets = torch.tensor([[1, 0, 1], [0, 0, 0]]).repeat(6, 1)
    split = Split(images, targets)
    dataset = Dataset("volumes", dict.fromkeys(("train", "val", "test"), split), MultiLabel(3), "none")
    learner = Volumes(12)
    learner.probs = torch.rand(12, 3, 2)
    shown = Audit(2, Gradient(), dataset).shown(learner, {"most": Query(torch.tensor([4, 7]))})
    assert shown["picture"].shape == shown["map"].shape == (2, 64, 50)
    assert (shown["picture"] == np.array([4 * 9 + 4, 7 * 9 + 4])[:, None, None]).all()
    assert (shown["map"] == 1).all(), "the slice of the picture, relative to itself"
    assert shown["label"].tolist() == ["0+2", "none"]
    assert shown["probabilities"].shape == (2, 3, 2)


def test_asked_for_people_a_strategy_takes_no_note() -> None:
    strategy, learner, pool = deep_features(), Helped(), begun()
    strategy(learner, pool, 12, generator())
    noted = strategy.past.asked
    for_people(strategy)(learner, pool, 5, generator(1))
    assert strategy.past.asked is noted
    around = Parts(composed("strategy=epsilon_random", "strategy@strategy.strategy=ideal_deep_features"))(
        "strategy"
    )
    for_people(around)(learner, pool, 12, generator())
    assert around.strategy.past.asked is None
    plain = Parts(composed("strategy=entropy"))("strategy")
    assert for_people(plain) is plain, "it has nothing to take note in"


def test_a_lesson_is_that_of_the_round() -> None:
    strategy, learner, pool = deep_features(), Helped(), begun()
    assert lesson_of(strategy) == {}
    asked(strategy, learner, pool, 1)
    lesson = lesson_of(strategy)
    assert lesson["features"].shape == (88, 32)
    assert lesson["level"].unique().tolist() == [1, 2, 3, 4]
    kinds = learner.kinds[Pool(90).unlabeled[[k for k in range(90) if k not in (5, 2)]]]
    assert (lesson["level"] == 4 - kinds).all(), "a label of kind 3 is worth most"
    asked(strategy, learner, pool, 2, 1)
    assert lesson_of(strategy) == {}, "one sample taught nothing"


def test_records_are_read_without_pickle(tmp_path: Path) -> None:
    made = records(index=np.array([3, 1]), map=np.ones((2, 4, 5), np.float16), label=np.array(["a", "none"]))
    np.save(tmp_path / "audit.npy", made)
    read = np.load(tmp_path / "audit.npy", allow_pickle=False)
    assert read["map"].shape == (2, 4, 5)
    assert read[1]["label"] == "none"


def test_values_that_are_refused() -> None:
    for override, words in {
        "audit.samples=4": "samples=4 needs maps: audit=maps",
        "audit=maps audit.samples=11": r"audit\.samples=11 must be at most 10",
        "audit=maps audit.samples=two": r"audit\.samples=two must be a whole number",
        "audit=maps +audit.colour=red": "audit.colour is no key; audit has samples, saliency",
    }.items():
        with pytest.raises(InputError, match=words):
            validate(composed(*override.split()))


def smooth(in_channels: int, n_outputs: int, image_size: tuple[int, ...], width: int) -> nn.Module:
    layers = nn.Conv2d(in_channels, width, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))


NO_RELU = "model._target_=tests.runs.test_review.smooth"
ASKING = {
    "audit=maps": "audit",
    "strategy=ideal_kurtosis": "strategy",
    "strategy=reversed strategy@strategy.strategy=ideal_glcm": "strategy",
    "+strategy@schedule.initial=ideal_glcm schedule.initial_features=model": "schedule.initial",
}


@pytest.mark.parametrize("asking", ASKING)
def test_a_network_without_maps_is_refused_before_the_run(asking: str) -> None:
    with pytest.raises(InputError, match=rf"^{ASKING[asking]}: .*[tT]anh"):
        begun_run(NO_RELU, *asking.split())


def test_refused_before_anything_is_written(al_run: Command) -> None:
    volumes = ["dataset=phantom_ct", "model=unet", "dataset.shape=[16,16,16]", "schedule.budget=40"]
    done = al_run(*volumes, "audit=maps", "logger=none")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("al-run: audit: a saliency map explains the prediction of a whole image")
    assert not list(al_run.folder.iterdir())


def test_features_of_the_image_need_no_maps() -> None:
    assert begun_run(NO_RELU, "strategy=ideal_kurtosis", "strategy.source=image").review is None
