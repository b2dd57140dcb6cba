"""Images whose channels are in a file each, numbered as nnU-Net numbers them."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from al_runner.errors import InputError
from al_runner.files import files_below

NUMBERED = re.compile(r"(.+)_(\d{4})")
"""A case, and the number of its channel."""


@dataclass(frozen=True)
class Channels:
    """How the files of an image are called: `<case>_0000.nii.gz` and so on.

    Attributes:
        names: of the channels, for people.
        ending: of the files.
        apart: whether each channel is in a file; otherwise the first holds all, as a picture in color does.
    """

    names: Sequence[str]
    ending: str
    apart: bool = True

    @property
    def first(self) -> str:
        """How the name of an image's first file ends."""
        return f"_{0:04}{self.ending}"

    def files(self, first: Path) -> list[Path]:
        """The files of an image, of its first one."""
        if not self.apart:
            return [first]
        case = first.name.removesuffix(self.first)
        return [first.with_name(f"{case}_{number:04}{self.ending}") for number in range(len(self.names))]

    def found(self, place: Path) -> list[Path]:
        """The first files at a place: itself, or of all images below a folder."""
        files = files_below(place) if place.is_dir() else [place]
        return [path for path in files if path.name.endswith(self.first)]

    def cases(self, folder: Path) -> dict[str, Path]:
        """The images directly in a folder: case → its first file.

        Raises:
            InputError: there are none, a name has no number, or a channel is missing or unknown; says which.
        """
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        for path in _files(folder, self.ending):
            match = NUMBERED.fullmatch(path.name.removesuffix(self.ending))
            if match is None:
                stem = path.name.removesuffix(self.ending)
                raise InputError(
                    f"{path} has no channel in its name: nnU-Net would call it {stem}{self.first}; "
                    "dataset=nifti_folder and dataset=decathlon need none"
                )
            numbers[match[1]].add(int(match[2]))
        if not numbers:
            raise InputError(f"{folder} has no files that end in {self.first}")
        wanted = {*range(len(self.names))} if self.apart else {0}
        for case, there in sorted(numbers.items()):
            self._check(folder, case, wanted - there, there - wanted)
        return {case: folder / f"{case}{self.first}" for case in sorted(numbers)}

    def _check(self, folder: Path, case: str, lost: set[int], unknown: set[int]) -> None:
        if lost:
            number = min(lost)
            raise InputError(
                f"{folder}: {case} lacks channel {number} ({self.names[number]}): there is no "
                f"{case}_{number:04}{self.ending}"
            )
        if unknown:
            raise InputError(
                f"{folder}: {case} has a channel {min(unknown)}, but dataset.json names {len(self.names)}: "
                f"{', '.join(self.names)}"
            )


def _files(folder: Path, ending: str) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    return [path for path in files_below(folder) if path.parent == folder and path.name.endswith(ending)]
