from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from al_runner.acquisition.uncertainty import entropy
from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset, Split, normalize
from al_runner.errors import InputError
from al_runner.learning import machine as machine_module
from al_runner.learning.batches import batches
from al_runner.learning.learner import NetworkLearner
from al_runner.learning.machine import Machine
from al_runner.learning.optimizer import Optimizer
from al_runner.learning.training import RecordMax
from al_runner.loop.schedule import Round
from al_runner.loop.seeding import Streams
from al_runner.models import NetworkBuilder
from al_runner.models.alda import alda_cnn

CPU = Machine.detect("cpu")
EVERYTHING = torch.arange(60)
NETWORK = partial(alda_cnn, width=2)


def adamw(**options: object) -> Optimizer:
    return Optimizer(**{"algorithm": torch.optim.AdamW, "lr": 3e-3, "batch_size": 16, **options})  # type: ignore[arg-type]


def learner(dataset: Dataset, seed: int = 0, build=NETWORK, **options) -> NetworkLearner:  # type: ignore[no-untyped-def]
    options = {"recipe": adamw(), "machine": CPU, **options}
    return NetworkLearner(dataset, build, streams=Streams(seed), **options)


def step(number: int = 0, epochs: int = 3, reset: bool = True) -> Round:
    return Round(number, 0, epochs, reset, evaluate=True)


def fit(subject: NetworkLearner, step: Round, n: int = 30) -> float:
    indices = torch.arange(n)
    return subject.fit(indices, subject.dataset.train.targets[indices], step)["train/loss"]


def weights(subject: NetworkLearner) -> Tensor:
    return torch.cat([value.flatten().double() for value in subject.network.state_dict().values()])


def test_learns(small: Dataset) -> None:
    subject = learner(small)
    before = subject.evaluate().metrics["test/accuracy"]
    fit(subject, step(epochs=30), 60)
    assert subject.evaluate().metrics["test/accuracy"] > max(0.9, before)


def test_same_seed_same_bits_and_other_seed_others(small: Dataset) -> None:
    a, b, c = learner(small), learner(small), learner(small, seed=1)
    torch.manual_seed(123)  # nobody's business
    for subject in (a, b, c):
        fit(subject, step())
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))


