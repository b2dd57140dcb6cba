"""Changes of images: drawn for each sample, from the run's stream, by the shipped groups."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from al_runner.config.parts import Parts
from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.data.transforms import Transforms, block_size, unit
from al_runner.errors import InputError
from al_runner.loop.seeding import Streams
from tests.composing import composed
from tests.config.test_configs import CONF

CPU = torch.device("cpu")
GROUPS = sorted(path.stem for path in (CONF / "transforms").glob("*.yaml"))
PLANE = ["alda", "ideal"]
ROTATION = ["transforms.rotation.p=1", "~transforms.blur", "~transforms.elastic"]


def transforms(name: str, *overrides: str, seed: int = 0) -> Transforms:
    return Transforms(Parts(composed(f"transforms={name}", *overrides))("transforms"), Streams(seed), CPU)


def always(name: str) -> list[str]:
    return [f"transforms.{step}.p=1" for step in composed(f"transforms={name}").transforms]


def images(n: int = 40, channels: int = 1, size: tuple[int, ...] = (28, 28)) -> Tensor:
    """A bright block off the center, in noise."""
    result = torch.rand(n, channels, *size, generator=torch.Generator().manual_seed(0)) * 0.1
    result[..., size[-2] // 4 : size[-2] // 2, size[-1] // 4 : size[-1] // 2] += 0.8
    return result


def dataset_of(pictures: Tensor) -> Dataset:
    split = Split(pictures.mul(255).round().to(torch.uint8), torch.arange(len(pictures)) % 2)
    return Dataset("x", {"train": split, "val": split, "test": split}, MultiClass(2), "none")


def test_every_group_is_tested() -> None:
    assert {*PLANE, "volumes"} == set(GROUPS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", PLANE)
def test_changes_every_sample_in_its_own_way(name: str, channels: int) -> None:
    same = images(1, channels).expand(40, -1, -1, -1).clone()
    changed = transforms(name, *always(name)).drawn(0)(same.clone())
    assert changed.shape == same.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert len({image.numpy().tobytes() for image in changed}) == 40
    if channels == 3:
        assert (changed.std(1).mean() - same.std(1).mean()).abs() < 0.05, "all channels move together"


@pytest.mark.parametrize("name", PLANE)
def test_draws_come_from_the_stream_alone(name: str) -> None:
    def change(seed: int = 0, round_number: int = 0, skip: int = 0) -> Tensor:
        step = transforms(name, *always(name), seed=seed).drawn(round_number)
        torch.manual_seed(torch.seed())
        for _ in range(skip):
            step(images())
        return step(images())

    assert torch.equal(change(), change())
    for other in (change(seed=1), change(round_number=1), change(skip=1)):
        assert not torch.equal(change(), other)


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    transforms("alda").drawn(0)(images())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", PLANE)
def test_probabilities(name: str) -> None:
    never = [text.replace("p=1", "p=0") for text in always(name)]
    assert torch.equal(transforms(name, *never).drawn(0)(images()), images())
    rates = {}
    for step in composed(f"transforms={name}").transforms:
        only = [text for text in never if f".{step}." not in text]
        changed = transforms(name, *only, f"transforms.{step}.p=0.5").drawn(0)(images(1000))
        rates[step] = (changed != images(1000)).flatten(1).any(1).float().mean().item()
    assert all(abs(rate - 0.5) < 5 * 0.5 / 1000**0.5 for rate in rates.values()), rates


def angle(image: Tensor) -> float:
    """Degrees from the horizontal of a bar through the center: the main axis of its second moments."""
    y, x = torch.meshgrid(torch.arange(65.0) - 32, torch.arange(65.0) - 32, indexing="ij")
    xx, yy, xy = ((image * product).sum() for product in (x * x, y * y, x * y))
    return float(torch.rad2deg(torch.atan2(2 * xy, xx - yy)) / 2)


def test_rotates_by_up_to_30_degrees_either_way() -> None:
    bar = torch.zeros(300, 1, 65, 65)
    bar[..., 31:34, 8:57] = 1
    turned = transforms("alda", *ROTATION).drawn(0)(bar)
    angles = torch.tensor([angle(image[0]) for image in turned])
    assert angles.abs().max() < 30.5
    assert angles.min() < -28
    assert angles.max() > 28
    assert abs(angles.mean()) < 5 * 17.3 / 300**0.5


def test_elastic_displacements_are_what_the_file_says() -> None:
    """About 4 % of the image: measured on a ramp, whose values are its places."""
    ramp = torch.linspace(0.25, 0.75, 28).expand(200, 1, 28, 28).clone()
    only = ["~transforms.rotation", "~transforms.blur", "transforms.elastic.p=1"]
    moved = (transforms("alda", *only).drawn(0)(ramp) - ramp)[..., 8:20, 8:20] * 2  # in shares of the width
    assert 0.03 < moved.std() < 0.05


def test_what_comes_in_from_outside_is_black() -> None:
    white = torch.ones(50, 1, 28, 28)
    turned = transforms("alda", *ROTATION).drawn(0)(white)
    assert turned[..., 0, 0].min() == 0
    assert turned[..., 14, 14].min() == 1


def test_once_changes_the_training_images_and_nothing_else() -> None:
    n = block_size(dataset_of(images(2)).train) + 10  # more than one block
    before = dataset_of(images(n))
    after = transforms("alda", *always("alda")).once(before)
    assert after.train.images.dtype == torch.uint8
    assert (after.train.images != before.train.images).flatten(1).any(1).all()
    assert after.splits["val"] is before.splits["val"]
    assert after.splits["test"] is before.splits["test"]
    assert after.train.targets is before.train.targets
    assert after.fingerprint == before.fingerprint
    again = transforms("alda", *always("alda")).once(before)
    assert torch.equal(after.train.images, again.train.images)
    other = transforms("alda", *always("alda"), seed=1).once(before)
    assert not torch.equal(after.train.images, other.train.images)


def test_once_does_not_shift_gray_values() -> None:
    never = [text.replace("p=1", "p=0") for text in always("alda")]
    before = dataset_of(unit(torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)).expand(4, -1, -1, -1))
    assert torch.equal(transforms("alda", *never).once(before).train.images, before.train.images)


@pytest.mark.parametrize("name", PLANE)
def test_volumes_are_refused_by_what_is_made_for_images(name: str) -> None:
    volumes = dataset_of(images(4, 1, (8, 8, 8)))
    with pytest.raises(InputError, match=r"transforms\.rotation cannot change images of 1×8×8×8: .*shape"):
        transforms(name).check(volumes)


def test_volumes() -> None:
    same = images(1, 1, (12, 12, 12)).expand(8, -1, -1, -1, -1).clone()
    subject = transforms("volumes", *always("volumes"))
    subject.check(dataset_of(same))
    changed = subject.drawn(0)(same)
    assert changed.shape == same.shape
    assert len({image.numpy().tobytes() for image in changed}) == 8


def test_a_step_that_changes_the_size_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"transforms.half cannot change images of 1×28×28: it makes them 1×14×28"
    ):
        Transforms({"half": lambda x: x[:, :, ::2]}, Streams(0), CPU).check(dataset_of(images(4)))


def test_a_step_without_a_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"transforms.flip needs a _target_"):
        transforms("alda", "+transforms.flip.p=1")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("transforms.rotation.p=2", "rotation.p=2 is not a number between 0 and 1"),
        ("transforms.rotation.p=often", "rotation.p=often must be a number"),
        ("transforms.blur.kernel_size=[4,4]", "transforms.blur cannot change images of 1×28×28: .*odd"),
        ("+transforms.mix={_target_: kornia.augmentation.RandomMixUpV2}", "mix mixes images with each other"),
    ],
)
def test_bad_values(override: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        transforms("alda", override).check(dataset_of(images(4)))


def test_an_error_while_it_trains_is_not_blamed_on_the_config() -> None:
    def out_of_memory(images: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        Transforms({"x": out_of_memory}, Streams(0), CPU).drawn(0)(images())


def test_images_stay_between_black_and_white() -> None:
    noise = Transforms({"noise": lambda x: x + torch.randn_like(x)}, Streams(0), CPU).drawn(0)(images())
    assert (noise.min(), noise.max()) == (0, 1)


def test_the_ideal_and_volume_groups_move_by_what_they_say() -> None:
    """Measured by the center of mass, in shares of the edges; the scale by the mass."""
    disk = torch.zeros(400, 1, 64, 64)
    disk[..., 22:42, 22:42] = 1
    still = [f"transforms.{step}.p=0" for step in ("rotation", "translation", "scaling")]
    moved = transforms("ideal", still[0], still[2]).drawn(0)(disk)
    places = torch.arange(64.0) / 64
    x = (moved.sum((1, 2)) * places).sum(1) / moved.sum((1, 2, 3)) - (disk[0, 0, 30] * places).sum() / 20
    assert 0.028 < x.max() < 0.0315
    assert -0.0315 < x.min() < -0.028
    mass = transforms("ideal", *still[:2]).drawn(0)(disk).sum((1, 2, 3)) / 400
    assert 0.95**2 - 0.01 < mass.min() < 0.95**2 + 0.02
    assert 1.05**2 - 0.02 < mass.max() < 1.05**2 + 0.01
    box = torch.zeros(60, 1, 24, 24, 24)
    box[..., 8:16, 8:16, 8:16] = 1
    only = [f"transforms.affine.{text}" for text in ("p=1", "degrees=[0.0,0.0,0.0]", "scale=[1.0,1.0]")]
    moved = transforms("volumes", *only).drawn(0)(box)
    for axes in ((1, 2, 3), (1, 2, 4), (1, 3, 4)):
        center = (moved.sum(axes) * torch.arange(24.0)).sum(1) / moved.sum((1, 2, 3, 4)) - 11.5
        assert 0.7 < center.abs().max() < 1.25  # 5 % of 24 voxels


def test_one_s_own_step(tmp_path: Path) -> None:
    flip = "+transforms.flip={_target_: kornia.augmentation.RandomHorizontalFlip, p: 1.0}"
    never = [text.replace("p=1", "p=0") for text in always("alda")]
    assert torch.equal(transforms("alda", *never, flip).drawn(0)(images()), images().flip(-1))
