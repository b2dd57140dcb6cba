"""CheXpert: 224,316 chest X-rays of 65,240 patients (Irvin et al., AAAI 2019)."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats.pictures import SUFFIXES
from al_runner.data.layouts.findings import Against, Contrast, Draw, binary
from al_runner.data.layouts.image_table import NO_FINDING, Row, Table, read_all
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.partition import Shares
from al_runner.errors import InputError
from al_runner.files import is_clutter
from al_runner.values import Count, Named, Positive, Seed, Size

FINDINGS = (
    NO_FINDING,
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
PATH, VIEW = "Path", "Frontal/Lateral"
Uncertain = Literal["positive", "negative", "ignore"]
STATES = {"": 0, "0": 0, "0.0": 0, "1": 1, "1.0": 1, "-1": -1, "-1.0": -1}
"""Cell of a finding → 1 shown, 0 not shown or not mentioned, −1 uncertain."""


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named = "chexpert",
    tables: Annotated[Sequence[Named], Len(1)] = ("train.csv", "valid.csv"),
    finding: Named = "Pleural Effusion",
    against: Against = "no_finding",
    uncertain: Uncertain = "ignore",
    frontal_only: bool = True,
    positives: Size | Literal["all"] = 1057,
    negatives_per_positive: Positive = 1.0,
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    image_size: Count = 320,
    channels: Literal[1, 3] = 1,
    on_error: OnError = "fail",
) -> Dataset:
    """One finding against "No Finding" or the rest, from the folder `CheXpert-v1.0-small` as it comes.

    The tables are taken together, drawn from and split by patients: there is no official test split among
    them. A finding that is not mentioned (an empty cell) is not shown, as in the paper.

    Args:
        root: folder with the tables, `train` and `valid`.
        cache_dir: folder of decoded data.
        name: for people and folders.
        tables: their files.
        finding: one of the 13.
        against: see `findings.Contrast`.
        uncertain: what −1 means: `positive` (U-Ones), `negative` (U-Zeros: not shown, so such images are of
            the rest), or `ignore` (U-Ignore), which leaves out the images where the finding is uncertain.
        frontal_only: leave out lateral views.
        positives: see `findings.Draw`.
        negatives_per_positive: the same.
        split: shares of train, val and test, whole patients.
        split_seed: of the draw and the splits; not the run's seed.
        image_size: pixels of an image's edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        on_error: `skip` leaves out rows without images, images without rows, and what cannot be read.

    Raises:
        InputError: files are missing or not as they should be.
    """
    place, pixels = Path(root).expanduser(), Pixels(image_size, channels)
    draw = Draw(positives, negatives_per_positive, split_seed)
    contrast = Contrast(finding, against).among(FINDINGS)
    columns = (PATH, VIEW, NO_FINDING, contrast.finding)
    images = [_image(path, cells, contrast.finding) for path, cells in read_all(place, tables, columns)]
    rows = [Row(image.name, image.patient, image.shows(contrast.finding, uncertain)) for image in images]
    folders = sorted({image.name.split("/")[0] for image in images})
    table = Table(place, " and ".join(tables), rows, _files(place, folders), str(place)).complete(on_error)
    left_out = {
        image.name
        for image in images
        if (frontal_only and not image.frontal) or (uncertain == "ignore" and image.state < 0)
    }
    return binary(
        name=name,
        table=replace(table, rows=[row for row in table.rows if row.name not in left_out]),
        contrast=contrast,
        draw=draw,
        pixels=pixels,
        shares=split,
        options=[uncertain, frontal_only],
        cache_dir=cache_dir,
        on_error=on_error,
    )


@dataclass(frozen=True)
class _Image:
    """A row of a table.

    Attributes:
        name: the file's path below the root.
        patient: whose it is.
        frontal: the view.
        state: of the finding, see `STATES`.
        healthy: it shows no finding.
    """

    name: str
    patient: str
    frontal: bool
    state: int
    healthy: bool

    def shows(self, finding: str, uncertain: Uncertain) -> list[str]:
        """What a table of images says of it."""
        shown = self.state > 0 or (self.state < 0 and uncertain == "positive")
        return [finding] * shown + [NO_FINDING] * self.healthy


def _image(table: Path, cells: Mapping[str, str], finding: str) -> _Image:
    name = re.sub(r"^CheXpert[^/]*/", "", cells[PATH])
    patient = re.search(r"patient\d+", name)
    if patient is None:
        raise InputError(f"{table}: {cells[PATH]} names no patient, such as patient00001")
    for key in (finding, NO_FINDING):
        if cells[key] not in STATES:
            raise InputError(f"{table}: {key} of {cells[PATH]} is {cells[key]}, not 1.0, 0.0, -1.0 or empty")
    return _Image(
        name=name,
        patient=patient[0],
        frontal=cells[VIEW] == "Frontal",
        state=STATES[cells[finding]],
        healthy=STATES[cells[NO_FINDING]] > 0,
    )


def _files(root: Path, folders: Sequence[str]) -> dict[str, str]:
    """Every image in some folders by its path below the root, which is its name."""
    found = [
        f"{Path(folder).relative_to(root).as_posix()}/{name}"
        for top in folders
        for folder, _, names in os.walk(root / top)
        for name in names
        if name.lower().endswith(SUFFIXES) and not is_clutter(name)
    ]
    return dict(zip(found, found, strict=True))
