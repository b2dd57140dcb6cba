import pytest
import torch

from al_runner.errors import InputError
from al_runner.loop.oracle import Noisy, Simulated


def noisy(targets: torch.Tensor, seed: int = 0, **options: object) -> Noisy:
    return Noisy(targets, 4, torch.Generator().manual_seed(seed), **options)  # type: ignore[arg-type]


def test_simulated_answers_in_the_order_asked() -> None:
    assert Simulated(torch.tensor([5, 6, 7])).answer(torch.tensor([2, 0])).tolist() == [7, 5]


def test_flip_rate_and_evenly_wrong_answers() -> None:
    targets = torch.zeros(20_000, dtype=torch.int64)
    answers = noisy(targets, flip_rate=0.3).answer(torch.arange(20_000))
    shares = answers.bincount(minlength=4) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.1, 0.1, 0.1]), atol=0.01, rtol=0)


def test_errors_belong_to_the_sample_not_to_who_asks() -> None:
    targets = torch.arange(100) % 4
    whole = noisy(targets).answer(torch.arange(100))
    oracle = noisy(targets)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(3))
    pieces = torch.cat([oracle.answer(part) for part in order.split(7)])
    assert torch.equal(pieces, whole[order])
    assert not torch.equal(noisy(targets, seed=1).answer(torch.arange(100)), whole)


def test_confusion_matrix() -> None:
    matrix = [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    answers = noisy(torch.tensor([0, 1, 2, 3]), confusion=matrix).answer(torch.arange(4))
    assert answers.tolist() == [1, 1, 3, 3]


def test_no_noise_and_all_noise() -> None:
    targets = torch.arange(100) % 4
    assert torch.equal(noisy(targets, flip_rate=0).targets, targets)
    assert (noisy(targets, flip_rate=1).targets != targets).all()


def test_multi_label_flips_single_labels() -> None:
    targets = torch.zeros(2000, 5, dtype=torch.int64)
    flipped = noisy(targets, flip_rate=0.2).targets
    assert set(flipped.unique().tolist()) == {0, 1}
    assert abs(flipped.float().mean().item() - 0.2) < 0.02


@pytest.mark.parametrize(
    "options",
    [{"confusion": [[1.0]]}, {"confusion": [[0.5, 0, 0, 0]] * 4}],
)
def test_refuses_what_is_no_probability(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        noisy(torch.arange(8) % 4, **options)


def test_refuses_a_confusion_matrix_for_multi_label_data() -> None:
    with pytest.raises(InputError, match="for classes"):
        noisy(torch.zeros(8, 4, dtype=torch.int64), confusion=[[1.0]])


def test_refuses_masks() -> None:
    with pytest.raises(InputError, match="masks"):
        noisy(torch.zeros(3, 8, 8, dtype=torch.int64))