def test_rows_of_the_record_are_those_of_a_plain_loop(small: Dataset) -> None:
    """Lightning, index gathering and channels-last train as twenty lines of PyTorch do."""
    subject = learner(small)
    streams = Streams(0)
    with streams.as_global("model"):
        network = alda_cnn(1, 3, (14, 14), width=2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    order = streams.generator("order")
    for _ in range(3):
        for batch in batches(30, 16, order):
            optimizer.zero_grad()
            images = normalize(small.train.images[batch])
            nn.functional.cross_entropy(network(images), small.train.targets[batch]).backward()
            optimizer.step()
    fit(subject, step())
    with torch.inference_mode():
        expected = network.eval()(normalize(small.train.images)).softmax(1)
    torch.testing.assert_close(subject.predict(EVERYTHING), expected, rtol=1e-3, atol=1e-4)


def test_reset_starts_from_the_rounds_own_weights(small: Dataset) -> None:
    resumed, fresh = learner(small), learner(small)
    fit(resumed, step(0))
    fit(resumed, step(1))
    fit(fresh, step(1))
    assert torch.equal(weights(resumed), weights(fresh))


def test_warm_training_goes_on(small: Dataset) -> None:
    cold, warm = learner(small), learner(small)
    for subject in (cold, warm):
        fit(subject, step(0))
    fit(cold, step(1))
    fit(warm, step(1, reset=False))
    assert not torch.equal(weights(cold), weights(warm))
    assert warm.optimizer.state_dict()["state"][0]["step"] == 2 * 3 * 2


def test_asking_in_between_does_not_change_training(small: Dataset) -> None:
    asked, left_alone = learner(small), learner(small)
    for subject in (asked, left_alone):
        fit(subject, step(0))
    asked.predict(EVERYTHING)
    for subject in (asked, left_alone):
        fit(subject, step(1, reset=False))
    assert torch.equal(weights(asked), weights(left_alone))


@pytest.mark.parametrize("warm", [True, False])
def test_save_and_load_go_on_to_the_bit(small: Dataset, tmp_path: Path, warm: bool) -> None:
    subject = learner(small, warm=warm)
    fit(subject, step(0))
    subject.save(tmp_path / "checkpoint.pt")
    other = learner(small, warm=warm)
    other.load(tmp_path / "checkpoint.pt")
    assert torch.equal(other.predict(EVERYTHING), subject.predict(EVERYTHING))
    for one in (subject, other):
        fit(one, step(1, reset=not warm))
    assert torch.equal(weights(other), weights(subject))


def test_asking_changes_nothing(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(0))
    before, state = weights(subject), torch.get_rng_state()
    subject.predict(EVERYTHING)
    subject.embed(EVERYTHING)
    subject.evaluate()
    assert torch.equal(weights(subject), before)
    assert torch.equal(torch.get_rng_state(), state)


def test_predictions_belong_to_their_indices(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(0))
    everything = subject.predict(EVERYTHING)
    some = torch.tensor([7, 3, 59, 0])
    torch.testing.assert_close(subject.predict(some), everything[some], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        subject.predict(some, entropy), entropy(everything[some]), rtol=1e-4, atol=1e-4
    )


def test_no_chunk_is_lost(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = learner(small)
    whole = subject.predict(EVERYTHING)
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 7 * 2 * 14 * 14)
    torch.testing.assert_close(subject.predict(EVERYTHING), whole, rtol=1e-4, atol=1e-5)


def test_embeddings_are_what_the_classifier_sees(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(0))
    embeddings = subject.embed(EVERYTHING)
    assert embeddings.shape == (60, 4)
    probs = subject.network[-1](embeddings).softmax(1)
    torch.testing.assert_close(probs, subject.predict(EVERYTHING), rtol=1e-4, atol=1e-5)


def test_best_epoch_is_kept(small: Dataset) -> None:
    seen: list[float] = []

    class Spy(NetworkLearner):
        def _measure(self, key: str) -> float:
            seen.append(super()._measure(key))
            return seen[-1]

    subject = Spy(
        small,
        partial(alda_cnn, width=2),
        adamw(lr=0.05),
        CPU,
        Streams(3),
        best_epoch_by="val/accuracy",
    )
    fit(subject, step(epochs=8), 20)
    assert len(seen) == 8
    assert seen[-1] < max(seen), "the last epoch is the best one here: the test shows nothing"
    assert subject.evaluate().metrics["val/accuracy"] == max(seen)


def test_learning_rate_milestones_start_anew_each_round(small: Dataset) -> None:
    rates: list[float] = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):  # type: ignore[no-untyped-def]
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    recipe = adamw(algorithm=Watched, lr=0.1, batch_size=30, milestones=[0.5, 0.75])
    subject = learner(small, recipe=recipe)
    for number in range(2):
        fit(subject, step(number, epochs=4, reset=False))
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001] * 2)


@pytest.mark.parametrize(
    ("epochs", "rates"), [(1, [0.1]), (3, [0.1, 0.1, 0.01]), (5, [0.1, 0.1, 0.1, 0.01, 0.001])]
)
def test_milestones_of_short_rounds(epochs: int, rates: list[float]) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = adamw(lr=0.1, milestones=[0.5, 0.75]).schedule(optimizer, epochs)
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert seen == pytest.approx(rates)


def test_dropout_follows_its_stream(small: Dataset) -> None:
    def build(channels: int, outputs: int, size: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(size[0] * size[1], outputs))

    a, b = learner(small, build=build), learner(small, build=build)
    fit(a, step(0))
    torch.rand(17)
    fit(b, step(0))
    assert torch.equal(weights(a), weights(b))


def test_loss_that_is_not_finite(small: Dataset) -> None:
    with pytest.raises(InputError, match=r"round 4, epoch 1: .*lower optimizer\.lr"):
        fit(learner(small, recipe=adamw(lr=1e30)), step(4))


