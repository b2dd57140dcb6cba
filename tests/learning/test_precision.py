"""Which precision is fastest is measured; what a device lacks is refused."""

from collections.abc import Iterator

import pytest
import torch

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning.machine import Machine, check
from al_runner.learning.precision import PRECISIONS, Precision, available, chosen
from al_runner.learning.trial import seconds_of
from tests.learning.test_learner import learner, weights

T4, A100 = ("Tesla T4", (7, 5)), ("NVIDIA A100", (8, 0))


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((1.0, 0.99, 1.4), "32"),  # a small network: casts outnumber the arithmetic
        ((1.0, 0.6, 0.3), "bf16"),
        ((1.0, 0.6, 0.59), "tf32"),  # nearly as fast and more exact
        ((1.0, 0.97, 0.9), "bf16"),
        ((float("inf"), float("inf"), 1.0), "bf16"),  # the only one that fits
        ((float("inf"),) * 3, "bf16"),  # that with the smallest maps is left to try
    ],
)
def test_the_fastest_is_taken_if_that_is_worth_it(times: tuple[float, ...], expected: str) -> None:
    clock = dict(zip(PRECISIONS, times, strict=True))
    assert chosen(clock.__getitem__, PRECISIONS) == expected


def test_a_disturbed_turn_does_not_count() -> None:
    turns = {"32": iter([1.0, 1.0, 1.0]), "bf16": iter([9.0, 0.5, 9.0])}
    assert chosen(lambda each: next(turns[each]), ("32", "bf16")) == "bf16"


def test_nothing_is_measured_where_there_is_no_choice() -> None:
    def never(_: Precision) -> float:
        raise AssertionError

    assert chosen(never, available(T4[1])) == "32"


@pytest.mark.parametrize(("card", "precision"), [(T4, "bf16"), (T4, "tf32"), (None, "tf32")])
def test_a_precision_that_the_device_lacks(card: tuple[str, tuple[int, int]] | None, precision: str) -> None:
    with pytest.raises(InputError, match=rf"trainer\.precision={precision} needs .*: trainer\.precision=32"):
        check(card, precision, "auto")
    check(card, "auto", "auto")
    check(A100, precision, "on")


def test_graphs_without_a_gpu() -> None:
    with pytest.raises(InputError, match=r"trainer\.graphs=on needs a CUDA GPU"):
        Machine.detect("cpu", graphs="on")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tf32_is_for_those_who_ask(precision: Precision) -> None:
    """PyTorch allows it for convolutions, which `precision=32` must not be."""
    torch.backends.cudnn.allow_tf32 = True
    machine = Machine(torch.device("cpu"), "32").at(precision)
    assert machine.precision == precision
    allowed = precision == "tf32"
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (allowed, allowed)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_trial_leaves_the_learner_as_it_was(small: Dataset, precision: Precision) -> None:
    subject = learner(small)
    before, state = weights(subject).clone(), torch.get_rng_state()
    assert 0 < seconds_of(subject, precision) < 60
    assert torch.equal(weights(subject), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert subject.machine.precision == "32"
