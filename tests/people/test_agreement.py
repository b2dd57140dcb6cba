import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from al_runner.data.words import Words
from al_runner.people.agreement import agreements, kappa
from al_runner.people.answers import Answer

WORDS = Words(("a", "b", "c"))


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ones, others = rng.choice(["a", "b", "cannot tell"], (2, 30)).tolist()
    assert kappa(list(zip(ones, others, strict=True))) == pytest.approx(cohen_kappa_score(ones, others))


def test_of_each_pair_of_readers() -> None:
    def standing(**labels: str) -> dict[str, Answer]:
        return {by: Answer("any", label, by) for by, label in labels.items()}

    answers = {"1": standing(X="a", Y="a"), "2": standing(Y="b", X="c"), "3": standing(Z="a", Y="a")}
    first, second = agreements(answers, WORDS)
    assert (first.readers, first.samples, first.same) == (("X", "Y"), 2, 0.5)
    assert (second.readers, second.samples, second.kappa) == (("Y", "Z"), 1, None)


def test_of_several_labels_the_mean() -> None:
    words = Words(("m", "n"), several=True)
    pairs = [("m", "m"), ("m;n", "n"), ("none", "m"), ("n", "n")]
    answers = {
        str(i): {"X": Answer("any", one, "X"), "Y": Answer("any", other, "Y")}
        for i, (one, other) in enumerate(pairs)
    }
    each = [
        cohen_kappa_score(*[[name in pair[side].split(";") for pair in pairs] for side in (0, 1)])
        for name in words.classes
    ]
    (found,) = agreements(answers, words)
    assert found.kappa == pytest.approx(np.mean(each))
