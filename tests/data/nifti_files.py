"""Small NIfTI files and GlaS folders for tests."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image


def write_nifti(path: Path, array: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0, 1.0)) -> None:
    """An array [x, y, z(, channels)] in RAS orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([*spacing, 1.0])), path)


def write_pair(
    folder: Path, name: str, shape: tuple[int, int, int] = (10, 12, 8), seed: int = 0, **mask: Any
) -> None:
    """An image with a bright box, and its mask: `images/<name>.nii.gz`, `masks/<name>.nii.gz`."""
    rng = np.random.default_rng([seed, *name.encode()])
    labels = np.zeros(shape, np.uint8)
    labels[2:5, 3:8, 1:4] = 1
    labels[5:8, 3:8, 1:4] = 2
    image = (rng.normal(100, 10, shape) + 300.0 * labels).astype(np.float32)
    write_nifti(folder / "images" / f"{name}.nii.gz", image)
    write_nifti(
        folder / "masks" / f"{name}.nii.gz", mask.get("labels", labels), mask.get("spacing", (1.0,) * 3)
    )


def write_decathlon(folder: Path, count: int = 10) -> None:
    """A task of `count` cases with the labels 0, 1, 2."""
    for k in range(count):
        write_pair(folder, f"case_{k:02}", shape=(10 + k % 2, 12, 8))
    names = [f"case_{k:02}.nii.gz" for k in range(count)]
    content = {
        "name": "Boxes",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "front", "2": "back"},
        "training": [{"image": f"./images/{name}", "label": f"./masks/{name}"} for name in names],
    }
    (folder / "dataset.json").write_text(json.dumps(content))


def write_glas(folder: Path, counts: dict[str, int] | None = None) -> None:
    """Images of 30×20 with numbered glands, and a `Grade.csv` like the official one."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    rng = np.random.default_rng(0)
    for split, count in (counts or {"train": 12, "testA": 3, "testB": 2}).items():
        for k in range(1, count + 1):
            mask = np.zeros((20, 30), np.uint8)
            mask[3:8, 4:12], mask[12:18, 15:25] = 1, 2
            image = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
            image[mask > 0] = (120, 40, 160)
            Image.fromarray(image).save(folder / f"{split}_{k}.bmp")
            Image.fromarray(mask).save(folder / f"{split}_{k}_anno.bmp")
            grade = "malignant" if k % 3 else "benign"
            lines.append(f"{split}_{k},{k % 4 + 1}, {grade}, whatever")
    (folder / "Grade.csv").write_bytes("\r".join(lines).encode())
