"""One finding as a binary task: images that show it against images of another kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.layouts.decoding import decoded
from al_runner.data.layouts.image_table import NO_FINDING, Table
from al_runner.data.layouts.leaks import mention_shared
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.layouts.samples import Sample, check_classes, in_order, with_splits
from al_runner.data.partition import drawn
from al_runner.errors import InputError, instead
from al_runner.files import plain_name
from al_runner.loop.share import samples
from al_runner.values import Positive, Size

Against = Literal["no_finding", "rest"]


@dataclass(frozen=True)
class Contrast:
    """What is told from what.

    Args:
        finding: positive are the images that show it.
        against: negative are the images without any finding (`no_finding`), or all that do not show this one
            (`rest`).
    """

    finding: str
    against: Against

    def among(self, findings: Iterable[str]) -> "Contrast":
        """The same with the finding as the data write it: case does not count, `_` stands for a space.

        Raises:
            InputError: the data do not have it; lists what they have.
        """
        known = [name for name in findings if name != NO_FINDING]
        for name in known:
            if plain_name(name) == plain_name(self.finding):
                return Contrast(name, self.against)
        raise InputError(f"dataset.finding={self.finding}: {instead(str(self.finding), known)}")

    @property
    def names(self) -> tuple[str, str]:
        """The classes; the second is positive."""
        return NO_FINDING if self.against == "no_finding" else f"no {self.finding}", self.finding


@dataclass(frozen=True)
class Draw:
    """How many images are taken. Which ones, the order of SHA-256("seed:name") says.

    Args:
        positives: images of the finding, a share of them such as `10%`, or `all` = as many as there are.
        negatives_per_positive: images of the other class for each of them.
        seed: another one, other images.
    """

    positives: Size | Literal["all"]
    negatives_per_positive: Positive
    seed: int


def binary(
    name: str,
    table: Table,
    contrast: Contrast,
    draw: Draw,
    pixels: Pixels,
    shares: Sequence[float],
    options: Sequence[Any],
    cache_dir: str | Path,
    on_error: OnError,
) -> Dataset:
    """The data set of a finding against other images of a table, split by patients, decoded once.

    Args:
        name: for people and folders.
        table: its rows with the images that there are.
        contrast: the classes, the finding written as in the table.
        draw: how many images of each.
        pixels: what images become.
        shares: of train, val and test, for the splits that the table does not say.
        options: what the rows depend on besides the table, as values that JSON has.
        cache_dir: folder of decoded data.
        on_error: `skip` leaves out images that cannot be read.

    Raises:
        InputError: too few images, a split without a class, or images that cannot be read.
    """
    chosen = _chosen(table, contrast, draw)
    if any(row.split == "test" for row in table.rows) and all(each.split != "test" for each in chosen):
        raise InputError(
            f"none of the {len(chosen):,} images that are drawn is an official test image: "
            "raise dataset.positives"
        )
    samples = in_order(with_splits(chosen, shares, draw.seed))
    mention_shared(table.root, samples, "the table")
    check_classes(table.root, samples, contrast.names)
    asked = [contrast.finding, contrast.against, draw.positives, draw.negatives_per_positive, draw.seed]
    return decoded(
        name=name,
        root=table.root,
        samples=samples,
        names=contrast.names,
        pixels=pixels,
        dealt=[*asked, *shares, *options],
        cache_dir=cache_dir,
        on_error=on_error,
    )


def _chosen(table: Table, contrast: Contrast, draw: Draw) -> list[Sample]:
    """The images that are drawn, positive ones and negative ones."""
    negative, positive = contrast.names
    shows = {row.name for row in table.rows if contrast.finding in row.findings}
    others = [row for row in table.rows if row.name not in shows]
    if contrast.against == "no_finding":
        others = [row for row in others if NO_FINDING in row.findings]
    n_positive = len(shows)
    if draw.positives != "all":
        n_positive = samples(draw.positives, len(shows), "dataset.positives", f"the class {positive}")
    n_negative = max(1, round(n_positive * draw.negatives_per_positive))
    _check_enough(table, positive, len(shows), n_positive, "positives")
    _check_enough(table, negative, len(others), n_negative, "negatives_per_positive")
    labels = dict.fromkeys(drawn(sorted(shows), n_positive, draw.seed), positive)
    labels |= dict.fromkeys(drawn([row.name for row in others], n_negative, draw.seed), negative)
    return [
        Sample(
            path=table.root / table.files[row.name],
            below=table.files[row.name],
            label=labels[row.name],
            patient=row.patient,
            split=row.split,
        )
        for row in table.rows
        if row.name in labels
    ]


def _check_enough(table: Table, label: str, there: int, asked: int, key: str) -> None:
    where = table.root / table.source
    if not there:
        raise InputError(f"{where} has no image of {label}, and two classes are needed")
    if there < asked:
        raise InputError(
            f"{where} has {there:,} images of {label}, but {asked:,} are asked for: lower dataset.{key}"
        )
