"""Small data sets for runs that take a second."""

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

SPLITS = {"train": 40, "val": 12, "test": 12}
EDGE = 14


def write(folder: Path) -> None:
    """All of them, below a folder."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    _arrays(folder / "classes.npz", rng, classes=3)
    _arrays(folder / "others.npz", rng, classes=3)
    _arrays(folder / "two.npz", rng, classes=2)
    _arrays(folder / "several.npz", rng, classes=3, several=True)
    features = {name: rng.normal(size=(n, 6)).astype(np.float32) for name, n in SPLITS.items()}
    np.savez(folder / "features.npz", **features)
    _masks(folder / "masks", rng)
    _masks(folder / "open_masks", rng, outlined=False)
    _volumes(folder / "volumes", rng)
    write_glas(folder / "glas", {"train": 24, "testA": 4, "testB": 4}, rng)
    _scans(folder / "scans", rng)
    _tables(folder)
    _folders(folder / "folders", rng)
    _decathlon(folder / "Task99_Boxes", rng)
    _weights(folder)


def _arrays(path: Path, rng: np.random.Generator, classes: int, several: bool = False) -> None:
    """Noise with bright bars, whose places tell the classes."""
    arrays = {}
    for name, n in SPLITS.items():
        labels = np.eye(classes, dtype=np.uint8)[rng.permutation(np.arange(n) % classes)]
        if several:
            labels |= rng.integers(0, 2, labels.shape, dtype=np.uint8)
        images = rng.integers(0, 80, (n, EDGE, EDGE), dtype=np.uint8)
        for k in range(classes):
            images[labels[:, k] > 0, :, 2 + 3 * k : 4 + 3 * k] += 100
        arrays[f"{name}_images"] = images
        arrays[f"{name}_labels"] = labels if several else labels.argmax(1, keepdims=True).astype(np.uint8)
    np.savez(path, **arrays)


def _box(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A mask with a box somewhere."""
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(at := int(rng.integers(1, edge // 2)), at + edge // 3) for edge in shape)] = 1
    return mask


def _masks(folder: Path, rng: np.random.Generator, outlined: bool = True) -> None:
    """Images, 30 of them, with masks or without."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for k in range(30):
        mask = _box(rng, (16, 16))
        image = rng.integers(0, 80, (16, 16), dtype=np.uint8) + 150 * mask
        Image.fromarray(image).save(folder / "images" / f"{k:02}.png")
        if outlined:
            Image.fromarray(mask).save(folder / "masks" / f"{k:02}.png")


def _volumes(folder: Path, rng: np.random.Generator) -> None:
    """Volumes with masks, 24 of them."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for k in range(24):
        mask = _box(rng, (8, 10, 8))
        image = (rng.normal(100, 10, mask.shape) + 300.0 * mask).astype(np.float32)
        for part, array in (("images", image), ("masks", mask)):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / part / f"{k:02}.nii.gz")


def write_glas(folder: Path, counts: Mapping[str, int], rng: np.random.Generator) -> None:
    """Images of 30×20 with numbered glands, and a `Grade.csv` like the official one."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    for split, count in counts.items():
        for k in range(1, count + 1):
            mask = np.zeros((20, 30), np.uint8)
            mask[3:8, 4:12], mask[12:18, 15:25] = 1, 2
            image = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
            image[mask > 0] = (120, 40, 160)
            Image.fromarray(image).save(folder / f"{split}_{k}.bmp")
            Image.fromarray(mask).save(folder / f"{split}_{k}_anno.bmp")
            lines.append(f"{split}_{k},{k % 4 + 1}, {'malignant' if k % 3 else 'benign'}, whatever")
    (folder / "Grade.csv").write_bytes("\r".join(lines).encode())


def _tables(folder: Path) -> None:
    """Labels of the scans, in three formats."""
    import openpyxl
    import pyarrow
    from pyarrow import parquet

    rows = [(f"{k:02}.png", ("normal", "ill")[k % 2]) for k in range(40)]
    (folder / "labels.csv").write_text("file,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    book = openpyxl.Workbook()
    for row in (("file", "label"), *rows):
        book.active.append(row)
    book.save(folder / "labels.xlsx")
    columns = dict(zip(("file", "label"), zip(*rows, strict=True), strict=True))
    parquet.write_table(pyarrow.table(columns), folder / "labels.parquet")


def _folders(folder: Path, rng: np.random.Generator) -> None:
    """Images in folders by class."""
    for k in range(30):
        place = folder / ("normal", "ill")[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 80, (EDGE, EDGE), dtype=np.uint8)
        Image.fromarray(image).save(place / f"{k:02}.png")


def _decathlon(folder: Path, rng: np.random.Generator) -> None:
    """A task with its description."""
    _volumes(folder, rng)
    cases = [{"image": f"./images/{k:02}.nii.gz", "label": f"./masks/{k:02}.nii.gz"} for k in range(24)]
    labels = {"0": "background", "1": "box"}
    content = {"name": "Boxes", "modality": {"0": "MRI"}, "labels": labels, "training": cases}
    (folder / "dataset.json").write_text(json.dumps(content))


def _weights(folder: Path) -> None:
    """Of a small network; and features for the first query."""
    import torch
    from torch import nn

    from al_runner.models.convnet import convnet

    torch.manual_seed(0)
    network = convnet(1, 3, (EDGE, EDGE), width=2)
    torch.save(network.state_dict(), folder / "weights.pt")
    script = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(EDGE * EDGE, 4)))
    script.save(str(folder / "script.pt"))
    np.save(folder / "first.npy", np.arange(2.0 * SPLITS["train"]).reshape(-1, 2))


def _scans(folder: Path, rng: np.random.Generator) -> None:
    """Images whose labels only people know: even numbers are normal."""
    folder.mkdir()
    for k in range(40):
        image = rng.integers(0, 80, (EDGE, EDGE), dtype=np.uint8)
        image[:, 3 + 6 * (k % 2) : 6 + 6 * (k % 2)] += 150
        Image.fromarray(image).save(folder / f"{k:02}.png")