def test_weights_that_are_not_finite_after_the_last_step(small: Dataset) -> None:
    """The loss is computed before the step that breaks the network: it alone would not show it."""
    with pytest.raises(InputError, match=r"round 0, .*(prediction|loss) is not finite; lower optimizer\.lr"):
        fit(learner(small, recipe=adamw(lr=1e30, batch_size=60)), step(epochs=1), 60)


def test_what_reduces_predictions_runs_in_no_mode_of_ours(small: Dataset) -> None:
    subject = learner(small, machine=Machine(torch.device("cpu"), "bf16"))
    fit(subject, step(epochs=1))

    def product(probs: Tensor) -> Tensor:
        assert not torch.is_autocast_enabled("cpu")
        return probs @ probs.T.new_ones(3, 1)

    assert subject.predict(EVERYTHING, product).dtype == torch.float32
    with pytest.raises(ZeroDivisionError):
        subject.predict(EVERYTHING, lambda probs: 1 // 0)
    assert not torch.is_inference_mode_enabled()


def test_predictions_are_kept_where_asked_for(small: Dataset) -> None:
    arrays = learner(small, keep_predictions=True).evaluate().arrays
    assert arrays["probabilities_test"].shape == (20, 3)
    assert arrays["confusion_test"].sum() == 20
    assert arrays["targets_test"].tolist() == small.splits["test"].targets.tolist()
    assert "patients_test" not in arrays, "they are not known"
    assert "probabilities_test" not in learner(small).evaluate().arrays


def test_images_may_be_a_memory_map(small: Dataset, tmp_path: Path) -> None:
    """Large data sets stay on the disk: a tensor over a memory map is addressed like any other."""
    import numpy as np

    train = small.train
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=tuple(train.images.shape))
    mapped[:] = train.images.numpy()
    splits = {**small.splits, "train": replace(train, images=torch.from_numpy(mapped))}
    a, b = learner(small), learner(replace(small, splits=splits))
    for subject in (a, b):
        fit(subject, step(0))
    assert torch.equal(weights(a), weights(b))


@pytest.mark.parametrize(("n", "sizes"), [(1, [1]), (16, [16]), (17, [17]), (18, [16, 2]), (33, [16, 17])])
def test_no_batch_of_one(n: int, sizes: list[int]) -> None:
    parts = batches(n, 16, torch.Generator())
    assert [len(part) for part in parts] == sizes
    assert sorted(torch.cat(parts).tolist()) == list(range(n))


def test_batches_of_size_one_if_asked_for() -> None:
    assert [len(part) for part in batches(3, 1, torch.Generator())] == [1, 1, 1]


def test_a_gpu_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match="trainer=auto"):
        Machine.detect("gpu")


@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0},
        {"lr": "x"},
        {"batch_size": 2.5},
        {"lr": float("nan")},
        {"batch_size": 0},
        {"milestones": [1.5]},
        {"gamma": float("inf")},
    ],
)
def test_refuses_an_impossible_recipe(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"optimizer.{next(iter(options))}="):
        check_values(Optimizer, options, "optimizer")


def test_refuses_options_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="Nesterov"):
        Optimizer(partial(torch.optim.SGD, nesterov=True), lr=0.1, batch_size=4)


def test_bfloat16_predicts_alike(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(epochs=20))
    exact = subject.predict(EVERYTHING)
    subject.machine = Machine(torch.device("cpu"), "bf16")
    torch.testing.assert_close(subject.predict(EVERYTHING), exact, rtol=0, atol=0.05)


@pytest.mark.gpu
def test_gpu_repeats_itself_and_agrees_with_the_cpu(small: Dataset, tmp_path: Path) -> None:
    gpu = Machine.detect("gpu", precision="32")
    a, b, cpu = learner(small, machine=gpu), learner(small, machine=gpu), learner(small)
    for subject in (a, b, cpu):
        fit(subject, step(0))
    assert torch.equal(weights(a).cpu(), weights(b).cpu())
    torch.testing.assert_close(a.predict(EVERYTHING).cpu(), cpu.predict(EVERYTHING), rtol=0.05, atol=0.05)
    a.save(tmp_path / "c.pt")
    b.load(tmp_path / "c.pt")
    assert torch.equal(a.predict(EVERYTHING), b.predict(EVERYTHING))


