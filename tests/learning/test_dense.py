"""The learner on volumes: embeddings, chunks, samples, kept predictions, networks that do not fit."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset
from al_runner.data.sets.phantom_ct import load
from al_runner.data.tasks.segmentation import dice
from al_runner.errors import InputError
from al_runner.learning.inference import check_output, deepest_layer
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import MOST_NUMBERS, Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import Ensemble, McDropout
from al_runner.loop.pool import Pool, Query
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.alda import alda_cnn
from al_runner.models.dense_vnet import dense_vnet
from al_runner.models.monai_segmentation import dynunet, segresnet
from al_runner.models.unet import unet
from al_runner.strategies.mutual_information import NmiEntropy


@pytest.fixture(scope="module")
def scans() -> Dataset:
    return load(n_train=7, n_val=2, n_test=3, shape=(24, 16, 17))


def small_unet(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    return unet(in_channels, n_outputs, image_size, width=4, depth=2)


def learner(dataset: Dataset, build=small_unet, **options) -> NetworkLearner:  # type: ignore[no-untyped-def]
    recipe = Optimizer(torch.optim.AdamW, lr=1e-2, batch_size=2)
    return NetworkLearner(dataset, build, recipe, Machine.detect("cpu"), Streams(0), **options)


def trained(dataset: Dataset, epochs: int = 2, **options) -> NetworkLearner:  # type: ignore[no-untyped-def]
    subject = learner(dataset, **options)
    everything = torch.arange(len(dataset.train))
    subject.fit(everything, dataset.train.targets, Round(0, len(everything), epochs, True, True))
    return subject


def test_predictions_are_reduced_chunk_by_chunk(scans: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("al_runner.learning.machine.CHUNK_NUMBERS", 3 * 4 * 24 * 16 * 17)
    subject, seen = learner(scans), []

    def largest(probs: Tensor) -> Tensor:
        seen.append(tuple(probs.shape))
        return probs.amax(-1).mean(1)

    everything = torch.arange(7)
    reduced = subject.predict(everything, largest)
    assert seen == [(4, 24 * 16 * 17, 6), (3, 24 * 16 * 17, 6)]
    torch.testing.assert_close(reduced, largest(subject.predict(everything)))


def test_images_are_given_as_they_are_stored(scans: Dataset) -> None:
    some = torch.tensor([5, 0, 3])
    assert learner(scans).images(some).equal(scans.train.images[some])


def test_nmi_entropy_compares_each_prediction_with_its_own_image(
    scans: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several chunks of a network's predictions, as in one."""
    subject, pool = learner(scans), Pool(7)
    pool.add(Query(torch.tensor([4, 1])), scans.train.targets[[4, 1]], 0)
    scores = []
    for chunk in (1, 3):
        monkeypatch.setattr("al_runner.learning.machine.CHUNK_NUMBERS", chunk * 4 * 24 * 16 * 17)
        monkeypatch.setattr("al_runner.learning.machine.MOST_NUMBERS", chunk * 4 * 24 * 16 * 17)
        query = NmiEntropy(alpha=0)(subject, pool, 5, torch.Generator().manual_seed(0))
        assert query.scores is not None
        scores.append(query.scores[query.indices.argsort()])
    assert scores[0].unique().numel() > 2
    torch.testing.assert_close(*scores)


