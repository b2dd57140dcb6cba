"""The learner on frozen features."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from torch import Tensor

from al_runner.acquisition.uncertainty import entropy
from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset
from al_runner.data.tasks import Binary, Segmentation, TrainingLoss
from al_runner.errors import InputError
from al_runner.learning.linear import LinearHead, LinearLearner
from al_runner.learning.linear.held_out import TEMPERATURES, folds
from al_runner.learning.posterior import Ensemble, McDropout
from al_runner.loop.criteria import AGREEMENT
from al_runner.loop.protocols import Learner
from al_runner.models.saliency.gradients import Gradient
from tests.learning.features import CPU, STEP, clusters, fit, learner, several_labels

EVERYTHING = torch.arange(90)
ONE = LinearHead(strengths=[0.02])


def standardized(features: dict[str, Tensor], split: str = "train") -> Tensor:
    mean, deviation = features["train"].double().mean(0), features["train"].double().std(0, correction=0)
    return (features[split].double() - mean) / deviation


def scikit_learns(data: tuple[Dataset, dict[str, Tensor]], n: int, strength: float) -> Tensor:
    """Probabilities of all training samples."""
    x, y = standardized(data[1]).numpy(), data[0].train.targets.numpy()
    model = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x[:n], y[:n])
    return torch.from_numpy(model.predict_proba(x)).float()


@pytest.mark.parametrize("classes", [2, 3])
def test_predictions_are_scikit_learns(classes: int) -> None:
    data = clusters(classes)
    subject: Learner = learner(data, ONE)
    fit(subject, 40)  # type: ignore[arg-type]
    torch.testing.assert_close(subject.predict(EVERYTHING), scikit_learns(data, 40, 0.02), rtol=0, atol=1e-5)


def test_one_logit_is_the_same_model() -> None:
    dataset, features = clusters(2)
    two, one = (
        learner((replace(dataset, task=task), features), ONE) for task in (Binary(), Binary(one_logit=True))
    )
    fit(two), fit(one)
    assert torch.equal(two.predict(EVERYTHING), one.predict(EVERYTHING))
    assert two.evaluate().metrics == one.evaluate().metrics


def test_every_label_is_scikit_learns() -> None:
    dataset, features = several_labels()
    subject = learner((dataset, features), ONE)
    fit(subject, 60)
    x, y = standardized(features).numpy(), dataset.train.targets.numpy()
    for label in range(4):
        model = LogisticRegression(C=0.02, tol=1e-10, max_iter=10_000).fit(x[:60], y[:60, label])
        expected = torch.from_numpy(model.predict_proba(x)).float()
        torch.testing.assert_close(subject.predict(EVERYTHING)[:, label], expected, rtol=0, atol=1e-5)


STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def chosen(data: tuple[Dataset, dict[str, Tensor]], n: int, errors: float) -> float:
    """The strength that is taken."""
    return fit(learner(data, LinearHead(strengths=STRENGTHS, standard_errors=errors)), n)["train/strength"]


def held_out_parts(y: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which samples are known and which are held out, fold by fold."""
    held = folds(y[None], 5)[0].numpy()
    return [((held != fold).nonzero()[0], (held == fold).nonzero()[0]) for fold in range(5)]


def test_the_best_strength_is_that_of_a_plain_cross_validation() -> None:
    data = clusters(3, apart=0.4)
    x, y = standardized(data[1]).numpy()[:60], data[0].train.targets[:60]
    parts = held_out_parts(y)
    model = LogisticRegressionCV(Cs=STRENGTHS, cv=parts, scoring="neg_log_loss", max_iter=1000)
    found = chosen(data, 60, 0)
    assert 1e-4 < found < 1.0, "an end of the grid: the test shows little"
    assert found == pytest.approx(np.ravel(model.fit(x, y.numpy()).C_)[0])


@pytest.mark.parametrize(("apart", "n"), [(0.1, 30), (0.4, 60), (2.0, 60)])
def test_another_strength_than_the_middle_one_must_be_shown_to_be_better(apart: float, n: int) -> None:
    data = clusters(3, apart=apart)
    x, y = standardized(data[1]).numpy()[:n], data[0].train.targets[:n].numpy()
    losses = {strength: np.zeros(n) for strength in STRENGTHS}
    for known, held in held_out_parts(data[0].train.targets[:n]):
        for strength, found in losses.items():
            model = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x[known], y[known])
            found[held] = -model.predict_log_proba(x[held])[np.arange(len(held)), y[held]]
    best = min(losses.values(), key=np.mean)
    taken = []
    for errors in (0.0, 0.5, 1.0, 2.0, 4.0, 100.0):
        good = [
            strength
            for strength, each in losses.items()
            if each is best or (each - best).mean() <= errors * (each - best).std() / np.sqrt(n)
        ]
        expected = min(good, key=lambda strength: abs(np.log(strength / 1e-2)))
        taken.append(expected)
        assert chosen(data, n, errors) == pytest.approx(expected)
    assert taken[-1] == 1e-2


