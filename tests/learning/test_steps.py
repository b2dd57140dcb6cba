"""A step and its recording: the same numbers, whatever is recorded when."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from pytorch_lightning.accelerators import cuda
from torch import Tensor, nn

from al_runner.data.tasks import MultiClass, TrainingLoss
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.posterior import Ensemble
from al_runner.learning.steps import Captured, Replay, Step, step_of
from al_runner.learning.training import CLEAR
from al_runner.models.alda import alda_cnn

ADAMW = partial(torch.optim.AdamW, fused=True)
SGD = partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True)
CPU = torch.device("cpu")
ROUNDS = (20, 23)
"""Samples in each: the tail of a round is a batch of another size."""


class Tape:
    """Stands for a GPU's recorder: what is recorded is taken back, and taken anew when it is replayed."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.optimizer = network, optimizer
        self.rehearsed = self.recorded = self.replayed = self.forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        self.rehearsed += 1
        return step()

    def record(self, step: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
        self.recorded += 1
        places = [*self.network.parameters(), *self.network.buffers()]
        places += [each for state in self.optimizer.state.values() for each in state.values()]
        before, rates = [each.clone() for each in places], [g["lr"] for g in self.optimizer.param_groups]
        loss = step().clone()
        with torch.no_grad():
            for place, value in zip(places, before, strict=True):
                place.copy_(value)

        def replay() -> None:
            self.replayed += 1
            now = [g["lr"] for g in self.optimizer.param_groups]
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate  # a graph knows the rate with which it was recorded
            loss.copy_(step())
            for group, rate in zip(self.optimizer.param_groups, now, strict=True):
                group["lr"] = rate

        return replay, loss


def network_of(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return alda_cnn(1, 3, (14, 14), width=2)


def batches(count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    for size in torch.arange(count).split(8):
        images = torch.rand(len(size), 1, 14, 14, generator=generator)
        yield images, torch.randint(3, (len(size),), generator=generator)


def trained(step: Step, recipe: Optimizer, renewed: Callable[[int], Step]) -> tuple[list[float], Tensor]:
    """Losses and last weights of two rounds, each from fresh weights and with a schedule of its own."""
    losses = []
    for number, count in enumerate(ROUNDS):
        step = renewed(number) if number else step
        schedule = recipe.schedule(step.optimizer, 6)
        for epoch in range(6):
            losses += [step(*batch).item() for batch in batches(count, epoch)]
            schedule.step()
    return losses, torch.cat([each.flatten() for each in step.network.state_dict().values()])


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("algorithm", [ADAMW, SGD], ids=["adamw", "sgd"])
def test_a_recording_takes_the_same_steps(
    algorithm: Callable[..., torch.optim.Optimizer], precision: str
) -> None:
    machine = Machine(CPU, precision)  # type: ignore[arg-type]
    recipe = Optimizer(algorithm, lr=0.01, batch_size=8, milestones=[0.5])

    def eager(number: int) -> Step:
        network = network_of(number)
        return Step(network, recipe.build(network), nn.functional.cross_entropy, machine)

    network = network_of(0)
    optimizer = recipe.build(network)
    tape = Tape(network, optimizer)
    captured = Captured(network, optimizer, nn.functional.cross_entropy, machine, tape)  # type: ignore[arg-type]

    def renewed(number: int) -> Step:
        assert captured.renew(network_of(number))
        return captured

    expected, weights = trained(eager(0), recipe, eager)
    losses, own = trained(captured, recipe, renewed)
    assert losses == expected
    assert torch.equal(own, weights)
    # Shapes of 8, 4 and 7 images at two rates each; those of 8 are kept for the second round.
    assert (tape.rehearsed, tape.recorded) == (6, 6)
    assert tape.replayed == len(losses) - tape.rehearsed


class Refusing(Tape):
    """A recorder to which something on the way waits for the device."""

    def record(self, step: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing\nmore words")


def test_what_cannot_be_recorded_is_taken_eagerly_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Optimizer(ADAMW, lr=0.01, batch_size=8)
    network, same = network_of(0), network_of(0)
    optimizer = recipe.build(network)
    tape = Refusing(network, optimizer)
    captured = Captured(network, optimizer, nn.functional.cross_entropy, Machine(CPU, "32"), tape)  # type: ignore[arg-type]
    plain = Step(same, recipe.build(same), nn.functional.cross_entropy, Machine(CPU, "32"))
    for epoch in range(3):
        for batch in batches(20, epoch):
            assert captured(*batch).item() == plain(*batch).item()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "not permitted when stream is capturing more words" in said
    assert optimizer.param_groups[0]["capturable"] is False


def test_an_optimizer_of_many_kernels_is_not_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    network = network_of(0)
    optimizer = torch.optim.Adam(network.parameters())
    tape = Tape(network, optimizer)
    captured = Captured(network, optimizer, nn.functional.cross_entropy, Machine(CPU, "32"), tape)  # type: ignore[arg-type]
    for batch in batches(16, 0):
        captured(*batch)
    assert "optimizer.algorithm" in capsys.readouterr().err
    assert tape.rehearsed == tape.recorded == 0


def test_a_network_of_another_shape_is_not_taken_over() -> None:
    network = network_of(0)
    recipe = Optimizer(ADAMW, lr=0.01, batch_size=8)
    optimizer = recipe.build(network)
    captured = Captured(
        network,
        optimizer,
        nn.functional.cross_entropy,
        Machine(CPU, "32"),
        Tape(network, optimizer),  # type: ignore[arg-type]
    )
    assert not captured.renew(alda_cnn(1, 3, (14, 14), width=3))


def test_a_step_goes_on_for_the_same_network_only() -> None:
    network, loss, machine = network_of(0), nn.functional.cross_entropy, Machine(CPU, "32")
    optimizer = torch.optim.Adam(network.parameters())
    first = step_of(network, optimizer, loss, machine, None)
    assert step_of(network, optimizer, nn.functional.nll_loss, machine, first) is first
    assert first.loss is nn.functional.nll_loss
    other = network_of(0)
    assert step_of(other, torch.optim.Adam(other.parameters()), loss, machine, first).network is other


def test_another_loss_is_recorded_anew() -> None:
    network, recipe = network_of(0), Optimizer(ADAMW, lr=0.01, batch_size=8)
    optimizer = recipe.build(network)
    tape = Tape(network, optimizer)
    captured = Captured(network, optimizer, nn.functional.cross_entropy, Machine(CPU, "32"), tape)  # type: ignore[arg-type]
    batch = next(batches(8, 0))
    for loss in (nn.functional.cross_entropy, nn.functional.cross_entropy, nn.functional.multi_margin_loss):
        captured.minimize(loss)
        for _ in range(3):
            captured(*batch)
    assert (tape.recorded, tape.forgotten) == (2, 1)


def test_graphs_are_kept_over_rounds_whose_loss_is_the_same() -> None:
    """Each round asks for it anew: the sum over an ensemble's members, weights that are given or counted."""
    ensemble, task = Ensemble(2), MultiClass(3)
    assert ensemble.loss(task.loss) == ensemble.loss(task.loss)
    assert ensemble.loss(task.loss) != ensemble.loss(MultiClass(4).loss)
    given, counted = TrainingLoss(class_weights=[1, 2, 3]), TrainingLoss(class_weights="balanced")
    first, later = torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2, 2])
    assert ensemble.loss(given.of(task, first)) == ensemble.loss(given.of(task, later))
    assert counted.of(task, first) == counted.of(task, first.flip(0))
    assert counted.of(task, first) != counted.of(task, later)


def test_lightning_would_empty_the_memory_around_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the function that is replaced: under another name it would go on doing so."""
    calls = []
    monkeypatch.setattr(cuda, CLEAR, lambda: calls.append(1))
    cuda.CUDAAccelerator().teardown()
    assert calls
