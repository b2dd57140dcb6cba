"""Trees of images: what is found, how it is split, and what is refused."""

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.layouts.image_tree import find
from al_runner.data.sets import image_folder
from al_runner.data.tasks import Binary, MultiClass
from al_runner.errors import InputError
from tests.commands import Command
from tests.conftest import images_of

SPLITS = ("train", "val", "test")
PATTERN = r"person\d+|(?:NORMAL2-)?IM-\d+"


def write_tree(
    root: Path,
    splits: Sequence[str] = SPLITS,
    classes: Sequence[str] = ("a", "b"),
    n: int = 12,
    per_patient: int = 2,
    edge: int = 14,
) -> None:
    """`n` small images of each class in each split, in the names of Kaggle's chest X-rays."""
    rng = np.random.default_rng(0)
    for s, split in enumerate(splits):
        for label, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i, image in enumerate(images_of(np.full(n, label), (edge, edge), rng)):
                patient = (10 * s + label) * 1000 + i // per_patient
                stem = f"person{patient}_virus_{i}" if label else f"IM-{patient:05}-{i:04}"
                Image.fromarray(image).save(folder / f"{stem}.png")


class Tree:
    """A tree and its cache."""

    def __init__(self, tmp: Path) -> None:
        self.root, self.tmp = tmp / "scans", tmp

    def write(self, **options: Any) -> "Tree":
        write_tree(self.root, **options)
        return self

    def load(self, **options: Any) -> Dataset:
        return image_folder.load(self.root, self.tmp / "cache", **{"image_size": 14, **options})

    def first(self, below: str) -> Path:
        return min((self.root / below).iterdir())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def patient_of(path: Path) -> str:
    return path.name.split("_")[0].rsplit("-", 1)[0]


def members(dataset: Dataset, split: str) -> set[bytes]:
    return {image.numpy().tobytes() for image in dataset.splits[split].images}


def test_a_tree_with_splits(tree: Tree) -> None:
    dataset = tree.write().load()
    assert dataset.name == "scans"
    assert dataset.class_names == ("a", "b")
    assert isinstance(dataset.task, Binary)
    assert (dataset.channels, dataset.image_size) == (1, (14, 14))
    for split in SPLITS:
        files = sorted((tree.root / split).rglob("*.png"), key=lambda path: path.as_posix())
        expected = np.stack([np.asarray(Image.open(path)) for path in files])
        assert (dataset.splits[split].images.squeeze(1).numpy() == expected).all()
        assert dataset.splits[split].targets.tolist() == [int(path.parent.name == "b") for path in files]


def test_the_classes_order_and_more_than_two(tree: Tree) -> None:
    tree.write(classes=("x", "y", "z"))
    dataset, turned = tree.load(), tree.load(classes=["z", "x", "y"])
    assert isinstance(dataset.task, MultiClass)
    assert turned.class_names == ("z", "x", "y")
    assert turned.train.targets.tolist() == ((dataset.train.targets + 1) % 3).tolist()
    assert turned.fingerprint != dataset.fingerprint
    with pytest.raises(InputError, match=r"classes=\['x'\], but the classes' folders in .* are x, y, z"):
        tree.load(classes=["x"])


def test_color(tree: Tree) -> None:
    assert tree.write().load(channels=3, image_size=9).train.images.shape == (24, 3, 9, 9)


@pytest.mark.parametrize("names", [("train", "valid", "test"), ("Training", "Validation", "Testing")])
def test_other_names_of_the_splits(tree: Tree, names: tuple[str, ...]) -> None:
    dataset = tree.write(splits=names).load()
    assert [len(dataset.splits[split]) for split in SPLITS] == [24, 24, 24]


