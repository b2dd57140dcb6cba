"""Intervals, confusions and agreement, against other libraries."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from al_runner.data.words import Words
from al_runner.learning.intervals import binomial
from al_runner.people.agreement import agreements, kappa
from al_runner.people.answers import Answer
from al_runner.people.page.progress import curve, last_confusion
from al_runner.people.page.training import last_line

WORDS = Words(("a", "b", "c"))


@pytest.mark.parametrize(("right", "tested"), [(0, 50), (50, 50), (1, 1), (42, 50), (7, 19), (499, 1000)])
def test_the_interval_is_exact(right: int, tested: int) -> None:
    expected = binomtest(right, tested).proportion_ci(method="exact")
    assert binomial(right, tested) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for size in (2, 5, 40, 300):
        ones = rng.choice(["a", "b", "c"], size)
        others = np.where(rng.random(size) < 0.6, ones, rng.choice(["a", "b", "cannot tell"], size))
        expected = cohen_kappa_score(ones, others)
        assert kappa(list(zip(ones, others, strict=True))) == pytest.approx(expected)
    assert kappa([("a", "a")] * 4) is None, "0 / 0"


def answers(*given: tuple[str, str, str]) -> dict[str, dict[str, Answer]]:
    found: dict[str, dict[str, Answer]] = {}
    for sample, by, label in given:
        found.setdefault(sample, {})[by] = Answer(sample, label, by)
    return found


def test_agreement_is_of_each_pair() -> None:
    standing = answers(
        ("1", "B", "a"), ("1", "A", "a"), ("2", "A", "b"), ("2", "B", "a"), ("3", "C", "c"), ("3", "A", "c"),
        ("4", "A", "a"),
    )  # fmt: skip
    one, other = agreements(standing, WORDS)
    assert (one.readers, one.samples, one.same) == (("A", "B"), 2, 0.5)
    assert one.kappa == cohen_kappa_score(["a", "b"], ["a", "a"])
    assert (other.readers, other.samples, other.same, other.kappa) == (("A", "C"), 1, 1, None)


def test_of_several_labels_it_is_the_mean() -> None:
    both = (("a;b", "a"), ("none", "c"), ("b;c", "b;c"), ("cannot tell", "a"))
    standing = answers(*((str(k), by, pair[j]) for k, pair in enumerate(both) for j, by in enumerate("AB")))
    (found,) = agreements(standing, Words(("a", "b", "c"), several=True))
    columns = [
        [
            ["x" if label == "cannot tell" else str(name in label.split(";")) for label in ones]
            for ones in zip(*both, strict=True)
        ]
        for name in "abc"
    ]
    assert found.kappa == pytest.approx(np.mean([cohen_kappa_score(*each) for each in columns]))
    assert found.same == 0.25


def test_the_curve_of_a_run(tmp_path: Path) -> None:
    assert curve(tmp_path) == []
    assert last_confusion(tmp_path, WORDS) is None
    for number, matrix in ((0, [[3, 1, 0], [0, 4, 0], [1, 1, 2]]), (2, [[4, 0, 0], [0, 4, 0], [0, 1, 3]])):
        (tmp_path / f"round_{number}").mkdir()
        np.save(tmp_path / f"round_{number}" / "confusion_test.npy", matrix)
    (tmp_path / "rounds.csv").write_text(
        "round,n_labeled,pool/kappa,test/auroc,test/accuracy,test/accuracy_low,test/accuracy_high\n"
        "0,10,,0.8,0.75,0.4,0.9\n1,20,0.5,,,,\n2,30,0.6,0.9,0.917,,\n"
    )
    first, last = curve(tmp_path)
    assert (first.n_labeled, first.metrics, first.tested) == (
        10,
        {"test/accuracy": 0.75, "test/auroc": 0.8},
        12,
    )
    assert first.intervals == {"test/accuracy": (0.4, 0.9)}, "the record's: patients may have several images"
    assert (last.n_labeled, last.intervals) == (30, {})
    found = last_confusion(tmp_path, WORDS)
    assert found == {"round": 2, "classes": ["a", "b", "c"], "matrix": [[4, 0, 0], [0, 4, 0], [0, 1, 3]]}
    (tmp_path / "rounds.csv").write_text("round,n_lab")
    assert curve(tmp_path) == [], "it is being written"


def test_several_labels(tmp_path: Path) -> None:
    (tmp_path / "round_0").mkdir()
    np.save(tmp_path / "round_0" / "confusion_test.npy", np.arange(8).reshape(2, 2, 2))
    (tmp_path / "rounds.csv").write_text(
        "round,n_labeled,test/auroc,test/auroc_low,test/auroc_high\n0,10,0.8,0.7,0.88\n"
    )
    (point,) = curve(tmp_path)
    assert (point.metrics, point.intervals) == ({"test/auroc": 0.8}, {"test/auroc": (0.7, 0.88)})
    assert point.tested == 6
    found = last_confusion(tmp_path, Words(("x", "y"), several=True))
    assert found is not None
    assert found["labels"][0] == {"label": "x", "found": 3, "missed": 2, "wrong": 1, "rightly_not": 0}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("one\ntwo\n", "two"),
        ("10 %\r20 %\r\x1b[2K\x1b[1;32m30 %\x1b[0m  done\r\n\n", "30 % done"),
        ("\x1b]8;;x\x07a\x00b", "8;;xab"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_last_line_of_a_terminal(text: str, line: str) -> None:
    assert last_line(text) == line
