"""Small chest X-rays in the official layouts of NIH ChestX-ray14 and CheXpert, as files."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

NIH_COLUMNS = (
    "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender",
    "View Position", "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]", "",
)  # fmt: skip
"""The official header; two of its names hold a comma, and it ends with one."""
CHEXPERT_COLUMNS = (
    "Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", "Enlarged Cardiomediastinum",
    "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia", "Atelectasis",
    "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
NIH_LABELS = ("No Finding", "Effusion", "Infiltration|Effusion", "Mass", "No Finding", "Pneumonia")
"""Of a patient's images, one after the other."""


def picture(path: Path, number: int, bright: bool) -> None:
    """14×14 pixels, no two files alike; a bright bar tells the finding."""
    pixels = np.random.default_rng(number).integers(0, 80, (14, 14), dtype=np.uint8)
    pixels[:, 2:5] += 150 * bright
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_nih(root: Path, patients: int = 40, folders: int = 2, table: str = "Data_Entry_2017.csv") -> None:
    """`patients` patients with 1 to 6 images each; in `images`, or with more `folders` in `images_001/…`."""
    rows, count = [], 0
    for patient in range(1, patients + 1):
        for i in range(1 + patient % 6):
            labels = NIH_LABELS[(patient + i) % 6]
            name = f"{patient:08}_{i:03}.png"
            folder = f"images_{1 + count * folders // (patients * 4):03}/images" if folders > 1 else "images"
            picture(root / folder / name, count, "Effusion" in labels)
            rows.append([name, labels, i, patient, "045Y", "M", "PA", 2500, 2048, 0.168, 0.168, ""])
            count += 1
    write_csv(root / table, NIH_COLUMNS, rows)


def write_official_lists(root: Path, patients: int = 40) -> None:
    """Every fourth patient is for testing."""
    names = sorted(path.name for path in root.rglob("*.png"))
    testing = [name for name in names if int(name.split("_")[0]) % 4 == 0]
    (root / "test_list.txt").write_text("\n".join(testing))
    (root / "train_val_list.txt").write_text("\n".join(name for name in names if name not in testing) + "\n")


def write_chexpert(root: Path, patients: int = 48) -> None:
    """A third of the patients with effusion, with no finding, and uncertain; a lateral view beside each."""
    tables: dict[str, list[list[object]]] = {"train": [], "valid": []}
    for patient in range(patients):
        split = "valid" if patient >= patients - 6 else "train"
        kind = patient % 3
        for study in range(1 + patient % 2):
            for view in ("frontal", "lateral"):
                below = f"{split}/patient{patient:05}/study{study + 1}/view1_{view}.jpg"
                picture(root / below, patient * 4 + study * 2 + (view == "lateral"), kind == 0)
                cells = dict.fromkeys(CHEXPERT_COLUMNS[5:], "")
                cells["Pleural Effusion"] = ("1.0", "", "-1.0")[kind]
                cells["No Finding"] = ("", "1.0", "")[kind]
                cells["Support Devices"] = "1.0"
                cells["Edema"] = "0.0"
                position = "AP" if view == "frontal" else ""
                start = [f"CheXpert-v1.0-small/{below}", "Female", 68, view.title(), position]
                tables[split].append([*start, *cells.values()])
    for split, rows in tables.items():
        write_csv(root / f"{split}.csv", CHEXPERT_COLUMNS, rows)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, once."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
