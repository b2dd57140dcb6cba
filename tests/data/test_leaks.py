"""Images that are there twice (RIAWELC #2, PlantSeg #11), and patients in two splits (COVID-CT #11)."""

import csv
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from al_runner.config.annotations import check_values
from al_runner.data import cache
from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.layouts.leaks import Apart, copies
from al_runner.data.layouts.samples import Sample
from al_runner.data.sets import glas, glas_grades, image_folder, mask_folder, table, unlabeled
from al_runner.errors import InputError
from tests.data.nifti_files import write_glas
from tests.data.test_mask_folder import write as write_pair

EDGE = 8


def picture(number: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (EDGE, EDGE), dtype=np.uint8))


def write(root: Path, numbers: Mapping[str, int]) -> Path:
    """Image `number` at each path."""
    for below, number in numbers.items():
        (root / below).parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(root / below)
    return root


PAIRS = {f"{name}/{i:02}.png": i // 2 + 100 * (name == "b") for name in "ab" for i in range(40)}
"""Of two classes, every image twice."""


def folder(root: Path, **options: Any) -> Dataset:
    return image_folder.load(root, root.parent / "cache", **{"image_size": EDGE, **options})


def places(dataset: Dataset) -> dict[bytes, list[str]]:
    """Pixels → the splits that have them, one entry for each image."""
    found = defaultdict(list)
    for split in SPLITS:
        for image in dataset.splits[split].images:
            found[image.numpy().tobytes()].append(split)
    return found


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if "copies of others" in line]


def test_copies_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = folder(write(tmp_path / "scans", PAIRS))
    torn = sum(len(set(where)) > 1 for where in places(dataset).values())
    assert torn > 5, "they are dealt one by one"
    (line,) = said(capsys)
    assert line.startswith(
        f"al-run: 40 of 80 images of {tmp_path}/scans are copies of others, pixel for pixel ("
    )
    assert line.endswith(
        f"; {torn} of these in more than one split, so results flatter; dataset.duplicates=drop leaves out "
        "all but one, group keeps them in one split"
    )
    folder(tmp_path / "scans")
    assert said(capsys) == [line], "from the cache, too"


def test_a_folder_without_copies_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(write(tmp_path / "scans", {below: i for i, below in enumerate(PAIRS)}))
    assert said(capsys) == []


def test_pixels_count_and_not_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another format, another name, another compression, and text in the header."""
    root = write(tmp_path / "scans", {below: i for i, below in enumerate(PAIRS)})
    picture(3).save(root / "a" / "again.bmp")
    picture(3).save(root / "a" / "again.png", compress_level=0)
    folder(root)
    (line,) = said(capsys)
    assert line.startswith("al-run: 2 of 82 images")


def test_all_but_one_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path / "scans", PAIRS)
    dataset = folder(root, duplicates="drop")
    found = places(dataset)
    assert len(found) == 40
    assert all(len(where) == 1 for where in found.values())
    assert sorted(found) == sorted(places(folder(root)))
    targets = np.concatenate([dataset.splits[split].targets for split in SPLITS])
    pixels = [image.numpy().tobytes() for split in SPLITS for image in dataset.splits[split].images]
    of_b = {np.asarray(picture(number)).tobytes() for number in range(100, 120)}
    assert [int(each in of_b) for each in pixels] == targets.tolist()
    capsys.readouterr()
    assert folder(root, duplicates="drop").fingerprint == dataset.fingerprint
    assert "decoding" not in capsys.readouterr().err, "both caches stay"


def test_the_one_that_is_measured_on_stays(tmp_path: Path) -> None:
    own = {
        f"{split}/{c}/{i}.png": 10 * s + i + 100 * (c == "b")
        for s, split in enumerate(SPLITS)
        for c in "ab"
        for i in range(4)
    }
    both = {"train/a/again.png": 21, "val/a/again.png": 22, "train/b/again.png": 111}
    dataset = folder(write(tmp_path / "scans", {**own, **both}), duplicates="drop")
    found = places(dataset)
    for number, split in ((21, "test"), (22, "test"), (111, "val")):
        assert found[np.asarray(picture(number)).tobytes()] == [split]
    assert [len(dataset.splits[split]) for split in SPLITS] == [8, 8, 8]


def test_they_are_kept_in_one_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path / "scans", PAIRS)
    dataset = folder(root, duplicates="group")
    found = places(dataset)
    assert len(found) == 40
    assert all(len(where) == 2 and len(set(where)) == 1 for where in found.values())
    assert all(split.targets.unique().tolist() == [0, 1] for split in dataset.splits.values())
    assert len(said(capsys)) == 1


def test_patients_who_share_an_image_are_one(tmp_path: Path) -> None:
    """Also by a third: p0 has an image of p1's, who has one of p2's."""
    samples = [Sample(tmp_path / f"{i}", f"{i}", "a", f"p{i // 2}") for i in range(8)]
    same = [
        [samples[at] for at in group] for group in copies([b"a", b"b", b"b", b"c", b"d", b"c", b"e", b"f"])
    ]
    dealt = Apart("group", samples, lambda each: each).dealt(same)
    assert [each.patient for each in dealt] == ["p0"] * 6 + ["p3"] * 2


def test_splits_that_are_given_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {
        f"{split}/{c}/{i}.png": 10 * s + i + 100 * (c == "b")
        for s, split in enumerate(SPLITS)
        for c in "ab"
        for i in range(4)
    }
    root = write(tmp_path / "scans", {**own, "train/a/again.png": 21, "train/b/again.png": 21})
    assert folder(root, duplicates="group").fingerprint == folder(root).fingerprint
    lines = said(capsys)
    assert lines[1].endswith("their splits are given, so they stay there")
    assert "; 1 of these with several labels; 1 of these in more than one split" in lines[0]


def test_every_other_loader_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "scans", PAIRS)
    unlabeled.load(tmp_path / "scans", ["a", "b"], tmp_path / "cache", image_size=EDGE, test_size=10)
    (line,) = said(capsys)
    assert "40 of 80" in line
    assert "dataset.duplicates" not in line, "it has no such key"
    for k in range(10):
        write_pair(tmp_path / "pairs", f"p{k}")
    shutil.copy(tmp_path / "pairs/images/p1.png", tmp_path / "pairs/images/p0.png")
    mask_folder.load(
        tmp_path / "pairs",
        "images/*.png",
        "masks/*.png",
        {0: "no", 255: "yes"},
        tmp_path / "cache",
        split=[0.6, 0.2, 0.2],
    )
    (line,) = said(capsys)
    assert "1 of 10 images" in line
    write_glas(tmp_path / "glas")
    shutil.copy(tmp_path / "glas/train_2.bmp", tmp_path / "glas/testA_1.bmp")
    for module in (glas, glas_grades):
        module.load(tmp_path / "glas", tmp_path / "cache")
        (line,) = said(capsys)
        assert "(testA_1 of train_2); 1 of these in more than one split" in line


def test_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several labels, too; the labels that differ are counted."""
    root = write(tmp_path / "scans", PAIRS)
    rows = [[below, "xy"[i % 3 % 2], f"p{i}"] for i, below in enumerate(PAIRS)]
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "label", "patient"], *rows])
    options: dict[str, Any] = {"image_size": EDGE}
    kept = table.load(root, tmp_path / "cache", **options)
    (line,) = said(capsys)
    assert "with several labels" in line
    dropped = table.load(root, tmp_path / "cache", duplicates="drop", **options)
    assert sum(len(split) for split in dropped.splits.values()) == 40
    labels = {row[0]: int(row[1] == "y") for row in rows}
    for dataset in (kept, dropped):
        for split in dataset.splits.values():
            assert split.targets.tolist() == [labels[name] for name in split.names]
            expected = [np.asarray(Image.open(root / name)) for name in split.names]
            assert (split.images[:, 0].numpy() == np.stack(expected)).all()
    grouped = table.load(root, tmp_path / "cache", duplicates="group", **options)
    assert all(len(set(where)) == 1 for where in places(grouped).values())


