"""Networks that see patches: random ones in training, slid over whole images in predictions."""

import pytest
import torch
from torch import Tensor, nn

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict
from al_runner.data.dataset import Dataset, Split, normalize
from al_runner.data.sets.phantom_ct import load
from al_runner.errors import InputError
from al_runner.learning.batches import LabeledSet
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.patches import Patches, Sliding
from al_runner.learning.posterior import Ensemble, McDropout
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models.unet import unet
from tests.composing import composed
from tests.segmentation import disks

SIZE = (12, 8, 8)


@pytest.fixture(scope="module")
def scans() -> Dataset:
    return load(n_train=5, n_val=2, n_test=2, shape=(24, 16, 16))


def small_unet(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    assert image_size == SIZE
    return unet(in_channels, n_outputs, image_size, width=4, depth=2)


def trained(dataset: Dataset, overlap: float = 0.25, **options) -> NetworkLearner:  # type: ignore[no-untyped-def]
    recipe = Optimizer(torch.optim.AdamW, lr=1e-2, batch_size=2)
    patches = Patches(SIZE, 0.5, overlap)
    subject = NetworkLearner(
        dataset, small_unet, recipe, Machine.detect("cpu"), Streams(0), patches=patches, **options
    )
    everything = torch.arange(len(dataset.train))
    subject.fit(everything, dataset.train.targets, Round(0, len(everything), 2, True, True))
    return subject


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_patches_are_parts_of_the_image_and_its_mask() -> None:
    shape = (3, 9, 11)
    places = torch.arange(3 * 9 * 11).view(shape)
    images = torch.stack([places, 2 * places], 1)
    cut = Patches((4, 5), 0.5, 0).cut(generator())
    corners = set()
    for _ in range(600):
        some, parts = cut(images, places)
        assert some.shape == (3, 2, 4, 5)
        assert some[:, 0].equal(parts)
        assert some[:, 1].equal(2 * parts)
        assert (parts.diff(dim=1) == 11).all()
        assert (parts.diff(dim=2) == 1).all()
        corners |= set(parts[:, 0, 0].tolist())
    assert len(corners) == 3 * 6 * 7  # every place, the first and the last ones, too


def test_the_share_of_patches_with_foreground() -> None:
    masks = torch.zeros(500, 40, 40, dtype=torch.uint8)
    masks[:, 0, 39] = 1
    images = masks[:, None]
    for share, expected in ((0.0, 16 / 37**2), (0.5, 0.5 + 0.5 / 37**2), (1.0, 1.0)):
        _, parts = Patches((4, 4), share, 0).cut(generator())(images, masks)
        assert parts.flatten(1).any(1).float().mean().item() == pytest.approx(expected, abs=0.05)
    _, parts = Patches((4, 4), 1.0, 0).cut(generator())(images, 0 * masks)
    assert parts.shape == (500, 4, 4)  # without foreground, from anywhere


def test_what_is_drawn_depends_on_no_mask() -> None:
    """So that label noise, or another answer, moves no other image's patch."""
    places = torch.arange(2 * 9 * 11).view(2, 9, 11)
    found = []
    for first in (torch.zeros(9, 11), torch.ones(9, 11)):
        masks = torch.stack([first, torch.zeros(9, 11)])
        found.append(Patches((4, 5), 0.9, 0).cut(generator(3))(places[:, None], masks)[0][1])
    assert found[0].equal(found[1])


def test_what_is_asked_for_is_one_identity() -> None:
    def of(*overrides: str) -> str:
        return identity(to_dict(composed(*overrides)))

    assert of("patches.overlap=0", "patches.foreground=0.3") == of()
    size = "patches.size=[8,8,8]"
    assert of(size, "patches.overlap=0", "patches.foreground=1") == of(
        size, "patches.overlap=0.0", "patches.foreground=1.0"
    )
    assert of(size) != of()


def test_batches_are_patches_whether_images_are_changed_or_not() -> None:
    split = disks().train
    everything = torch.arange(len(split))

    class Same:
        def alike(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
            return images, masks

    found = []
    for change in (None, Same()):
        cut = Patches((8, 8), 0.5, 0).cut(generator())
        labeled = LabeledSet(split, everything, split.targets, Machine.detect("cpu"), change, cut)  # type: ignore[arg-type]
        found.append(list(labeled.load(everything.split(20))))
    for (images, masks), (others, other_masks) in zip(*found, strict=True):
        assert images.shape == (20, 1, 8, 8)
        torch.testing.assert_close(images, others)
        assert masks.equal(other_masks)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
def test_what_sees_single_pixels_gives_what_it_gives_for_whole_images(overlap: float) -> None:
    network = nn.Conv2d(3, 5, 1)
    images = torch.rand(3, 3, 21, 18, generator=generator())
    sliding = Sliding(network, (8, 7), overlap).eval()
    with torch.inference_mode():
        torch.testing.assert_close(sliding(images), network(images))
        torch.testing.assert_close(sliding.train()(images[..., :8, :7]), network(images[..., :8, :7]))


def test_without_overlap_it_is_patch_by_patch(scans: Dataset) -> None:
    subject = trained(scans, overlap=0)
    images = normalize(scans.train.images[:3])
    sliding = subject.network.eval()
    assert isinstance(sliding, Sliding)
    with torch.inference_mode():
        found = sliding(images)
        for z in (0, 12):
            for y in (0, 8):
                expected = sliding.network(images[..., z : z + 12, y : y + 8, :8])
                torch.testing.assert_close(found[..., z : z + 12, y : y + 8, :8], expected)


def test_embeddings_are_means_over_patches(scans: Dataset) -> None:
    subject = trained(scans, overlap=0)
    whole = subject.embed(torch.arange(5))
    corners = [(z, y, x) for z in (0, 12) for y in (0, 8) for x in (0, 8)]
    images = torch.cat([scans.train.images[..., z : z + 12, y : y + 8, x : x + 8] for z, y, x in corners])
    masks = torch.zeros(len(images), *SIZE, dtype=torch.uint8)
    split = Split(images, masks)
    parts = Dataset("parts", dict.fromkeys(("train", "val", "test"), split), scans.task, "parts")
    subject.dataset = parts
    each = subject.embed(torch.arange(len(images)))
    torch.testing.assert_close(whole, each.unflatten(0, (8, 5)).mean(0))
    assert whole.unique(dim=0).shape == whole.shape


@pytest.mark.parametrize(
    ("posterior", "samples"),
    [(McDropout(3), 3), (McDropout(3, aleatoric=True), 3), (Ensemble(2), 2)],
)
def test_every_posterior_can_be_sampled(
    scans: Dataset, posterior: McDropout | Ensemble, samples: int
) -> None:
    subject = trained(scans, posterior=posterior)
    voxels, everything = 24 * 16 * 16, torch.arange(5)
    probs = subject.sample(everything, generator())
    assert probs.shape == (5, voxels, samples, 6)
    torch.testing.assert_close(probs.sum(-1), torch.ones(5, voxels, samples))
    assert not torch.allclose(probs[..., 0, :], probs[..., 1, :])
    again = torch.cat([subject.sample(part, generator()) for part in everything.split(2)])
    torch.testing.assert_close(probs, again)
    learns_noise, seen = subject.posterior.learns_noise, []

    def keep(probs: Tensor, noise: Tensor | None) -> Tensor:
        seen.append(None if noise is None else tuple(noise.shape[1:]))
        return probs.mean((1, 2))

    reduced = subject.sample_with_noise(everything, generator(), keep)
    assert seen[0] == ((voxels, samples) if learns_noise else None)
    if not learns_noise:  # whose draws come first
        torch.testing.assert_close(reduced, probs.mean((1, 2)))
    assert subject.predict(everything).shape == (5, voxels, 6)


def test_a_training_is_repeated_to_the_bit_and_measures_whole_images(scans: Dataset) -> None:
    first, second = trained(scans), trained(scans)
    for ours, theirs in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert ours.equal(theirs)
    assert first.evaluate().metrics == second.evaluate().metrics


@pytest.mark.parametrize("size", [(25, 8, 8), (8, 8)])
def test_patches_that_do_not_fit_are_refused(scans: Dataset, size: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="does not fit into images of 1×24×16×16"):
        Patches(size, 0.5, 0.25).check(scans)