def test_missing_splits_are_made_by_patients(tree: Tree) -> None:
    tree.write(splits=["."], n=60, per_patient=3)
    dataset = tree.load(group=PATTERN)
    assert [len(dataset.splits[split]) for split in SPLITS] == [84, 12, 24]
    for split in SPLITS:
        assert dataset.splits[split].targets.float().mean() == 0.5
    assert tree.load(group=PATTERN).fingerprint == dataset.fingerprint
    other = tree.load(group=PATTERN, split_seed=1)
    assert members(other, "test") != members(dataset, "test")
    even = tree.load(group=PATTERN, split=[0.5, 0.25, 0.25])
    assert [len(even.splits[split]) for split in SPLITS] == [60, 30, 30]
    patients = {np.asarray(Image.open(path)).tobytes(): patient_of(path) for path in tree.root.rglob("*.png")}
    found = [{patients[image] for image in members(dataset, split)} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 40, "no patient is in two splits"


def test_splits_are_made_anew(tree: Tree) -> None:
    tree.write(n=20)
    given, anew = tree.load(group=PATTERN), tree.load(group=PATTERN, resplit=True)
    assert [len(anew.splits[split]) for split in SPLITS] == [84, 12, 24]
    assert set.union(*(members(anew, split) for split in SPLITS)) == set.union(
        *(members(given, split) for split in SPLITS)
    )
    patients = {np.asarray(Image.open(path)).tobytes(): patient_of(path) for path in tree.root.rglob("*.png")}
    found = [{patients[image] for image in members(anew, split)} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 60, "no patient is in two splits"
    assert members(tree.load(group=PATTERN, resplit=True, split_seed=1), "test") != members(anew, "test")


def test_some_images_of_each_class(tree: Tree) -> None:
    """The first in the order of a hash: a larger draw holds a smaller one. Splits stay as they are."""
    tree.write(n=20)
    whole, drawn = tree.load(), tree.load(per_class={"a": 30, "b": 12})
    targets = torch.cat([drawn.splits[split].targets for split in SPLITS])
    assert targets.bincount().tolist() == [30, 12]
    for split in SPLITS:
        files = sorted(path.relative_to(tree.root) for path in (tree.root / split).rglob("*.png"))
        kept = {
            path
            for name, count in (("a", 30), ("b", 12))
            for path in sorted(
                (path.relative_to(tree.root) for path in tree.root.rglob(f"*/{name}/*.png")),
                key=lambda path: hashlib.sha256(f"0:{path.as_posix()}".encode()).hexdigest(),
            )[:count]
        }
        expected = [np.asarray(Image.open(tree.root / path)) for path in files if path in kept]
        assert (drawn.splits[split].images.squeeze(1).numpy() == np.stack(expected)).all()
        assert members(drawn, split) <= members(whole, split)
    few = tree.load(per_class=12)
    assert tree.load(per_class="20%").fingerprint == few.fingerprint
    assert members(few, "train") <= members(drawn, "train")
    assert few.fingerprint != drawn.fingerprint != tree.load(per_class=30).fingerprint
    both = tree.load(per_class=30, resplit=True, group=PATTERN)
    assert [len(both.splits[split]) for split in SPLITS] == [42, 6, 12]


def test_only_val_is_missing(tree: Tree) -> None:
    tree.write()
    test = members(tree.load(), "test")
    shutil.rmtree(tree.root / "val")
    dataset = tree.load(group=r"(?:person|IM-)(\d+)")
    assert members(dataset, "test") == test
    assert len(dataset.train) + len(dataset.splits["val"]) == 24
    assert 2 <= len(dataset.splits["val"]) <= 4


def test_images_in_folders_of_patients(tree: Tree) -> None:
    tree.write(splits=["."], n=30)
    for path in list(tree.root.rglob("*.png")):
        folder = path.with_name(patient_of(path))
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    dataset = tree.load(group=r"[ab]/(?P<patient>[^/]+)/")
    assert sum(len(split) for split in dataset.splits.values()) == 60


def test_patients_in_two_splits_are_counted(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.write()
    tree.load(group=PATTERN)
    assert "more than one" not in capsys.readouterr().err
    for name in ("train", "test"):
        for patient in (7777, 8888):
            path = tree.root / name / "b" / f"person{patient}_bacteria_1.png"
            shutil.copy(tree.first("train/b"), path)
    tree.load(group=PATTERN)
    lines = [line for line in capsys.readouterr().err.splitlines() if "patients are in more" in line]
    (line,) = lines
    assert line.startswith("al-run: 2 patients are in more than one split of")
    assert "person7777" in line


def test_what_is_no_image_is_ignored(tree: Tree) -> None:
    expected = tree.write().load().fingerprint
    for name in (".DS_Store", "._x.png", "notes.txt", "labels.csv"):
        (tree.root / "train" / "a" / name).write_bytes(b"no image")
    (tree.root / "__MACOSX" / "train" / "a").mkdir(parents=True)
    (tree.root / "train" / "__MACOSX" / "a").mkdir(parents=True)
    (tree.root / "train" / "__MACOSX" / "a" / "x.png").write_bytes(b"no image")
    (tree.root / "train" / "loose.png").write_bytes(b"below no class")
    assert tree.load().fingerprint == expected


def test_later_runs_open_no_image(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree.write().load()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image file was opened")

    monkeypatch.setattr(Image, "open", refuse)
    dataset = tree.load()
    assert dataset.fingerprint == before.fingerprint
    assert (dataset.train.images == before.train.images).all()


def test_images_that_cannot_be_read(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tree.write().load().fingerprint
    empty, cut, text = sorted((tree.root / "train" / "a").iterdir())[:3]
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[:-40])
    text.write_text("no image")
    with pytest.raises(InputError, match=rf"3 of 72 items of .* cannot be read: train/a/{empty.name} \("):
        tree.load()
    dataset = tree.load(on_error="skip")
    assert len(dataset.train) == 21
    assert dataset.train.targets.tolist() == [0] * 9 + [1] * 12
    assert dataset.fingerprint != whole
    assert "al-run: left out: 3 of 72 items" in capsys.readouterr().err
    for path in (tree.root / "val" / "b").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="every split needs images of every class, but val has none of b"):
        tree.load(on_error="skip")


def test_bad_trees(tree: Tree) -> None:
    def refused(words: str, **options: Any) -> None:
        with pytest.raises(InputError, match=words):
            tree.load(**options)
        assert not (tree.tmp / "cache").exists()

    refused("scans is not a folder")
    tree.root.mkdir()
    refused("holds no images in folders: expected train/<class>/")
    tree.write()
    refused(r"dataset.group=\( is not a regular expression", group="(")
    refused(
        r"dataset.group=person\\d\+ finds no patient in 36 of 72 paths, such as test/a/IM", group=r"person\d+"
    )
    (tree.root / "valid" / "a").mkdir(parents=True)
    refused("has test, train, val, valid: one folder for each split")
    shutil.rmtree(tree.root / "valid")
    shutil.rmtree(tree.root / "val" / "b")
    refused("but val has none of b")
    shutil.rmtree(tree.root / "val" / "a")
    refused("val holds no images in folders")
    shutil.rmtree(tree.root / "val")
    refused("dataset.per_class: 25 images of a are asked for, .*scans has 24", per_class=25)
    refused(r"per_class=\{'a': 3\} needs a number for each of a, b", per_class={"a": 3})
    refused("every split needs images of every class", per_class=1)
    shutil.rmtree(tree.root / "train" / "b")
    shutil.rmtree(tree.root / "test" / "b")
    refused(r"images of one class only \(a\)")
    shutil.rmtree(tree.root / "train")
    refused("has test, but no folder train")


def test_too_few_patients_for_three_splits(tree: Tree) -> None:
    tree.write(splits=["."], n=12, per_patient=12)
    with pytest.raises(InputError, match="val has none of a, val has none of b, test has none of a"):
        tree.load(group=PATTERN)


def test_a_run_as_a_user_makes_it(al_run: Command, tmp_path: Path) -> None:
    """A run, a damaged image, and a changed one."""
    write_tree(tmp_path / "scans")
    arguments = [
        "dataset=image_folder", f"dataset.root={tmp_path}/scans", "dataset.image_size=14", "model.width=2",
        "schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=14", "schedule.epochs=2",
        "logger=none",
    ]  # fmt: skip
    env = {"AL_RUNNER_CACHE": str(tmp_path / "cache")}
    done = al_run(*arguments, **env)
    assert done.returncode == 0, done.stderr
    assert "outputs/scans/entropy/" in done.stdout
    assert "al-run: decoding 72 items" in done.stderr
    damaged = min((tmp_path / "scans" / "train" / "a").iterdir())
    damaged.write_bytes(b"no image")
    done = al_run(*arguments, **env)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("al-run: 1 of 72 items of")
    assert done.stderr.count("Traceback") == 0
    Image.fromarray(np.zeros((14, 14), np.uint8)).save(damaged)
    done = al_run(*arguments, **env)
    assert done.returncode == 2
    assert "was begun with other data of the name scans" in done.stderr


@pytest.mark.slow
def test_jobs_of_a_sweep_share_the_cache(al_run: Command, tmp_path: Path) -> None:
    write_tree(tmp_path / "scans")
    done = al_run(
        "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=0,1", "dataset=image_folder",
        f"dataset.root={tmp_path}/scans", "dataset.image_size=14", "model.width=2", "schedule.initial_size=6",
        "schedule.query_size=4", "schedule.budget=10", "schedule.epochs=1", "logger=none",
        AL_RUNNER_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "cache").glob("decoded/*/*/images"))) == 1
    assert done.stderr.count("decoding 72 items") == 1


@pytest.mark.slow
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """Peak anonymous memory of decoding and reading 200 and 1,200 images of 128×128: 3 and 20 MB."""
    program = """
import sys, threading, time
from pathlib import Path
import torch
from al_runner.data import shards
from al_runner.data.sets import image_folder
shards.SHARD_BYTES = 2**20
peak = 0
def anonymous():
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])
def watch():
    global peak
    while True:
        peak = max(peak, anonymous()); time.sleep(0.002)
threading.Thread(target=watch, daemon=True).start()
for root in sys.argv[2:]:
    dataset = image_folder.load(root, sys.argv[1], image_size=128)
    for indices in torch.arange(len(dataset.train)).split(32):
        dataset.train.images[indices].float().sum()
    print(max(peak, anonymous()))
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("/proc is Linux's")
    for n in (100, 600):
        write_tree(tmp_path / str(n), splits=["."], n=n)
    command = [sys.executable, "-c", program, *(str(tmp_path / name) for name in ("cache", "100", "600"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    small, large = (int(line) / 1024 for line in done.stdout.split())
    assert large - small < 8, f"{small} and {large} MB"


def test_chest_x_rays(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real folder: no patient in two splits; some of its images as torchvision has them."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    from al_runner.data.layouts.image_tree import Choice, scan

    root = data_dir / "chest_xray"
    tree = scan(root, Choice(["NORMAL", "PNEUMONIA"], PATTERN))
    assert len(tree.samples) == 5824
    assert capsys.readouterr().err == ""
    small = tmp_path / "small"
    for sample in tree.samples[::97]:
        (small / sample.below).parent.mkdir(parents=True, exist_ok=True)
        (small / sample.below).symlink_to(sample.path)
    dataset = image_folder.load(small, tmp_path / "cache", image_size=64)
    change = transforms.Compose(
        [transforms.Resize((64, 64)), transforms.Grayscale(), transforms.PILToTensor()]
    )
    for split in SPLITS:
        peer = ImageFolder(small / split, change)
        images, targets = zip(*peer, strict=True)
        difference = torch.stack(images).int() - dataset.splits[split].images.int()
        assert difference.abs().max() <= 1
        assert dataset.splits[split].targets.tolist() == list(targets)
    assert Counter(dataset.train.targets.tolist())[1] > 20


def test_a_link_to_a_folder_above_is_no_new_folder(tmp_path: Path) -> None:
    write_tree(tmp_path / "scans")
    before = [sample.below for sample in find(tmp_path / "scans")]
    (tmp_path / "scans" / "train" / "again").symlink_to(tmp_path / "scans")
    assert [sample.below for sample in find(tmp_path / "scans")] == before


def test_12_bits_in_files_of_16_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They come out nearly black: a line says so, and a value mends it."""
    root = tmp_path / "scans"
    write_tree(root)
    for path in root.rglob("*.png"):
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 16).save(path)

    def opened(**options: int) -> Dataset:
        return image_folder.load(root, tmp_path / "cache", image_size=14, **options)

    dark = opened()
    said = capsys.readouterr().err
    assert "brightest pixel of the 16-bit images" in said
    assert "dataset.white=4095 makes that value white" in said
    assert int(dark.train.images.max()) < 16
    light = opened(white=4095)
    assert "brightest" not in capsys.readouterr().err
    assert int(light.train.images.max()) > 200
    assert light.fingerprint != dark.fingerprint