def test_the_maximum_over_the_epochs_is_recorded_and_the_last_epoch_kept(small: Dataset) -> None:
    seen: list[float] = []

    class Spy(NetworkLearner):
        def _measure(self, key: str) -> float:
            assert key == "val/accuracy"
            seen.append(super()._measure(key))
            return seen[-1]

    subject = Spy(small, NETWORK, adamw(lr=0.05), CPU, Streams(3))
    indices = torch.arange(20)
    asked = replace(step(epochs=8), record_max="val/accuracy")
    found = subject.fit(indices, small.train.targets[indices], asked)
    assert len(seen) == 8
    assert found["val/accuracy_max"] == max(seen) > seen[-1]
    assert subject.evaluate().metrics["val/accuracy"] == seen[-1]
    unasked = learner(small, 3, recipe=adamw(lr=0.05))
    fit(unasked, step(epochs=8), 20)
    assert torch.equal(weights(subject), weights(unasked)), "to look changes nothing"


def test_a_maximum_is_a_number() -> None:
    values = iter([float("nan"), 0.2, float("nan"), 0.1])
    subject, module = RecordMax(lambda: next(values), nn.Module()), nn.Module()
    for _ in range(4):
        subject.on_train_epoch_end(None, module)  # type: ignore[arg-type]
    assert subject.best == 0.2


def test_the_final_model_is_another_network_from_the_weights_of_round_0(small: Dataset) -> None:
    """So it is paired with a run that trains nothing but that network."""
    wide = partial(alda_cnn, width=3)
    subject, alone = learner(small, build_final=wide), learner(small, build=wide)
    fit(subject, step(0))
    fit(subject, step(1, reset=False))
    before = torch.zeros(0)

    class Spy(NetworkLearner):
        def _start(self, round_number: int, build: NetworkBuilder) -> None:
            super()._start(round_number, build)
            nonlocal before
            before = weights(self)

    spied = Spy(small, NETWORK, adamw(), CPU, Streams(0), build_final=wide)
    for each in (subject, spied):
        fit(each, Round(2, 0, 3, reset=True, evaluate=True, final=True))
    assert torch.equal(before, weights(alone))
    assert torch.equal(weights(subject), weights(spied)), "whatever was trained before"
    assert len(weights(subject)) == len(weights(alone))
    assert not torch.equal(weights(subject), before)


def worth_of(subject: NetworkLearner, indices: Tensor, epochs: int = 2) -> list[float]:
    labels, others = subject.dataset.train.targets, torch.arange(20)
    return subject.worth(indices, labels[indices], others, labels[others], step(3), epochs).tolist()


def test_worth_is_that_of_a_copy_which_is_trained_on(small: Dataset) -> None:
    subject = learner(small)
    fit(subject, step(), 20)
    before, state = weights(subject), subject.optimizer.state_dict()
    chosen = torch.tensor([40, 25, 33])
    found = worth_of(subject, chosen)
    assert torch.equal(weights(subject), before), "the model is as it was"
    assert str(subject.optimizer.state_dict()) == str(state)
    for index, value in zip(chosen, found, strict=True):
        alone = learner(small)
        alone.network.load_state_dict(subject.network.state_dict())
        indices = torch.cat([torch.arange(20), index[None]])
        alone.fit(indices, small.train.targets[indices], step(3, epochs=2, reset=False))
        assert value == alone.evaluate().metrics["val/auroc"]
    assert len(set(found)) > 1
    assert worth_of(subject, chosen.flip(0)) == found[::-1], "each by itself"


