"""What each placement of the augmentation shows the model when it trains, is asked and is measured.

With a network that notes its inputs, through the same parts as a run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.data.dataset import Dataset, normalize
from al_runner.errors import InputError
from al_runner.loop.experiment import Experiment
from al_runner.loop.protocols import Stage
from al_runner.loop.schedule import Round
from al_runner.runs.build import Setting, build, prepare
from tests.composing import composed
from tests.loop.test_loop import Notes

SEEN: dict[str, list[Tensor]] = {}
"""What the network was shown, by what for."""


class Recording(nn.Module):
    """A linear network that notes its inputs."""

    def __init__(self, in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = nn.Linear(in_channels * image_size[0] * image_size[1], n_outputs)

    def forward(self, images: Tensor) -> Tensor:
        SEEN["train" if self.training else "look"].append(images.detach().clone())
        return self.layer(images.flatten(1))


ALWAYS = [f"transforms.{step}.p=1" for step in ("rotation", "blur", "elastic")]


class Watched(Notes):
    """Sorts what was shown by the stage of the round."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, list[list[Tensor]]] = {"score": [], "fit": [], "evaluate": []}

    @contextmanager
    def timed(self, stage: Stage, step: Round) -> Iterator[None]:
        SEEN.update(train=[], look=[])
        yield
        self.shown[stage].append(SEEN["train" if stage == "fit" else "look"])


Run = Callable[..., tuple[Setting, Experiment, Watched, Dataset]]


@pytest.fixture
def run(npz: Callable[..., Path]) -> Run:
    def go(placement: str, *overrides: str) -> tuple[Setting, Experiment, Watched, Dataset]:
        composed_config = composed(
            "dataset=npz", f"dataset.path={npz()}", f"augmentation={placement}",
            *(overrides or ALWAYS),
            "schedule.initial_size=7", "schedule.query_size=4", "schedule.budget=15", "schedule.epochs=3",
            "trainer=cpu",
        )  # fmt: skip
        composed_config.model = {"_target_": "tests.test_augmentation.Recording", "_partial_": True}
        config, parts = validate(composed_config), Parts(composed_config)
        SEEN.update(train=[], look=[])
        setting = prepare(config, parts)
        experiment, journal = build(setting, config, parts, lambda _done, _all: None), Watched()
        assert experiment.run(journal)
        return setting, experiment, journal, parts("dataset")

    return go


def keys(images: Tensor) -> list[bytes]:
    """Each image as something that can be looked up; rounded, as the way to it may be another."""
    return [(image * 1000).round().to(torch.int32).numpy().tobytes() for image in images]


def trained_on(journal: Watched, round_number: int) -> list[bytes]:
    return keys(torch.cat(journal.shown["fit"][round_number]))


def scored(journal: Watched, round_number: int) -> Tensor:
    return torch.cat(journal.shown["score"][round_number])


def bought_before(journal: Watched, round_number: int) -> list[int]:
    return [index for _, indices, _ in journal.rounds[:round_number] for index in indices]


def unlabeled(journal: Watched, round_number: int) -> Tensor:
    bought = bought_before(journal, round_number)
    return torch.tensor([k for k in range(60) if k not in bought])


def test_none_shows_images_as_they_are(run: Run) -> None:
    _, _, journal, dataset = run("none")
    clean = normalize(dataset.train.images)
    for number in (0, 1, 2):
        labeled = bought_before(journal, number + 1)
        assert sorted(trained_on(journal, number)) == sorted(keys(clean[labeled]) * 3)
    assert torch.equal(scored(journal, 1), clean[unlabeled(journal, 1)])


def test_pre_query_changes_all_training_images_once(run: Run) -> None:
    setting, _, journal, dataset = run("pre_query")
    clean, changed = normalize(dataset.train.images), normalize(setting.dataset.train.images)
    assert (clean != changed).flatten(1).any(1).all(), "labeled or not"
    for number in (0, 1, 2):
        labeled = bought_before(journal, number + 1)
        assert sorted(trained_on(journal, number)) == sorted(keys(changed[labeled]) * 3), (
            "the same each epoch"
        )
    for number in (1, 2):
        assert torch.equal(scored(journal, number), changed[unlabeled(journal, number)])


def test_post_query_changes_training_batches_alone_and_anew(run: Run) -> None:
    setting, _, journal, dataset = run("post_query")
    clean = normalize(dataset.train.images)
    assert torch.equal(setting.dataset.train.images, dataset.train.images)
    shown = [key for number in (0, 1, 2) for key in trained_on(journal, number)]
    assert len(shown) == 3 * (7 + 11 + 15)
    assert len(set(shown)) == len(shown), "no image twice"
    assert not set(shown) & set(keys(clean))
    for number in (1, 2):
        assert torch.equal(scored(journal, number), clean[unlabeled(journal, number)])


@pytest.mark.parametrize("placement", ["none", "pre_query", "post_query"])
def test_what_is_measured_is_never_changed(run: Run, placement: str) -> None:
    _, _, journal, dataset = run(placement)
    clean = torch.cat([normalize(dataset.splits[name].images) for name in ("val", "test")])
    for shown in journal.shown["evaluate"]:
        assert torch.equal(torch.cat(shown), clean)


@pytest.mark.parametrize("placement", ["pre_query", "post_query"])
def test_the_final_model_sees_what_the_loop_saw(run: Run, placement: str) -> None:
    model = "{_target_: tests.test_augmentation.Recording, _partial_: true}"
    final = f"schedule.final_model={{epochs: 5, model: {model}}}"
    setting, _, journal, dataset = run(placement, *ALWAYS, final)
    assert len(journal.shown["fit"]) == 4
    shown, bought = trained_on(journal, 3), bought_before(journal, 4)
    if placement == "pre_query":
        assert sorted(shown) == sorted(keys(normalize(setting.dataset.train.images)[bought]) * 5)
    else:
        assert len(set(shown)) == len(shown) == 5 * 15
        assert not set(shown) & set(keys(normalize(dataset.train.images)))
    assert not journal.shown["score"][3], "nothing is scored for it"


def test_placements_share_the_initial_samples_and_differ_in_what_they_see(run: Run) -> None:
    journals = [run(placement)[2] for placement in ("none", "pre_query", "post_query")]
    first = [journal.rounds[0][1] for journal in journals]
    assert first[0] == first[1] == first[2]
    assert len(first[0]) == 7


def test_batches_are_those_without_augmentation(run: Run) -> None:
    """The same samples in the same order: only the images differ."""
    plain, changed = run("none")[2], run("post_query")[2]
    assert [len(batch) for batch in plain.shown["fit"][2]] == [
        len(batch) for batch in changed.shown["fit"][2]
    ]
    never = [text.replace("p=1", "p=0") for text in ALWAYS]
    unchanged = run("post_query", *never)[2]
    assert trained_on(plain, 2) == trained_on(unchanged, 2)


def test_a_transform_that_cannot_change_the_data_stops_before_anything_is_trained(run: Run) -> None:
    with pytest.raises(InputError, match=r"transforms\.affine cannot change images of 1×14×14"):
        run("post_query", "transforms=volumes")
