"""What masks mean: labels that exclude each other, regions made of them, or a file for each label."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from al_runner.data.formats.masks import positions, presence
from al_runner.data.layouts.outlined import by_value
from al_runner.data.layouts.regions import Fields, bits_of_positions, declared, kind
from al_runner.data.masks import Labels, Masks, OnGrid, Save, Size, Sources, itself, of_one
from al_runner.data.tasks import Overlapping, Segmentation
from al_runner.errors import InputError

Read = Callable[[Path, Path], tuple[NDArray[Any], Sequence[float]]]
"""An image's file and a mask's → the mask's values [...], checked against the image, and their spacing."""


@dataclass(frozen=True)
class Meaning:
    """What the pixels of masks mean.

    Attributes:
        names: of the task's labels.
        values: what a mask's file may hold → label, the background's first; empty = each label has a file.
        fields: the bit field of each position among these; None = labels exclude each other.
    """

    names: tuple[str, ...]
    values: Mapping[int, str]
    fields: Fields | None = None

    @property
    def several(self) -> bool:
        """Whether a pixel may have several labels."""
        return self.fields is not None or not self.values

    @property
    def options(self) -> dict[str, Any]:
        """What decoded masks depend on, as values that JSON has."""
        if not self.values:
            return {"labels": list(self.names)}
        fields = {} if self.fields is None else {"fields": [len(self.names), *self.fields.tolist()]}
        return {"labels": list(self.values), **fields}

    def written(self, present: int) -> NDArray[np.int64]:
        """What a file that is written holds of each label, or of the one label that it has."""
        return np.array([0, present] if self.several else list(self.values))

    def task(self, hausdorff: bool, spacing: tuple[float, ...] | None = None) -> Segmentation | Overlapping:
        """The task that such masks are for."""
        if self.several:
            return Overlapping(self.names, hausdorff, spacing)
        return Segmentation(len(self.names), self.names, hausdorff, spacing)

    def masks(
        self, suffix: str, read: Read, size: Size, save: Save, grid: OnGrid, sources: Sources = itself
    ) -> Masks:
        """How such masks are read and written.

        Args:
            suffix: of a mask's file that people save.
            read: one file.
            size: of an image.
            save: what `written` makes of labels.
            grid: what images and their masks come to.
            sources: the files that a mask is read from.
        """
        overlapping = self.names if self.several else ()
        return Masks(suffix, self.values, self._reader(read), size, save, grid, overlapping, sources)

    def _reader(self, read: Read) -> Callable[[Path, Sequence[Path | None]], Labels]:
        """Reads the labels of an image from its mask's file, or from those of single labels."""

        def of_file(image: Path, path: Path) -> Labels:
            values, spacing = read(image, path)
            found = positions(values, list(self.values), path)
            return found if self.fields is None else self.fields[found], spacing

        def of_files(image: Path, files: Sequence[Path | None]) -> Labels:
            fields: Fields = np.zeros((), kind(len(self.names)))
            spacing: Sequence[float] = ()
            for bit, path in enumerate(files):
                if path is not None:
                    values, spacing = read(image, path)
                    fields = fields | presence(values, path).astype(fields.dtype) << bit
            return fields, spacing

        return of_one(of_file) if self.values else of_files


def meaning_of(
    labels: Mapping[int, str] | Sequence[str] | None,
    regions: Mapping[str, Sequence[int]] | None = None,
    masks: Mapping[str, str] | str = "",
) -> Meaning:
    """What masks mean by the options of a data set.

    Args:
        labels: `dataset.labels`.
        regions: `dataset.regions`.
        masks: `dataset.masks`: a pattern, or one for each label.

    Raises:
        InputError: two of them name the labels, or none does.
    """
    if not isinstance(masks, str):
        if labels is not None or regions:
            key = "labels" if labels is not None else "regions"
            raise InputError(
                f"dataset.{key} is about the values of one mask, and dataset.masks has a file for each "
                "label, which may overlap: give one of them"
            )
        return Meaning(tuple(masks), {})
    if regions:
        values = declared(regions) if labels is None else by_value(labels)
        return Meaning(tuple(regions), values, bits_of_positions(regions, list(values)))
    if labels is None:
        raise InputError(
            "dataset.labels must be given: names of the masks' values, the background's first, such as "
            "[background, lesion]"
        )
    values = by_value(labels)
    return Meaning(tuple(values.values()), values)
