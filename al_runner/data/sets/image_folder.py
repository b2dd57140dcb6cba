"""Images in folders, decoded once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats.pictures import White
from al_runner.data.layouts.decoding import decoded
from al_runner.data.layouts.image_tree import Choice, PerClass, scan
from al_runner.data.layouts.leaks import Apart, Duplicates
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.layouts.samples import in_order, with_splits
from al_runner.data.partition import Shares
from al_runner.values import Count, Named, Seed


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named | None = None,
    image_size: Count = 224,
    channels: Literal[1, 3] = 1,
    classes: Annotated[Sequence[Named], Len(2)] | None = None,
    group: Named | None = None,
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    per_class: PerClass = "all",
    resplit: bool = False,
    on_error: OnError = "fail",
    white: White | None = None,
    upright: bool = True,
    duplicates: Duplicates = "keep",
) -> Dataset:
    """A data set from a tree of image files, decoded once into a memory map.

    Args:
        root: holds `train`, `val` (or `valid`, `validation`) and `test`, each with one folder for each class;
            or the classes' folders themselves. Missing splits are taken from the training images.
        cache_dir: where decoded images are kept, see `cache.cached`.
        name: the data set's name; the folder's by default.
        image_size: pixels of an image's edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        classes: the classes in order; by default in the order of their names. Of two, the second is positive.
        group: a regular expression that finds the patient in a file's path below `root`: its group `patient`,
            else its first group, else all of it. Without one, each image is a patient by itself.
        split: shares of train, val and test, for those splits that are missing.
        split_seed: of the patients' order, where splits are made, and of the draw; not the run's seed.
        per_class: images of each class, drawn from all of them: one number, one for each class, or `all`.
        resplit: the folders' splits do not count: all images are split anew, by patients.
        on_error: `skip` leaves out images that cannot be read.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        upright: photographs are turned as their EXIF data say.
        duplicates: images whose pixels are the same: `keep`, `drop` all but one, or `group` them, see
            `leaks.Apart`.

    Raises:
        InputError: no such folder, another layout, classes that differ between splits, images that cannot be
            read, fewer images than are to be drawn, or a cache that cannot be written.
    """
    root, pixels = Path(root).expanduser(), Pixels(image_size, channels, white, upright)
    choice = Choice(classes, group, split, split_seed, per_class, resplit)
    tree = scan(root, choice)
    apart = Apart(duplicates, tree.chosen, lambda chosen: in_order(with_splits(chosen, split, split_seed)))
    return decoded(
        name=name or root.resolve().name,
        root=root,
        samples=tree.samples,
        names=tree.names,
        pixels=pixels,
        dealt=choice.options if tree.dealt else None,
        cache_dir=cache_dir,
        on_error=on_error,
        apart=apart,
    )
