"""Which samples are drawn, and which go into which split, where a data set does not say: whole patients,
classes in proportion."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from annotated_types import Len

from al_runner.data.dataset import SPLITS
from al_runner.errors import InputError
from al_runner.values import Positive


def patient_in(group: str | None) -> Callable[[str], str | None]:
    """What finds the patient in a file's path, or says that there is none (None, or nothing).

    Args:
        group: a regular expression: its group `patient`, else its first group, else all that it matches;
            None = each file is a patient by itself.

    Raises:
        InputError: it is not a regular expression.
    """
    if group is None:
        return lambda path: path
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise InputError(f"dataset.group={group} is not a regular expression: {error}") from error
    key = "patient" if "patient" in pattern.groupindex else min(pattern.groups, 1)
    return lambda path: match[key] if (match := pattern.search(path)) else None


Shares = Annotated[Sequence[Positive], Len(3, 3)]
"""Of train, val and test."""


def shares_of_splits(shares: Shares) -> dict[str, float]:
    """Split → its share of the samples."""
    return dict(zip(SPLITS, shares, strict=True))


def partition(
    labels: Sequence[str], patients: Sequence[str], shares: Mapping[str, float], seed: int
) -> list[str]:
    """A split for each sample, the same for all samples of a patient.

    The patients of each class (where one has several, the most frequent) are dealt out by themselves, large
    ones first, each to the split with the least (samples + patient's / 2) / share, which is Sainte-Laguë's
    method. Among patients of one size the order is that of SHA-256("seed:patient"), so it depends on no
    library, and another patient more changes little.

    Args:
        labels: class of each sample.
        patients: of each sample.
        shares: split → its share of the samples, above 0.
        seed: another one, another order.

    Returns:
        The split of each sample.
    """
    classes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label, patient in zip(labels, patients, strict=True):
        classes[patient][label] += 1
    filled: defaultdict[tuple[str, str], int] = defaultdict(int)
    chosen: dict[str, str] = {}
    for patient in sorted(classes, key=lambda p: (-classes[p].total(), _place(seed, p))):
        size = classes[patient].total()
        label = min(classes[patient], key=lambda c: (-classes[patient][c], c))
        chosen[patient] = min(shares, key=lambda split: (filled[label, split] + size / 2) / shares[split])
        filled[label, chosen[patient]] += size
    return [chosen[patient] for patient in patients]


def drawn(names: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` of the names, or all where there are fewer: the first in the order of SHA-256("seed:name").

    So a larger draw holds a smaller one, and another name more changes little.
    """
    return sorted(names, key=lambda name: _place(seed, name))[:count]


def random_sample(patients: Sequence[str], size: int, seed: int) -> list[bool] | None:
    """Which samples are in a random sample of whole patients: patients are drawn until there are enough.

    Args:
        patients: of each sample.
        size: samples that are wanted at least.
        seed: of the draw.

    Returns:
        For each sample whether it was drawn; None = that would be all of them.
    """
    counts = Counter(patients)
    chosen: set[str] = set()
    count = 0
    for patient in drawn(list(counts), len(counts), seed):
        if count >= size:
            break
        chosen.add(patient)
        count += counts[patient]
    return None if count >= len(patients) else [patient in chosen for patient in patients]


def _place(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def shared(splits: Sequence[str], patients: Sequence[str]) -> list[str]:
    """The patients that are in more than one split."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for split, patient in zip(splits, patients, strict=True):
        found[patient].add(split)
    return sorted(patient for patient, where in found.items() if len(where) > 1)
