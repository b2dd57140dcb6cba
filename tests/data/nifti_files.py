"""Small NIfTI files and GlaS folders for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from attacks import data


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


def write_glas(folder: Path, counts: Mapping[str, int] | None = None) -> None:
    """GlaS, small."""
    counts = counts or {"train": 12, "testA": 3, "testB": 2}
    data.write_glas(folder, counts, np.random.default_rng(0))