def test_a_cache_from_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests are taken from what was decoded, and kept; no image is opened for it."""
    root = write(tmp_path / "scans", PAIRS)
    folder(root)
    (line,) = said(capsys)
    (digests,) = (tmp_path / "cache").glob(f"*/*/{cache.DIGESTS}")
    content = digests.read_bytes()
    for damage in (digests.unlink, lambda: digests.write_bytes(content[:20])):
        damage()
        folder(root)
        done = capsys.readouterr().err
        assert "decoding" not in done
        assert line in done
        assert digests.read_bytes() == content


def test_a_word_that_is_none(tmp_path: Path) -> None:
    write(tmp_path / "scans", PAIRS)
    with pytest.raises(InputError, match=r"dataset.duplicates=dorp: did you mean drop\?"):
        folder(tmp_path / "scans", duplicates="dorp")
    assert not (tmp_path / "cache").exists()


def patients_of(root: Path) -> Mapping[str, str]:
    return glas.column(root / "Grade.csv", glas.PATIENT)


def shared(dataset: Dataset, patients: Mapping[str, str]) -> Sequence[str]:
    found = [{patients[name] for name in dataset.splits[split].names} for split in SPLITS]
    return sorted(set.union(*(one & other for one in found for other in found if one is not other)))


def test_glas_by_patients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "glas"
    write_glas(root, {"train": 12, "testA": 6, "testB": 6})
    lines = (root / "Grade.csv").read_bytes().decode().split("\r")
    for i in range(1, len(lines)):
        name, _, *rest = lines[i].split(",")
        lines[i] = ",".join([name, str(int(name.split("_")[1]) % 6), *rest])
    (root / "Grade.csv").write_bytes("\r".join(lines).encode())
    patients = patients_of(root)
    official = glas.load(root, tmp_path / "cache")
    assert shared(official, patients)
    assert "6 patients are in more than one split" in capsys.readouterr().err
    for module in (glas, glas_grades):
        dealt = module.load(root, tmp_path / "cache", split="patients")
        assert shared(dealt, patients) == []
        assert "more than one split" not in capsys.readouterr().err
        assert sum(len(split) for split in dealt.splits.values()) == 24
        other = module.load(root, tmp_path / "cache", split="patients", split_seed=3)
        assert other.splits["test"].names != dealt.splits["test"].names
        with pytest.raises(InputError, match=r"dataset.split=patient: did you mean patients\?"):
            check_values(module.load, {"split": "patient"}, "dataset")
