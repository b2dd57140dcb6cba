"""How far two readers agree: Cohen's kappa (Cohen, 1960)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_runner.data.words import BETWEEN, CANNOT_TELL, Words
from al_runner.people.answers import Answer


@dataclass(frozen=True)
class Agreement:
    """Of the samples that two readers labeled.

    Attributes:
        readers: both, in the order of the alphabet.
        samples: how many they are.
        same: share of them to which both gave the same label.
        kappa: (p − e) / (1 − e) of observed agreement p and the agreement e that chance gives. Where a sample
            may have several labels: the mean over the labels. "Cannot tell" counts as a label. None where
            both gave all samples the same label, so that nothing can be said.
    """

    readers: tuple[str, str]
    samples: int
    same: float
    kappa: float | None

    def told(self) -> dict[str, Any]:
        """For the page."""
        return {**self.__dict__}


def agreements(standing: Mapping[str, Mapping[str, Answer]], words: Words) -> list[Agreement]:
    """Of each pair of readers who have samples in common.

    Args:
        standing: sample → reader → answer.
        words: the labels.
    """
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for answers in standing.values():
        readers = sorted(answers)
        for number, one in enumerate(readers):
            for other in readers[number + 1 :]:
                pairs.setdefault((one, other), []).append((answers[one].label, answers[other].label))
    return [
        Agreement(pair, len(labels), sum(a == b for a, b in labels) / len(labels), _kappa_of(labels, words))
        for pair, labels in sorted(pairs.items())
    ]


def _kappa_of(labels: Sequence[tuple[str, str]], words: Words) -> float | None:
    if not words.several:
        return kappa(labels)
    found = [kappa([(_has(a, name), _has(b, name)) for a, b in labels]) for name in words.classes]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None


def _has(label: str, name: str) -> str:
    return label if label == CANNOT_TELL else str(name in label.split(BETWEEN))


def kappa(labels: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of pairs of labels; None where it is 0 / 0."""
    n = len(labels)
    observed = sum(a == b for a, b in labels) / n
    ones, others = zip(*labels, strict=True)
    chance = sum(ones.count(label) * others.count(label) for label in set(ones)) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
