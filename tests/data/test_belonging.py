"""Every loader of single images: image, target and index belong together, to the end of a run.

Volumes are in `test_orientations`. The phantoms have no files.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from al_runner.data.sets import (
    chexpert,
    glas,
    glas_grades,
    image_folder,
    mask_folder,
    medmnist,
    nih_chestxray14,
    nnunet,
    npz,
    table,
    unlabeled,
)
from tests.conftest import layout
from tests.data.followed import Files, Sample, follow
from tests.data.nifti_files import write_glas
from tests.data.xray_files import write_chexpert, write_csv, write_nih

N, SIZE = 24, (10, 12)
SHARES = (0.5, 0.25, 0.25)


def stored(path: Path, mode: str = "L") -> np.ndarray:
    """The file's pixels, as Pillow has them: [channels, ...]."""
    pixels = np.asarray(Image.open(path).convert(mode))
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)


def noise(number: int, size: Sequence[int] = SIZE) -> np.ndarray:
    pixels = np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)
    pixels.flat[0], pixels.flat[-1] = 0, 255  # so that levels leave it as it is
    return pixels


def mask_of(number: int) -> np.ndarray:
    mask = np.random.default_rng([number, 99]).integers(0, 3, SIZE, dtype=np.uint8)
    mask.flat[:3] = 0, 1, 2
    return mask


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def of_image_folder(root: Path) -> Files:
    samples = []
    for k in range(N):
        save(root / "ab"[k % 2] / f"{(7 * k) % N:02}.png", noise(k, (10, 10)))
        samples.append(Sample(noise(k, (10, 10))[None], k % 2))
    return Files(samples, lambda: image_folder.load(root, root.parent / "cache", image_size=10, split=SHARES))


def of_table(root: Path) -> Files:
    rows = []
    for k in range(N):
        save(root / f"{(7 * k) % N:02}.png", noise(k, (10, 10)))
        rows.append([f"{(7 * k) % N:02}.png", "abc"[k % 3]])
    write_csv(root / "labels.csv", ("file", "label"), rows)
    samples = [Sample(noise(k, (10, 10))[None], k % 3) for k in range(N)]
    return Files(samples, lambda: table.load(root, root.parent / "cache", image_size=10, split=SHARES))


def of_unlabeled(root: Path) -> Files:
    """Here all labels are known, so that they can be followed."""
    samples = of_table(root).samples
    options = {"image_size": 10, "labels": root / "labels.csv", "test_size": 6}
    return Files(samples, lambda: unlabeled.load(root, ["a", "b", "c"], root.parent / "cache", **options))


def of_nih(root: Path) -> Files:
    write_nih(root, patients=16)
    with (root / "Data_Entry_2017.csv").open(newline="") as file:
        labels = {
            row["Image Index"]: int("Effusion" in row["Finding Labels"]) for row in csv.DictReader(file)
        }
    samples = [Sample(stored(path), labels[path.name]) for path in root.rglob("*.png")]
    options = {"positives": "all", "image_size": 14, "split": SHARES}
    return Files(samples, lambda: nih_chestxray14.load(root, root.parent / "cache", **options))


def of_chexpert(root: Path) -> Files:
    write_chexpert(root, patients=24)
    samples = []
    for name in ("train.csv", "valid.csv"):
        with (root / name).open(newline="") as file:
            for row in csv.DictReader(file):
                image = stored(root / row["Path"].split("/", 1)[1])
                samples.append(Sample(image, int(row["Pleural Effusion"] == "1.0")))
    options = {"positives": "all", "image_size": 14, "split": SHARES}
    return Files(samples, lambda: chexpert.load(root, root.parent / "cache", **options))


def of_mask_folder(root: Path) -> Files:
    values = np.array([0, 128, 255], np.uint8)
    for k in range(N):
        save(root / "images" / f"{(7 * k) % N:02}.png", noise(k))
        save(root / "masks" / f"{(7 * k) % N:02}.png", values[mask_of(k)])
    labels = {int(value): name for value, name in zip(values, ("none", "front", "back"), strict=True)}
    paths = (root, "images/*.png", "masks/*.png", labels, root.parent / "cache")
    samples = [Sample(noise(k)[None], mask_of(k)) for k in range(N)]
    return Files(samples, lambda: mask_folder.load(*paths, shape=SIZE, split=SHARES))


def of_nnunet(root: Path) -> Files:
    for k in range(N):
        for channel in range(2):
            save(root / "imagesTr" / f"c{(7 * k) % N:02}_{channel:04}.png", noise(k + 100 * channel))
        save(root / "labelsTr" / f"c{(7 * k) % N:02}.png", mask_of(k))
    labels = {"background": 0, "front": 1, "back": 2}
    content = {"channel_names": {"0": "T1", "1": "T2"}, "labels": labels, "file_ending": ".png"}
    (root / "dataset.json").write_text(json.dumps(content))
    samples = [Sample(np.stack([noise(k), noise(k + 100)]), mask_of(k)) for k in range(N)]
    return Files(samples, lambda: nnunet.load(root, root.parent / "cache", split=SHARES))


def of_glas(root: Path) -> Files:
    write_glas(root)
    masks = sorted(root.glob("*_anno.bmp"))
    images = [path.with_name(path.name.replace("_anno", "")) for path in masks]
    samples = [
        Sample(stored(image, "RGB"), (stored(mask)[0] > 0).astype(np.uint8))
        for image, mask in zip(images, masks, strict=True)
    ]
    return Files(samples, lambda: glas.load(root, root.parent / "cache", shape=(20, 30)))


def of_glas_grades(root: Path) -> Files:
    write_glas(root)
    lines = (root / "Grade.csv").read_text().splitlines()[1:]
    samples = [
        Sample(stored(root / f"{line.split(',')[0]}.bmp", "RGB"), int("malignant" in line)) for line in lines
    ]
    return Files(samples, lambda: glas_grades.load(root, root.parent / "cache", shape=(20, 30)))


def arrays(path: Path, size: tuple[int, ...], classes: int) -> list[Sample]:
    """A file in MedMNIST's layout."""
    given = layout((24, 12, 12), size, classes)
    path.parent.mkdir(parents=True)
    np.savez(path, **given)
    return [
        Sample(image[None], int(label[0]))
        for split in ("train", "val", "test")
        for image, label in zip(given[f"{split}_images"], given[f"{split}_labels"], strict=True)
    ]


def of_npz(root: Path) -> Files:
    samples = arrays(root / "small.npz", (10, 12), 3)
    return Files(samples, lambda: npz.load(root / "small.npz"))


def of_medmnist(root: Path) -> Files:
    path = root / "medmnist" / "breastmnist.npz"
    samples = arrays(path, (28, 28), 2)
    return Files(samples, lambda: medmnist.load("breastmnist", root, md5=digest(path)))


def digest(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


LOADERS: dict[str, Callable[[Path], Files]] = {
    "chexpert": of_chexpert,
    "glas": of_glas,
    "glas_grades": of_glas_grades,
    "image_folder": of_image_folder,
    "mask_folder": of_mask_folder,
    "medmnist": of_medmnist,
    "nih_chestxray14": of_nih,
    "nnunet": of_nnunet,
    "npz": of_npz,
    "table": of_table,
    "unlabeled": of_unlabeled,
}


@pytest.mark.parametrize("loader", LOADERS)
def test_image_target_and_index_belong_together(loader: str, tmp_path: Path) -> None:
    assert follow(LOADERS[loader](tmp_path / "files"), tmp_path / "run")