def test_worth_does_not_depend_on_what_a_checkpoint_lacks(small: Dataset, tmp_path: Path) -> None:
    subject, other = (learner(small, warm=False) for _ in range(2))
    fit(subject, step(), 20)
    subject.save(tmp_path / "checkpoint.pt")
    other.load(tmp_path / "checkpoint.pt")
    chosen = torch.tensor([40, 25])
    assert worth_of(other, chosen) == worth_of(subject, chosen)


def test_worth_of_nothing_to_tell_apart(small: Dataset) -> None:
    targets = torch.zeros_like(small.splits["val"].targets)
    val = replace(small.splits["val"], targets=targets)
    subject = learner(replace(small, splits={**small.splits, "val": val}))
    assert torch.tensor(worth_of(subject, torch.tensor([40]), 1)).isnan().all()


def test_no_samples_have_no_embeddings(small: Dataset) -> None:
    """The first query asks for those of what is labeled, and nothing is."""
    subject = learner(small)
    none = torch.arange(0)
    assert subject.embed(none).shape == (0, subject.embed(EVERYTHING).shape[1])


def test_validation_images_are_trained_on_where_that_is_asked_for(small: Dataset) -> None:
    """As if they were in the training split, and had been bought."""
    val = small.splits["val"]
    larger = replace(
        small,
        splits={
            **small.splits,
            "train": Split(
                torch.cat([small.train.images, val.images]), torch.cat([small.train.targets, val.targets])
            ),
        },
    )
    labeled = torch.arange(20)
    both = torch.cat([labeled, torch.arange(60, 60 + len(val))])
    subject, expected = learner(small, train_on_validation=True), learner(larger)
    subject.fit(labeled, small.train.targets[labeled], step())
    expected.fit(both, larger.train.targets[both], step())
    assert torch.equal(weights(subject), weights(expected))
    plain = learner(small)
    plain.fit(labeled, small.train.targets[labeled], step())
    assert not torch.equal(weights(plain), weights(subject))
    assert len(subject.dataset.train) == 60


def test_losses_and_accuracies_after_each_epoch(small: Dataset) -> None:
    watched, alone = learner(small, keep_epochs=True), learner(small)
    for subject in (watched, alone):
        subject.fit(torch.arange(30), small.train.targets[:30], step(epochs=4))
    assert torch.equal(weights(watched), weights(alone)), "watching changes nothing"
    found = watched.evaluate()
    table = found.arrays["epochs"]
    assert table.dtype.names == tuple(
        f"{split}_{what}" for split in ("train", "val", "test") for what in ("loss", "accuracy")
    )
    assert len(table) == 4
    assert "epochs" not in alone.evaluate().arrays
    watched.network.eval()
    for name, split, n in (("train", small.train, 30), ("val", small.splits["val"], None)):
        with torch.no_grad():
            logits = watched.network(normalize(split.images[:n]))
        targets = split.targets[:n].long()
        loss = torch.nn.functional.cross_entropy(logits, targets)
        assert table[f"{name}_loss"][-1] == pytest.approx(float(loss), rel=1e-4)
        right = (logits.argmax(1) == targets).float().mean()
        assert table[f"{name}_accuracy"][-1] == pytest.approx(float(right), rel=1e-5)
    assert found.metrics["test/accuracy"] == pytest.approx(table["test_accuracy"][-1], rel=1e-5)


def test_some_images_are_kept_as_the_training_saw_them(small: Dataset) -> None:
    class Darker:
        def drawn(self, number: int) -> Callable[[Tensor], Tensor]:
            return lambda images: images / 2

    plain, subject = learner(small, keep_epochs=True), learner(small, keep_epochs=True, transforms=Darker())
    for each in (plain, subject):
        each.fit(torch.arange(30), small.train.targets[:30], step(epochs=1))
    assert "augmented" not in plain.evaluate().arrays
    pairs = subject.evaluate().arrays["augmented"]
    assert pairs.shape == (10, 2, 14, 14)
    assert np.array_equal(pairs[:, 0], small.train.images[:10, 0].numpy())
    assert np.abs(pairs[:, 1].astype(int) - pairs[:, 0].astype(int) / 2).max() <= 0.5
