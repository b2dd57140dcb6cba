"""How masks that people save become targets of a data set, and how targets become masks for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class Drawing:
    """What targets become for people.

    Attributes:
        endings: of the names of a mask's files, after the image's name: one, or one for each label where they
            may overlap.
        write: the file of an image, a target, and these files: writes the mask there, on the image's own
            pixels. Returns the share of the pixels that each label has.
    """

    endings: Sequence[str]
    write: Callable[[Path, Tensor, Sequence[Path]], Sequence[float]]


@dataclass(frozen=True)
class Outlining:
    """What people have to know to outline images, and what becomes of their masks.

    Attributes:
        masks: path of an image below the data set's root → the name that the file of its mask must have.
        values: what the pixels of a mask may hold → the label that it stands for, the background's first.
        read: such a path, a mask's file, and whether people are to hear of foreground that the grid cuts off
            → its target, uint8, checked as the data set's own masks are: an `InputError` says what is wrong.
        write: such a path, a target and a file: writes the mask that has this target, on the image's own
            pixels.
    """

    masks: Mapping[str, str]
    values: Mapping[int, str]
    read: Callable[[str, Path, bool], Tensor]
    write: Callable[[str, Tensor, Path], None]