def test_class_weights_are_those_of_the_loss() -> None:
    dataset, features = clusters(3)
    rare = torch.cat(
        [(dataset.train.targets == c).nonzero()[:count, 0] for c, count in enumerate((20, 10, 3))]
    )
    subject = learner((dataset, features), ONE, training_loss=TrainingLoss(class_weights="balanced"))
    fit(subject, rare)
    x, y = standardized(features).numpy(), dataset.train.targets.numpy()
    model = LogisticRegression(C=0.02, tol=1e-10, max_iter=10_000, class_weight="balanced")
    expected = torch.from_numpy(model.fit(x[rare], y[rare]).predict_proba(x)).float()
    torch.testing.assert_close(subject.predict(EVERYTHING), expected, rtol=0, atol=1e-5)


def test_a_weight_of_zero_is_no_label() -> None:
    subject = learner(clusters(3), ONE, training_loss=TrainingLoss(class_weights=[1, 1, 0]))
    fit(subject)
    probs = subject.predict(EVERYTHING)
    assert probs.isfinite().all()
    assert probs[:, 2].unique().numel() == 1


# ---- Labels that are not there ----


@pytest.mark.parametrize(
    ("seen", "n", "fixed"),
    [([], 0, {0: 1 / 4, 1: 1 / 4, 2: 1 / 4, 3: 1 / 4}), ([2], 5, {0: 1 / 9, 1: 1 / 9, 2: 6 / 9, 3: 1 / 9}),
     ([0, 2], 10, {1: 1 / 14, 3: 1 / 14}), ([0, 1, 3], 12, {2: 1 / 16})],
)  # fmt: skip
def test_classes_without_labels_follow_the_rule_of_succession(
    seen: list[int], n: int, fixed: dict[int, float]
) -> None:
    data = clusters(4)
    targets = data[0].train.targets
    indices = torch.tensor([i for i in range(90) if int(targets[i]) in seen][:n], dtype=torch.int64)
    subject = learner(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if n:
            fit(subject, indices)
        probs = subject.predict(EVERYTHING)
        subject.evaluate()
    for label, probability in fixed.items():
        assert probs[:, label].tolist() == pytest.approx([probability] * 90)
    assert probs.sum(1).tolist() == pytest.approx([1] * 90)
    assert entropy(probs).isfinite().all()
    if len(seen) > 1:
        rest = probs[:, seen] / probs[:, seen].sum(1, keepdim=True)
        assert rest.std(0).min() > 0, "the classes that have labels share the rest by the model"


def test_a_label_of_one_value_follows_it_too() -> None:
    dataset, features = several_labels()
    absent = (dataset.train.targets[:, 3] == 0).nonzero().squeeze(1)[:10]
    subject = learner((dataset, features))
    fit(subject, absent)
    probs = subject.predict(EVERYTHING)
    assert probs[:, 3].unique(dim=0).tolist() == [pytest.approx([11 / 12, 1 / 12])]
    assert probs[:, 0].std(0).min() > 0


def test_one_label_of_each_class_takes_the_default() -> None:
    data = clusters(3)
    first = torch.tensor([int((data[0].train.targets == c).nonzero()[0]) for c in range(3)])
    assert fit(learner(data), first)["train/strength"] == pytest.approx(4 / 20)
    assert fit(learner(data, LinearHead(strengths=[1, 2, 3, 4])), first)["train/strength"] == 2


def test_folds_are_stable_and_never_lose_a_class() -> None:
    labels = torch.randint(0, 3, (1, 50), generator=torch.Generator().manual_seed(0))
    labels[0, 17] = 3
    whole = folds(labels, 5)
    assert torch.equal(folds(labels[:, :40], 5), whole[:, :40])
    assert whole[0, 17] == -1
    for fold in range(5):
        assert set(labels[whole != fold].tolist()) == {0, 1, 2, 3}
        assert 5 <= int((whole == fold).sum()) <= 15
    assert folds(torch.tensor([[0, 1, 2]]), 5).tolist() == [[-1, -1, -1]]
    assert folds(torch.tensor([[0, 1, 0, 1, 1]]), 5).amax() == 2


# ---- The contract of a learner ----


def test_a_fit_depends_on_its_labels_alone() -> None:
    fresh, used = learner(clusters()), learner(clusters())
    fit(used, 20)
    fit(used, 40), fit(fresh, 40)
    assert torch.equal(fresh.predict(EVERYTHING), used.predict(EVERYTHING))


@pytest.mark.parametrize("data", [clusters(2), clusters(3), several_labels()], ids=["two", "three", "labels"])
@pytest.mark.parametrize(
    "head", [LinearHead(), LinearHead(temperature=True, semi_supervised="pseudo_labels")]
)
def test_save_and_load_go_on_to_the_bit(data, head: LinearHead, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    subject, other = learner(data, head), learner(data, head)
    fit(subject)
    subject.save(tmp_path / "checkpoint.pt")
    other.load(tmp_path / "checkpoint.pt")
    assert torch.equal(other.predict(EVERYTHING), subject.predict(EVERYTHING))
    assert other.evaluate().metrics == subject.evaluate().metrics
    assert fit(other, 50) == fit(subject, 50)


def test_predictions_belong_to_their_indices() -> None:
    subject = learner(clusters())
    fit(subject)
    everything, some = subject.predict(EVERYTHING), torch.tensor([7, 3, 89, 0])
    assert torch.equal(subject.predict(some), everything[some])
    torch.testing.assert_close(subject.predict(some, entropy), entropy(everything[some]))
    assert subject.predict(some[:0], entropy).shape == (0,)


def test_embeddings_are_the_features_and_images_the_images() -> None:
    dataset, features = clusters()
    some = torch.tensor([7, 3, 89, 0])
    assert torch.equal(learner((dataset, features)).embed(some), features["train"][some])
    assert torch.equal(learner((dataset, features)).images(some), dataset.train.images[some])


def test_evaluations_are_of_every_split_and_the_pool() -> None:
    subject = learner(clusters(), keep_predictions=True)
    fit(subject)
    found = subject.evaluate(EVERYTHING[:30])
    assert {key.split("/")[0] for key in found.metrics} == {"val", "test", "pool"}
    probs = subject.predict(EVERYTHING[:30])
    right = (probs.argmax(1) == subject.dataset.train.targets[:30]).float().mean()
    assert found.metrics["pool/accuracy"] == pytest.approx(float(right))
    assert found.arrays["probabilities_test"].shape == (40, 3)
    assert found.arrays["targets_test"].tolist() == subject.dataset.splits["test"].targets.tolist()
    assert "targets_pool" not in found.arrays


def test_whose_predictions_are_is_kept_where_it_is_known() -> None:
    dataset, features = clusters()
    whose = tuple(f"p{k // 2}" for k in range(40))
    splits = {**dataset.splits, "test": replace(dataset.splits["test"], patients=whose)}
    found = learner((replace(dataset, splits=splits), features), keep_predictions=True).evaluate()
    assert found.arrays["patients_test"].tolist() == [k // 2 for k in range(40)]
    assert "patients_val" not in found.arrays


def test_the_training_loss_is_that_of_the_predictions() -> None:
    subject = learner(clusters())
    found = fit(subject, 40)["train/loss"]
    logs = subject.predict(EVERYTHING[:40]).log()
    expected = torch.nn.functional.nll_loss(logs, subject.dataset.train.targets[:40])
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_agreement_is_with_the_model_before() -> None:
    subject = learner(clusters())
    fit(subject, 10)
    before = subject.predict(EVERYTHING).argmax(1)
    found = subject.fit(
        EVERYTHING[:40], subject.dataset.train.targets[:40], replace(STEP, number=1, agreement=90)
    )
    assert before.ne(subject.predict(EVERYTHING).argmax(1)).any()
    assert 0 < found[AGREEMENT] < 1


def test_temperature_minimizes_the_held_out_loss() -> None:
    """A model that is far too sure is made less so, and its decisions stay."""
    data = clusters(3, apart=0.3)
    plain, calibrated = (
        learner(data, LinearHead(strengths=[100.0], temperature=calibrate)) for calibrate in (False, True)
    )
    fit(plain, 60)
    found = fit(calibrated, 60)["train/temperature"]
    assert TEMPERATURES[0] < 2 < found <= TEMPERATURES[1]
    before, after = plain.predict(EVERYTHING), calibrated.predict(EVERYTHING)
    assert torch.equal(before.argmax(1), after.argmax(1))
    torch.testing.assert_close(
        (before.double().log() / found).softmax(1).float(), after, rtol=1e-3, atol=1e-5
    )
    truth = data[0].train.targets[60:, None]
    assert (
        after[60:].gather(1, truth).log().mean() > before[60:].clamp(min=1e-9).gather(1, truth).log().mean()
    )


def test_features_that_never_change_do_no_harm() -> None:
    dataset, features = clusters(3)
    more = {name: torch.cat([each, torch.full((len(each), 2), 7.0)], 1) for name, each in features.items()}
    subject, expected = learner((dataset, more)), learner((dataset, features))
    fit(subject), fit(expected)
    torch.testing.assert_close(subject.predict(EVERYTHING), expected.predict(EVERYTHING))


def test_units_do_not_matter() -> None:
    dataset, features = clusters(3)
    units = torch.logspace(-3, 3, 20)
    other = {name: each * units + 5 * units for name, each in features.items()}
    subject, expected = learner((dataset, other)), learner((dataset, features))
    fit(subject), fit(expected)
    torch.testing.assert_close(
        subject.predict(EVERYTHING), expected.predict(EVERYTHING), rtol=1e-3, atol=1e-3
    )


# ---- Bad input ----


def masks() -> Dataset:
    dataset, _ = clusters()
    return replace(
        dataset,
        task=Segmentation(2),
        splits={
            name: replace(each, targets=torch.zeros(len(each), 2, 2, dtype=torch.uint8))
            for name, each in dataset.splits.items()
        },
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": masks()}, "head=finetune"),
        ({"training_loss": TrainingLoss(balanced_batches=True)}, "no batches"),
        ({"posterior": McDropout()}, "posterior=laplace or posterior=bootstrap"),
        ({"posterior": Ensemble()}, "posterior=laplace or posterior=bootstrap"),
        (
            {"features": {name: torch.zeros(3, 4) for name in ("train", "val", "test")}},
            "train split has 90 samples",
        ),
        ({"features": {**clusters()[1], "test": clusters()[1]["test"] / 0}}, "test split .* not finite"),
    ],
    ids=["masks", "batches", "dropout", "ensemble", "rows", "infinite"],
)
def test_what_does_not_suit_is_refused(options: dict[str, object], words: str) -> None:
    dataset, features = clusters()
    arguments = {"dataset": dataset, "features": features, "head": ONE, "machine": CPU, **options}
    with pytest.raises(InputError, match=words):
        LinearLearner(**arguments, streams=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strengths": []}, "head.strengths"), ({"strengths": [0.1, 0]}, "head.strengths"),
        ({"strengths": "weak"}, "head.strengths"), ({"folds": 1}, "head.folds"),
        ({"standard_errors": -1}, "head.standard_errors"),
        ({"standard_errors": True}, "head.standard_errors"),
        ({"standard_errors": float("nan")}, "head.standard_errors"),
        ({"temperature": 2}, "head.temperature"), ({"standardize": None}, "head.standardize"),
    ],
)  # fmt: skip
def test_values_out_of_their_range(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_values(LinearHead, options, "head")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"semi_supervised": "pseudo_label"}, "did you mean pseudo_labels"),
        ({"semi_supervised": {"pseudo_labels": {"treshold": 1}}}, "treshold"),
        ({"semi_supervised": {"pseudo_labels": {"threshold": 2}}}, "threshold=2"),
        ({"semi_supervised": {"label_spreading": {"neighbors": 0}}}, "neighbors=0"),
    ],
)
def test_ways_to_guess_that_are_none(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        LinearHead(**options)  # type: ignore[arg-type]


def test_what_needs_a_network_says_so() -> None:
    subject = learner(clusters())
    one, label = EVERYTHING[:1], subject.dataset.train.targets[:1]
    with pytest.raises(InputError, match="head=finetune"):
        subject.saliency(one, Gradient())
    with pytest.raises(InputError, match="head=finetune"):
        subject.worth(one, label, one, label, STEP, 1)
    with pytest.raises(InputError, match="posterior=laplace or posterior=bootstrap"):
        subject.sample(one, torch.Generator())
