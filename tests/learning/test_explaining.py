from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from al_runner.data.dataset import Dataset, normalize
from al_runner.data.tasks import Binary, MultiClass, MultiLabel, Segmentation
from al_runner.errors import InputError
from al_runner.learning import machine as machine_module
from al_runner.learning.posterior import Ensemble, McDropout
from al_runner.models.saliency import DeepTaylor, Gradient
from al_runner.models.unet import unet
from tests.learning.test_learner import EVERYTHING, fit, learner, step, weights


def test_maps_belong_to_their_indices(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = learner(small)
    fit(subject, step())
    before, randoms = weights(subject), torch.get_rng_state()
    maps = subject.saliency(EVERYTHING, DeepTaylor())
    assert maps.shape == (60, 14, 14)
    assert torch.equal(weights(subject), before)
    assert torch.equal(torch.get_rng_state(), randoms)
    some = torch.tensor([31, 2, 7])
    torch.testing.assert_close(subject.saliency(some, DeepTaylor()), maps[some], rtol=1e-3, atol=1e-6)
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 7 * 2 * 14 * 14)
    sizes: list[int] = []

    def reduce(chunk: Tensor) -> Tensor:
        sizes.append(len(chunk))
        return chunk.flatten(1).sum(1)

    sums = subject.saliency(EVERYTHING, DeepTaylor(), reduce)
    assert sizes == [7] * 8 + [4]
    torch.testing.assert_close(sums, maps.flatten(1).sum(1), rtol=1e-3, atol=1e-5)


def test_asking_in_between_does_not_change_training(small: Dataset) -> None:
    asked, alone = learner(small), learner(small)
    for subject in (asked, alone):
        fit(subject, step())
        if subject is asked:
            subject.saliency(EVERYTHING[:9], DeepTaylor())
        fit(subject, step(1, reset=False))
    assert torch.equal(weights(asked), weights(alone))


def test_relevance_is_the_logit_of_the_prediction(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(epochs=20), 60)
    with torch.no_grad():
        logits = subject.network(normalize(small.train.images)).max(1).values
    sums = subject.saliency(EVERYTHING, DeepTaylor()).flatten(1).sum(1)
    assert (sums - logits).abs().median() < 1e-3 * logits.abs().median()


@pytest.mark.parametrize(
    ("task", "logits", "expected"),
    [
        (MultiClass(3), [[1.0, 3, 2], [-1, -3, -2]], [[0.0, 1, 0], [1, 0, 0]]),
        (Binary(), [[1.0, 3], [1, -3]], [[0.0, 1], [1, 0]]),
        (Binary(one_logit=True), [[2.0], [-2], [0]], [[1.0], [-1], [1]]),
        (MultiLabel(3), [[1.0, 3, -9], [-3, -1, -2]], [[0.0, 1, 0], [0, -1, 0]]),
    ],
)
def test_the_output_that_made_the_decision_is_explained(
    task: MultiClass | MultiLabel, logits: list[list[float]], expected: list[list[float]]
) -> None:
    assert task.explained(torch.tensor(logits)).tolist() == expected


def test_an_ensembles_map_is_the_mean_of_its_members(small: Dataset) -> None:
    subject = learner(small, posterior=Ensemble(2))
    fit(subject, step())
    predicted = torch.nn.functional.one_hot(subject.predict(EVERYTHING[:5]).argmax(1), 3).float()
    images = normalize(small.train.images[:5])
    of_each = [Gradient()(member, images, lambda _: predicted) for member in subject.network.members]
    maps = subject.saliency(EVERYTHING[:5], Gradient())
    torch.testing.assert_close(maps, torch.stack(of_each).mean(0))


def test_the_map_of_a_class_is_that_of_its_output_for_every_image(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(epochs=20), 60)
    images = normalize(small.train.images)
    for number in range(3):
        chosen = torch.nn.functional.one_hot(torch.full((60,), number), 3).float()
        expected = Gradient()(subject.network, images, lambda _, chosen=chosen: chosen)
        torch.testing.assert_close(subject.saliency(EVERYTHING, Gradient(of=number)), expected)
    with pytest.raises(InputError, match=r"saliency.of=3: the model has 3 classes"):
        subject.saliency(EVERYTHING, Gradient(of=3))


def test_the_map_of_a_class_by_an_ensemble_that_learns_it(small: Dataset) -> None:
    subject = learner(small, posterior=Ensemble(2))
    fit(subject, step())
    images, chosen = normalize(small.train.images[:5]), torch.tensor([[0.0, 0, 1]]).expand(5, 3)
    of_each = [Gradient()(member, images, lambda _: chosen) for member in subject.network.members]
    maps = subject.saliency(EVERYTHING[:5], Gradient(of=2))
    torch.testing.assert_close(maps, torch.stack(of_each).mean(0))


@pytest.mark.parametrize("aleatoric", [False, True])
def test_dropout_and_noise_are_off(small: Dataset, aleatoric: bool) -> None:
    subject = learner(small, posterior=McDropout(samples=3, aleatoric=aleatoric))
    fit(subject, step(epochs=20), 60)
    maps = subject.saliency(EVERYTHING, DeepTaylor())
    assert torch.equal(maps, subject.saliency(EVERYTHING, DeepTaylor()))
    subject.network.eval()
    with torch.no_grad():
        logits = subject.network(normalize(small.train.images)).max(1).values
    assert (maps.flatten(1).sum(1) - logits).abs().median() < 1e-3 * logits.abs().median()


def test_segmentation_is_refused(small: Dataset) -> None:
    splits = {
        name: replace(split, targets=torch.zeros(len(split), 14, 14, dtype=torch.uint8))
        for name, split in small.splits.items()
    }
    masks = Dataset("masks", splits, Segmentation(2), "none")
    subject = learner(masks, build=partial(unet, width=2, depth=1))
    with pytest.raises(InputError, match=r"segmentation predicts pixels.*dataset="):
        subject.saliency(EVERYTHING[:2], DeepTaylor())
