"""Images and masks are changed alike."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from kornia import augmentation as ka
from torch import Tensor

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import Segmentation
from al_runner.data.transforms import Transforms, unit
from al_runner.data.words import MASK_NOT_TOLD, UNKNOWN_MASK
from al_runner.errors import InputError
from al_runner.learning.batches import LabeledSet
from al_runner.learning.machine import Machine
from al_runner.loop.seeding import Streams
from tests.composing import composed


def blocks(n: int = 12, size: tuple[int, ...] = (24, 28)) -> Dataset:
    """Images whose brightness is their mask's: 100 for each label; different for each sample."""
    masks = torch.zeros(n, *size, dtype=torch.uint8)
    for k, mask in enumerate(masks):
        mask[..., 4 + k % 5 : 14, 3 : 12 + k % 7] = 1
        mask[..., 6:10, 10:20] = 2
    split = Split((masks * 100).unsqueeze(1), masks)
    return Dataset("blocks", dict.fromkeys(("train", "val", "test"), split), Segmentation(3), "none")


def transforms(**steps: Any) -> Transforms:
    return Transforms(steps, Streams(0), torch.device("cpu"))


def named(name: str) -> Transforms:
    steps = instantiate(composed(f"transforms={name}").transforms, _convert_="all")
    return Transforms(steps, Streams(0), torch.device("cpu"))


GEOMETRIC = {
    "rotation": ka.RandomRotation(30.0, p=0.7),
    "affine": ka.RandomAffine(20.0, (0.1, 0.1), (0.8, 1.2), p=1.0),
    "translation": ka.RandomTranslate((-0.2, 0.2), (-0.2, 0.2), p=1.0),
    "elastic": ka.RandomElasticTransform((25, 25), (4.0, 4.0), (2.0, 2.0), p=1.0),
    "flip": ka.RandomHorizontalFlip(p=0.5),
}


def agree(images: Tensor, masks: Tensor, share: float) -> None:
    """Pixels whose brightness, away from borders, is still their label's."""
    levels = images.squeeze(1) * 255 / 100
    assert ((levels - masks.float()).abs() < 0.51).float().mean() > share


@pytest.mark.parametrize("name", GEOMETRIC)
def test_masks_go_where_images_go(name: str) -> None:
    dataset, subject = blocks(), transforms(step=GEOMETRIC[name])
    subject.check(dataset)
    images, masks = subject.drawn(1).alike(unit(dataset.train.images), dataset.train.targets)
    assert masks.dtype == torch.uint8
    assert set(masks.unique().tolist()) == {0, 1, 2}
    assert not torch.equal(masks, dataset.train.targets)
    agree(images, masks, 0.96)


def test_volumes() -> None:
    dataset, subject = blocks(6, (16, 24, 28)), named("volumes")
    subject.check(dataset)
    images, masks = subject.drawn(1).alike(unit(dataset.train.images), dataset.train.targets)
    assert set(masks.unique().tolist()) == {0, 1, 2}
    agree(images, masks, 0.95)


def test_intensities_leave_masks_alone() -> None:
    dataset = blocks()
    subject = transforms(blur=ka.RandomGaussianBlur((5, 5), (2.0, 2.0), p=1.0), hole=ka.RandomErasing(p=1.0))
    subject.check(dataset)
    images, masks = subject.drawn(0).alike(unit(dataset.train.images), dataset.train.targets)
    assert torch.equal(masks, dataset.train.targets)
    assert not torch.equal(images, unit(dataset.train.images))


@pytest.mark.parametrize("name", ["alda", "ideal"])
def test_masks_change_nothing_for_images(name: str) -> None:
    """The draws are those of images alone, so classification and segmentation see the same images."""
    dataset, subject = blocks(), named(name)
    with_masks, masks = subject.drawn(3).alike(unit(dataset.train.images), dataset.train.targets)
    assert torch.equal(with_masks, subject.drawn(3)(unit(dataset.train.images)))
    assert not torch.equal(masks, dataset.train.targets)


def test_labeled_batches_bring_their_masks() -> None:
    dataset, subject = blocks(), named("ideal")
    indices = torch.tensor([7, 2, 5, 0])
    labeled = LabeledSet(
        dataset.train, indices, dataset.train.targets[indices], Machine.detect("cpu"), subject.drawn(0)
    )
    seen = list(labeled.load([torch.tensor([2, 0]), torch.tensor([1, 3])]))
    assert [len(images) for images, _ in seen] == [2, 2]
    for images, masks in seen:
        agree((images + 1) / 2, masks, 0.95)


def test_a_pool_that_is_changed_once_has_changed_masks() -> None:
    dataset = blocks()
    changed = named("ideal").once(dataset)
    agree(unit(changed.train.images), changed.train.targets, 0.95)
    assert not torch.equal(changed.train.targets, dataset.train.targets)
    assert torch.equal(changed.splits["val"].targets, dataset.splits["val"].targets)


def test_steps_that_cannot_change_masks_are_refused() -> None:
    for step, words in (
        (ka.RandomThinPlateSpline(p=1.0), "mixes the labels"),
        (lambda images: images.flip(-1), "does not say how masks change"),
    ):
        with pytest.raises(InputError, match=words):
            transforms(step=step).check(blocks())


def test_a_mask_that_is_not_known_stays_so() -> None:
    dataset = blocks()
    masks = dataset.train.targets.clone()
    masks[2], masks[5] = UNKNOWN_MASK, MASK_NOT_TOLD
    train = replace(dataset.train, targets=masks, names=tuple("abcdefghijkl"))
    part = replace(dataset, splits={**dataset.splits, "train": train}, unlabeled=True)
    once = transforms(step=GEOMETRIC["translation"])
    whole, changed = once.once(dataset).train, once.once(part).train
    assert (changed.targets[2] == 255).all()
    assert (changed.targets[5] == 254).all()
    assert changed.told.tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]
    assert torch.equal(changed.targets[changed.told], whole.targets[changed.told])
    assert torch.equal(changed.images, whole.images)
    assert changed.names == train.names
