"""What is in more than one split, so that results flatter: patients, and images that are the same."""

import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, get_args

from al_runner.data.layouts.samples import Sample
from al_runner.data.partition import shared
from al_runner.errors import InputError, instead

Duplicates = Literal["keep", "drop", "group"]
MEASURED_FIRST = ("test", "val", "train", "")
"""Of images that are the same, the one in the first of these splits stays."""
Copies = Sequence[Sequence[int]]
"""Positions of images with the same pixels, for each that there is more than once."""


class Placed(Protocol):
    """Something of a patient, in a split."""

    @property
    def patient(self) -> str:
        """Whose it is."""

    @property
    def split(self) -> str:
        """Where it is."""


def mention_shared(root: Path, placed: Sequence[Placed], by: str) -> None:
    """Patients who are in more than one split should not come as a surprise."""
    if both := shared([each.split for each in placed], [each.patient for each in placed]):
        print(
            f"al-run: {len(both):,} patients are in more than one split of {root} (by {by}; {both[0]} is "
            "one): results flatter",
            file=sys.stderr,
        )


def copies(digests: Sequence[bytes]) -> list[list[int]]:
    """The positions of items with the same digest, where there are several, in order."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for at, digest in enumerate(digests):
        places[digest].append(at)
    return [found for found in places.values() if len(found) > 1]


def mention_copies(
    root: Path,
    names: Sequence[str],
    splits: Sequence[str],
    labels: Sequence[Hashable],
    found: Copies,
    done: str = "",
) -> None:
    """Images that are there more than once should not come as a surprise, either.

    Args:
        root: folder of the files.
        names, splits, labels: of each image.
        found: see `copies`.
        done: what is done about it, or can be.
    """
    if not found:
        return
    one, other = found[0][:2]
    unlike = sum(len({labels[at] for at in each}) > 1 for each in found)
    torn = len(across(found, splits))
    parts = [
        f"{sum(len(each) - 1 for each in found):,} of {len(names):,} images of {root} are copies of others, "
        f"pixel for pixel ({names[other]} of {names[one]})",
        *([f"{unlike:,} of these with several labels"] if unlike else []),
        *([f"{torn:,} of these in more than one split, so results flatter"] if torn else []),
        *([done] if done else []),
    ]
    print(f"al-run: {'; '.join(parts)}", file=sys.stderr)


def across(found: Copies, splits: Sequence[str]) -> list[Sequence[int]]:
    """Those that are in more than one split."""
    return [each for each in found if len({splits[at] for at in each}) > 1]


@dataclass(frozen=True)
class Apart:
    """What is done about images that are the same.

    Args:
        duplicates: `keep` them; `drop` all but one, which is one that is measured on if there is such;
            `group`: their patients are one, so that splits that are made here have them together.
        samples: before they are dealt into splits.
        deal: the rest of the way to `samples` of a data set.

    Raises:
        InputError: `duplicates` is something else.
    """

    duplicates: Duplicates
    samples: Sequence[Sample]
    deal: Callable[[Sequence[Sample]], Sequence[Sample]]

    def __post_init__(self) -> None:
        if self.duplicates not in get_args(Duplicates):
            raise InputError(
                f"dataset.duplicates={self.duplicates}: {instead(str(self.duplicates), get_args(Duplicates))}"
            )

    @property
    def done(self) -> str:
        """What becomes of them, in words."""
        return {
            "keep": "dataset.duplicates=drop leaves out all but one, group keeps them in one split",
            "drop": "all but one are left out",
            "group": "splits that are made here have them together",
        }[self.duplicates]

    def dealt(self, found: Sequence[Sequence[Sample]]) -> Sequence[Sample]:
        """The samples anew, now that it is known which are the same."""
        same = [[each.below for each in group] for group in found]
        acted = _dropped(self.samples, same) if self.duplicates == "drop" else _grouped(self.samples, same)
        return self.deal(acted)


def _dropped(samples: Sequence[Sample], same: Sequence[Sequence[str]]) -> list[Sample]:
    """The samples without all but one of those that are the same."""
    of = {each.below: each for each in samples}
    lost: set[str] = set()
    for group in same:
        first = min(group, key=lambda below: (MEASURED_FIRST.index(of[below].split), below))
        lost.update(below for below in group if below != first)
    return [each for each in samples if each.below not in lost]


def _grouped(samples: Sequence[Sample], same: Sequence[Sequence[str]]) -> list[Sample]:
    """The samples with one patient in place of all who share images, with each other or with a third."""
    of, parent = (
        {each.below: each.patient for each in samples},
        {each.patient: each.patient for each in samples},
    )

    def first(patient: str) -> str:
        while parent[patient] != patient:
            parent[patient] = parent[parent[patient]]
            patient = parent[patient]
        return patient

    for group in same:
        for below in group[1:]:
            one, other = sorted((first(of[group[0]]), first(of[below])))
            parent[other] = one
    return [replace(each, patient=first(each.patient)) for each in samples]