def test_large_volumes_come_one_at_a_time() -> None:
    machine = Machine.detect("cpu")
    sizes = [len(chunk) for chunk in machine.chunks(torch.arange(5), MOST_NUMBERS // 2 + 1)]
    assert sizes == [1] * 5
    assert [len(chunk) for chunk in machine.chunks(torch.arange(9), MOST_NUMBERS // 4)] == [4, 4, 1]


@pytest.mark.parametrize("build", [unet, dense_vnet, segresnet, dynunet], ids=lambda build: build.__name__)
def test_embeddings_tell_images_apart(build, scans: Dataset) -> None:  # type: ignore[no-untyped-def]
    embeddings = learner(scans, build).embed(torch.arange(7))
    assert embeddings.ndim == 2
    assert len(embeddings) == 7
    assert not embeddings.requires_grad
    differences = torch.cdist(embeddings, embeddings)
    scale = embeddings.norm(dim=1).mean()
    assert (differences + torch.eye(7) * scale > 1e-3 * scale).all()


def test_the_deepest_layer_is_where_maps_are_smallest() -> None:
    network = unet(1, 3, (32, 32), width=4, depth=3)
    deepest = deepest_layer(network, torch.zeros(1, 1, 32, 32))
    assert deepest is network.down[3][-1]
    gated = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    assert deepest_layer(gated, torch.zeros(1, 1, 9, 9)) is gated[1]
    with pytest.raises(ValueError, match="neither a linear layer nor feature maps"):
        deepest_layer(nn.Flatten(), torch.zeros(1, 1, 9, 9))


def test_embeddings_are_the_means_of_the_deepest_maps(scans: Dataset) -> None:
    subject = learner(scans)
    maps: list[Tensor] = []
    subject.network.network.down[2][-1].register_forward_hook(lambda *hook: maps.append(hook[2].clone()))
    embeddings = subject.embed(torch.tensor([5, 1]))
    torch.testing.assert_close(embeddings, maps[-1].mean((2, 3, 4)))


@pytest.mark.parametrize("posterior", [McDropout(3), Ensemble(2)], ids=["dropout", "ensemble"])
def test_samples_of_every_voxel(scans: Dataset, posterior: McDropout | Ensemble) -> None:
    subject = learner(scans, posterior=posterior)
    seen: list[tuple[int, ...]] = []

    def spread(probs: Tensor) -> Tensor:
        seen.append(tuple(probs.shape))
        return probs.var(-2).mean((1, 2))

    k = 3 if isinstance(posterior, McDropout) else 2
    scores = subject.sample(torch.arange(7), torch.Generator().manual_seed(0), spread)
    assert scores.shape == (7,)
    assert (scores > 0).all()
    assert {shape[1:] for shape in seen} == {(24 * 16 * 17, k, 6)}


def test_kept_predictions_are_masks(scans: Dataset) -> None:
    evaluation = trained(scans, epochs=1, keep_predictions=True).evaluate()
    masks = evaluation.arrays["masks_test"]
    assert masks.dtype == np.uint8
    assert masks.shape == (3, 24, 16, 17)
    assert evaluation.arrays["dice_images_test"].shape == (3, 5)
    assert {"test/dice", "test/dice_liver", "test/dice_left_tumor", "val/dice"} <= set(evaluation.metrics)


def test_the_pool_is_measured_sample_by_sample(scans: Dataset) -> None:
    subject, order = trained(scans, epochs=1, keep_predictions=True), torch.tensor([5, 0, 3])
    evaluation = subject.evaluate(order)
    predicted = subject.predict(order, lambda probs: probs.argmax(-1))
    expected = dice(predicted, scans.train.targets[order].flatten(1), 6)
    np.testing.assert_allclose(evaluation.arrays["dice_images_pool"], expected, rtol=1e-6)
    assert evaluation.metrics["pool/dice"] == pytest.approx(float(expected.nanmean(0).nanmean()), rel=1e-5)
    assert "masks_pool" not in evaluation.arrays, "predictions are kept of splits"
    without = subject.evaluate()
    assert {key: evaluation.metrics[key] for key in without.metrics} == without.metrics


def test_it_learns() -> None:
    dataset = load(n_train=10, n_val=1, n_test=3, shape=(24, 16, 16), noise=4)
    dice = trained(dataset, epochs=20).evaluate().metrics
    assert dice["test/dice_skeleton"] > 0.3


def test_a_network_that_does_not_fit_the_task(scans: Dataset, small: Dataset) -> None:
    machine = Machine.detect("cpu")
    with pytest.raises(InputError, match=r"gives 6 for an image of 1×24×16×17.*needs 6×24×16×17.*model=unet"):
        check_output(learner(scans, alda_cnn).network, scans, machine)
    with pytest.raises(InputError, match=r"gives 3×14×14 for an image of 1×14×14.*needs 3.*model=alda_cnn"):
        check_output(learner(small, small_unet).network, small, machine)
    with pytest.raises(InputError, match="cannot take images of 1×14×14"):
        check_output(nn.Conv3d(1, 1, 3), small, machine)
    check_output(learner(scans, posterior=Ensemble(2)).network, scans, machine)
    check_output(learner(small, alda_cnn, posterior=Ensemble(2)).network, small, machine)
